// HeldPairs: pairs of answers on their way from a data worker to the comparing thread, in batches. What the thread has not taken is bounded, for each
// namespace and in all; beyond that pairs are dropped.
import type { MessagePort } from "node:worker_threads";
import type {
  Captured,
  CapturedPair,
  PairBatch,
  PairDrop,
  PairsTaken,
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
 * later finds room. Beyond it waits one pair, of a namespace that has no other: one with large answers is compared, too, and takes nobody's room.
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
  readonly #dropped: (why: PairDrop, count: number) => void;
  #port: MessagePort | null = null;
  #pairs: PostedPair[] = [];
  #pieces: Buffer[] = [];
  #bytes = 0;
  /** Held or posted, and not taken: of all but the one beyond the room, and by namespace. */
  readonly #waiting: Waiting = { pairs: 0, bytes: 0 };
  readonly #waitingOf = new Map<string, Waiting>();
  /** Of them, those that were posted, by namespace. */
  readonly #posted = new Map<string, Waiting>();
  /** The pair beyond the room: the first one of its namespace that waits. */
  #beyond: { readonly namespace: string; readonly bytes: number } | null = null;
  #timer: NodeJS.Timeout | null = null;
  #isWanted = false;

  constructor(want: () => void, dropped: (why: PairDrop, count: number) => void) {
    this.#want = want;
    this.#dropped = dropped;
  }

  /** Another thread takes them from now on. */
  connect(port: MessagePort): void {
    this.#port?.close();
    this.#lose();
    this.#port = port;
    this.#isWanted = false;
    port.on("message", (some: PairsTaken) => {
      if (this.#port === port) this.#taken(some);
    });
    port.on("close", () => {
      if (this.#port !== port) return;
      this.#port = null;
      this.#lose();
    });
    port.unref();
    this.flush();
  }

  /** What a thread had is gone with it. */
  #lose(): void {
    for (const [namespace, { pairs, bytes }] of this.#posted) {
      this.#taken({ namespace, pairs, bytes });
      this.#dropped("ended", pairs);
    }
  }

  take({ primary, shadow, ...pair }: CapturedPair): void {
    const { namespace } = pair;
    const bytes = primary.bytes + (shadow?.bytes ?? 0);
    if (this.#fits(namespace, 1, bytes)) add(this.#waiting, 1, bytes);
    else if (this.#isFirst(namespace)) this.#beyond = { namespace, bytes };
    else return this.#dropped("queue", 1);
    add(waitingOf(this.#waitingOf, namespace), 1, bytes);
    this.#pairs.push({ ...pair, primary: this.#put(primary), shadow: shadow === null ? null : this.#put(shadow) });
    if (this.#port === null && !this.#isWanted) {
      this.#isWanted = true;
      this.#want();
    }
    if (this.#bytes >= fullBytes) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), holdMs).unref();
  }

  hasRoom(namespace: string): boolean {
    return this.#fits(namespace, 1, 0, beginShare) || this.#isFirst(namespace);
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

  /** The next one of this namespace may wait beyond the room. */
  #isFirst(namespace: string): boolean {
    return this.#beyond === null && !this.#waitingOf.has(namespace);
  }

  #taken({ namespace, pairs, bytes }: PairsTaken): void {
    const isBeyond = this.#beyond?.namespace === namespace;
    add(this.#waiting, isBeyond ? 1 - pairs : -pairs, isBeyond ? this.#beyond!.bytes - bytes : -bytes);
    if (isBeyond) this.#beyond = null;
    for (const all of [this.#waitingOf, this.#posted]) {
      const own = all.get(namespace)!;
      add(own, -pairs, -bytes);
      if (own.pairs === 0) all.delete(namespace);
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
    for (const { namespace, primary, shadow } of this.#pairs)
      add(
        waitingOf(this.#posted, namespace),
        1,
        primary.end - primary.start + (shadow?.end ?? 0) - (shadow?.start ?? 0),
      );
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

function add(waiting: Waiting, pairs: number, bytes: number): void {
  waiting.pairs += pairs;
  waiting.bytes += bytes;
}
