// HeldPairs: pairs of answers on their way from a data worker to the comparing thread, in batches. What the thread has not taken is bounded, for each
// namespace and in all; beyond that pairs are dropped.
import type { MessagePort } from "node:worker_threads";
import type {
  Captured,
  CapturedPair,
  PairBatch,
  PairTaker,
  PostedAnswer,
  PostedPair,
} from "../shared/compared-pairs.ts";

/** Held back at most this long, so that a busy worker posts one message for many. */
const holdMs = 20;
/** A batch with more leaves at once. */
const fullBytes = 256 * 1024;
/**
 * Of one namespace alone: not taken by the thread, or held while there is none. All together get less than twice as much, and whoever comes
 * later finds room. One pair is always let through.
 */
export const maxWaitingBytes = 4 * 1024 * 1024;
export const maxWaitingPairs = 512;
/** Of the room that pairs have, what may be taken when another pair begins: the rest is for those that are under way. Answers that are kept and then dropped cost the worker collections of garbage. */
const beginShare = 0.75;

interface Waiting {
  pairs: number;
  bytes: number;
}

export class HeldPairs implements PairTaker {
  /** Asks for the thread, where there is none. */
  readonly #want: () => void;
  readonly #dropped: () => void;
  #port: MessagePort | null = null;
  #pairs: PostedPair[] = [];
  #pieces: Buffer[] = [];
  #bytes = 0;
  /** Held or posted, and not taken. */
  readonly #waiting: Waiting = { pairs: 0, bytes: 0 };
  readonly #waitingOf = new Map<string, Waiting>();
  /** By namespace: of the batch that is held, and of those that were posted, the first one first. */
  #held = new Map<string, Waiting>();
  #posted: Map<string, Waiting>[] = [];
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
    for (const batch of this.#posted.splice(0)) this.#taken(batch);
    // It takes batches in their order.
    port.on("message", () => {
      const batch = this.#port === port ? this.#posted.shift() : undefined;
      if (batch !== undefined) this.#taken(batch);
    });
    port.on("close", () => {
      if (this.#port === port) this.#port = null;
    });
    port.unref();
    this.flush();
  }

  take({ primary, shadow, ...pair }: CapturedPair): void {
    const bytes = primary.bytes + (shadow?.bytes ?? 0);
    if (this.#waiting.pairs > 0 && !this.#fits(pair.namespace, 1, bytes)) return this.#dropped();
    for (const one of [
      this.#waiting,
      waitingOf(this.#waitingOf, pair.namespace),
      waitingOf(this.#held, pair.namespace),
    ]) {
      one.pairs += 1;
      one.bytes += bytes;
    }
    this.#pairs.push({ ...pair, primary: this.#put(primary), shadow: shadow === null ? null : this.#put(shadow) });
    if (this.#port === null && !this.#isWanted) {
      this.#isWanted = true;
      this.#want();
    }
    if (this.#bytes >= fullBytes) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), holdMs).unref();
  }

  hasRoom(namespace: string): boolean {
    return this.#fits(namespace, 1, 0, beginShare);
  }

  /** As much as is free (dynamic thresholds). */
  #fits(namespace: string, morePairs: number, moreBytes: number, share = 1): boolean {
    const { pairs = 0, bytes = 0 } = this.#waitingOf.get(namespace) ?? {};
    const all = this.#waiting;
    return (
      pairs + morePairs <= Math.min(maxWaitingPairs, 2 * maxWaitingPairs - all.pairs) * share &&
      bytes + moreBytes <= Math.min(maxWaitingBytes, 2 * maxWaitingBytes - all.bytes) * share
    );
  }

  #taken(batch: ReadonlyMap<string, Waiting>): void {
    for (const [namespace, { pairs, bytes }] of batch) {
      const own = this.#waitingOf.get(namespace)!;
      for (const one of [this.#waiting, own]) {
        one.pairs -= pairs;
        one.bytes -= bytes;
      }
      if (own.pairs === 0) this.#waitingOf.delete(namespace);
    }
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
    this.#posted.push(this.#held);
    this.#held = new Map();
    this.#port.postMessage({ pairs: this.#pairs, bytes } satisfies PairBatch, [bytes.buffer]);
    this.#pairs = [];
    this.#pieces = [];
    this.#bytes = 0;
  }
}

function waitingOf(all: Map<string, Waiting>, namespace: string): Waiting {
  let own = all.get(namespace);
  if (own === undefined) all.set(namespace, (own = { pairs: 0, bytes: 0 }));
  return own;
}
