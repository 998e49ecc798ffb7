// HeldPairs: pairs of answers on their way from a data worker to the comparing thread, in batches. What the thread has not taken is bounded; beyond that
// pairs are dropped.
import type { MessagePort } from "node:worker_threads";
import type {
  Captured,
  CapturedPair,
  PairBatch,
  PairsTaken,
  PostedAnswer,
  PostedPair,
} from "../shared/compared-pairs.ts";

/** Held back at most this long, so that a busy worker posts one message for many. */
const holdMs = 20;
/** A batch with more leaves at once. */
const fullBytes = 1024 * 1024;
/** Not taken by the thread, or held while there is none. One pair is always let through. */
export const maxWaitingBytes = 16 * 1024 * 1024;
export const maxWaitingPairs = 2048;

export class HeldPairs {
  /** Asks for the thread, where there is none. */
  readonly #want: () => void;
  readonly #dropped: () => void;
  #port: MessagePort | null = null;
  #pairs: PostedPair[] = [];
  #pieces: Buffer[] = [];
  #bytes = 0;
  /** Posted and not taken. */
  #postedPairs = 0;
  #postedBytes = 0;
  #timer: NodeJS.Timeout | null = null;
  #isWanted = false;

  constructor(want: () => void, dropped: () => void) {
    this.#want = want;
    this.#dropped = dropped;
  }

  /** Another thread takes them from now on; what the one before had is gone with it. */
  connect(port: MessagePort): void {
    this.#port?.close();
    this.#port = port;
    this.#isWanted = false;
    this.#postedPairs = 0;
    this.#postedBytes = 0;
    port.on("message", ({ pairs, bytes }: PairsTaken) => {
      if (this.#port !== port) return;
      this.#postedPairs -= pairs;
      this.#postedBytes -= bytes;
    });
    port.on("close", () => {
      if (this.#port === port) this.#port = null;
    });
    port.unref();
    this.flush();
  }

  take({ primary, shadow, ...pair }: CapturedPair): void {
    const bytes = primary.bytes + (shadow?.bytes ?? 0);
    const waiting = this.#postedPairs + this.#pairs.length;
    if (waiting > 0 && (waiting >= maxWaitingPairs || this.#postedBytes + this.#bytes + bytes > maxWaitingBytes))
      return this.#dropped();
    this.#pairs.push({ ...pair, primary: this.#put(primary), shadow: shadow === null ? null : this.#put(shadow) });
    if (this.#port === null && !this.#isWanted) {
      this.#isWanted = true;
      this.#want();
    }
    if (this.#bytes >= fullBytes) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), holdMs).unref();
  }

  #put({ pieces, bytes, ...answer }: Captured): PostedAnswer {
    const start = this.#bytes;
    this.#pieces.push(...pieces);
    this.#bytes += bytes;
    return { ...answer, start, end: this.#bytes };
  }

  /** Without a thread they wait: whoever brings one flushes. */
  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#port === null || this.#pairs.length === 0) return;
    const bytes = new Uint8Array(this.#bytes);
    let at = 0;
    for (const piece of this.#pieces) {
      bytes.set(piece, at);
      at += piece.length;
    }
    this.#postedPairs += this.#pairs.length;
    this.#postedBytes += this.#bytes;
    this.#port.postMessage({ pairs: this.#pairs, bytes } satisfies PairBatch, [bytes.buffer]);
    this.#pairs = [];
    this.#pieces = [];
    this.#bytes = 0;
  }
}
