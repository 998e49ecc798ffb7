// One question to a replica, answered in its time and within its size, or a word why not.
import { request } from "node:http";

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
  /** JSON that nobody has checked. */
  | { readonly kind: "answer"; readonly value: unknown }
  /** 404: it has no such thing. */
  | { readonly kind: "absent" }
  /** Nothing answers there. */
  | { readonly kind: "away"; readonly sentence: string }
  /** What answers there is no replica that takes this token. */
  | { readonly kind: "garbage"; readonly sentence: string };

/**
 * Never rejects, and ends within `callMs` whatever the other side does. `path`: with its query. `token`: of the admin port; null: it needs none.
 */
export function callPeer(
  { host, port }: { readonly host: string; readonly port: number },
  path: string,
  token: string | null,
  { callMs, maxBytes }: CallLimits = callLimits,
): Promise<CallOutcome> {
  const { promise, resolve } = Promise.withResolvers<CallOutcome>();
  const sent = request({
    host,
    port,
    path,
    agent: false,
    maxHeaderSize: maxHeadBytes,
    headers: {
      accept: "application/json",
      "user-agent": "sluice",
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    },
  });
  let hasBegun = false;
  const end = (outcome: CallOutcome): void => {
    clearTimeout(timer);
    resolve(outcome);
    sent.destroy();
  };
  const away = (sentence: string): void => end({ kind: "away", sentence });
  const garbage = (sentence: string): void => end({ kind: "garbage", sentence });
  const timer = setTimeout(() => {
    if (hasBegun) garbage(`its answer did not end within ${callMs} ms`);
    else away(`it did not answer within ${callMs} ms`);
  }, callMs);
  sent.on("upgrade", (_, socket) => {
    socket.destroy();
    garbage("it answered with status 101");
  });
  sent.on("error", ({ code = "unknown" }: NodeJS.ErrnoException) => {
    if (hasBegun) garbage("its answer ended in the middle");
    else if (code.startsWith("HPE_")) garbage(`its answer is not HTTP (${code})`);
    else away(`it cannot be reached (${code})`);
  });
  sent.on("response", (answer) => {
    hasBegun = true;
    if (answer.statusCode === 401)
      return garbage("it does not take the token of this replica: give all replicas the same --admin-token");
    if (answer.statusCode === 404) return end({ kind: "absent" });
    if (answer.statusCode !== 200) return garbage(`it answered with status ${answer.statusCode ?? 0}`);
    const pieces: Buffer[] = [];
    let bytes = 0;
    answer.on("data", (piece: Buffer) => {
      bytes += piece.length;
      if (bytes > maxBytes) garbage(`its answer has more than ${maxBytes} bytes`);
      else pieces.push(piece);
    });
    answer.on("error", () => garbage("its answer ended in the middle"));
    answer.on("end", () => {
      try {
        end({ kind: "answer", value: JSON.parse(Buffer.concat(pieces, bytes).toString()) });
      } catch {
        garbage("its answer is no JSON");
      }
    });
  });
  sent.on("close", () => (hasBegun ? garbage("its answer ended in the middle") : away("it closed the connection")));
  sent.end();
  return promise;
}
