// One question to a peer: signed, answered in its time and within its size by who has the key, or a word why not.
import { randomBytes } from "node:crypto";
import { request, type IncomingMessage } from "node:http";
import {
  answerProof,
  challengeHeader,
  keyOf,
  peerScheme,
  peerToken,
  proofHeader,
  requestProof,
  type PeerKeys,
} from "../../shared/peer-proof.ts";

export interface CallLimits {
  /** A whole call, ms. */
  readonly callMs: number;
  /** Of the body of an answer. */
  readonly maxBytes: number;
}

export const callLimits: CallLimits = { callMs: 2000, maxBytes: 4 * 1024 * 1024 };

/** Of the head of an answer. */
const maxHeadBytes = 8192;

export type CallOutcome =
  /** `challenge`: for the next call; null: it has none. */
  | { readonly kind: "answer"; readonly value: unknown; readonly challenge: string | null }
  /** Nothing answers there. */
  | { readonly kind: "away"; readonly sentence: string }
  /** What answers there is no replica with the same key. */
  | { readonly kind: "garbage"; readonly sentence: string };

/** Never rejects. `url`: path and query. `challenge` null: the peer is asked for one first. */
export async function callPeer(
  { host, port }: { readonly host: string; readonly port: number },
  url: string,
  keys: PeerKeys,
  challenge: string | null,
  limits: CallLimits = callLimits,
): Promise<CallOutcome> {
  const signal = AbortSignal.timeout(limits.callMs);
  let next = challenge ?? "none";
  // One that is too old is answered with a new one.
  for (let left = 2; left > 0; left--) {
    const nonce = randomBytes(16).toString("base64url");
    const proof = requestProof(keys[0], url, next, nonce);
    let answer: IncomingMessage;
    try {
      answer = await head(host, port, url, `${peerScheme} ${next} ${nonce} ${proof}`, signal);
    } catch (error) {
      return unanswered(error as NodeJS.ErrnoException, signal, limits);
    }
    const given = answer.headers[challengeHeader];
    const offered = typeof given === "string" && peerToken.test(given) ? given : null;
    if (answer.statusCode === 401 && offered !== null && left > 1) {
      answer.destroy();
      next = offered;
      continue;
    }
    if (answer.statusCode !== 200) {
      answer.destroy();
      return garbage(
        answer.statusCode === 401
          ? "it does not accept the key of --peer-key: give all replicas the same key"
          : `it answered with status ${answer.statusCode ?? 0}`,
      );
    }
    const body = await bodyOf(answer, limits, signal);
    if (typeof body === "string") return garbage(body);
    const shown = String(answer.headers[proofHeader] ?? "");
    if (keyOf(keys, shown, (key) => answerProof(key, url, nonce, body)) === null)
      return garbage("its answer is not signed with the key of --peer-key: give all replicas the same key");
    try {
      return { kind: "answer", value: JSON.parse(body.toString()), challenge: offered };
    } catch {
      return garbage("its answer is no JSON");
    }
  }
  return garbage("it did not accept its own challenge");
}

function head(
  host: string,
  port: number,
  url: string,
  authorization: string,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = request({
      host,
      port,
      path: url,
      agent: false,
      maxHeaderSize: maxHeadBytes,
      headers: { authorization, accept: "application/json", "user-agent": "sluice" },
      signal,
    });
    sent.once("response", resolve);
    sent.on("error", reject);
    sent.end();
  });
}

/** A text: what is wrong with it. */
async function bodyOf(answer: IncomingMessage, limits: CallLimits, signal: AbortSignal): Promise<Buffer | string> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const piece of answer as AsyncIterable<Buffer>) {
      bytes += piece.length;
      if (bytes > limits.maxBytes) return `its answer has more than ${limits.maxBytes} bytes`;
      pieces.push(piece);
    }
  } catch {
    return signal.aborted ? `its answer did not end within ${limits.callMs} ms` : "its answer ended in the middle";
  } finally {
    answer.destroy();
  }
  return Buffer.concat(pieces, bytes);
}

function unanswered(
  { code = "unknown" }: NodeJS.ErrnoException,
  signal: AbortSignal,
  { callMs }: CallLimits,
): CallOutcome {
  if (signal.aborted) return { kind: "away", sentence: `it did not answer within ${callMs} ms` };
  return code.startsWith("HPE_")
    ? garbage(`its answer is not HTTP (${code})`)
    : { kind: "away", sentence: `it cannot be reached (${code})` };
}

function garbage(sentence: string): CallOutcome {
  return { kind: "garbage", sentence };
}
