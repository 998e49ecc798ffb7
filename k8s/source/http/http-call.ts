// What all requests have in common that Sluice itself sends over HTTP/1.1: they end. Node's client gives neither `response` nor `error` where a server answers
// 101 and closes, and its own timers begin anew with each byte, so every wait is raced with a timer of ours.
import { request as requestHttp, type IncomingMessage } from "node:http";
import { request as requestHttps, type RequestOptions } from "node:https";

/** There was no whole answer in time. */
export class LateAnswer extends Error {
  constructor(limitMs: number) {
    super(`there was no answer within ${limitMs / 1000} s`);
  }
}

/** What `work` gives; rejects with LateAnswer after `limitMs`, whatever the work waits for. `signal` aborts then, so that it lets go of what it holds. */
export async function within<T>(limitMs: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const late = new AbortController();
  let timer: NodeJS.Timeout | null = null;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const error = new LateAnswer(limitMs);
      reject(error);
      late.abort(error);
    }, limitMs);
  });
  try {
    return await Promise.race([work(late.signal), limit]);
  } finally {
    clearTimeout(timer!);
  }
}

/** A peer that vanished without a word is noticed after this and ten probes, one a second. */
const keepAliveMs = 15_000;

/** The response to one request, whose body the caller reads to its end or destroys. Whatever else ends the exchange rejects. `options.timeout`: ms without a byte, also of the body. */
export function responseTo(secure: boolean, options: RequestOptions, body: string | null): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = secure ? requestHttps(options) : requestHttp(options);
    sent.on("socket", (socket) => socket.setKeepAlive(true, keepAliveMs));
    sent.on("timeout", () => sent.destroy(new Error(`nothing came for ${(options.timeout ?? 0) / 1000} s`)));
    sent.on("error", reject);
    sent.on("response", resolve);
    sent.on("upgrade", (_, socket) => {
      socket.destroy();
      reject(new Error("it answers 101 Switching Protocols, which nobody asked for"));
    });
    sent.on("close", () => reject(new Error("the connection ended without an answer")));
    sent.end(body ?? undefined);
  });
}

/** The body as text; null when it is longer, and the rest is not read. Rejects when it is cut. */
export async function textOfBody(body: IncomingMessage, maxBytes: number): Promise<string | null> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of body as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > maxBytes) return null;
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString("utf8");
}
