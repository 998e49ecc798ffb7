// PacedPairs: pairs that wait for the comparing thread. It compares for a moment and rests nineteen times as long: the kernel lets a thread that runs finish its turn of
// some milliseconds, whatever its priority, and on a machine with few cores requests would wait for that (p50 of primaries was twelve times as long).
import type { PairBatch, PairsTaken, PostedPair } from "../shared/compared-pairs.ts";
import type { Clock } from "../shared/clock.ts";

/** ms. One pair is compared whole. */
export const turnMs = 0.25;
/** Of what a turn took, by the clock: where other threads have the cores, turns take longer, and so do rests. */
export const restOfTurn = 19;
/** After a clock that jumped, or a pair of megabytes: the other namespaces wait meanwhile, ms. */
export const longestRestMs = 1000;

/** Those of one batch and one namespace. */
interface Part {
  readonly pairs: readonly PostedPair[];
  readonly bytes: Uint8Array;
  readonly done: () => void;
}

interface Queue {
  readonly parts: Part[];
  /** The next pair of the first part. */
  next: number;
  /** The thread's time that its pairs took, beside that of others, ms. */
  spentMs: number;
}

export class PacedPairs {
  readonly #compare: (pair: PostedPair, bytes: Uint8Array) => void;
  readonly #clock: Clock;
  /** By namespace. A namespace without pairs stays while it has spent more than those with pairs. */
  readonly #queues = new Map<string, Queue>();
  /** What the namespace of the last pair had spent before that pair, ms. A namespace that comes anew starts here: nobody saves up time while it has no pairs. */
  #spentMs = 0;
  #rests = false;

  /** `compare` never throws. */
  constructor(compare: (pair: PostedPair, bytes: Uint8Array) => void, clock: Clock) {
    this.#compare = compare;
    this.#clock = clock;
  }

  /**
   * Calls `taken` for each namespace of the batch once its pairs are compared: those of one namespace in their order, and of several that of the
   * one which has spent least (start-time fair queueing), so that none waits for all that another one sends. Senders bound how many wait.
   */
  take({ pairs, bytes }: PairBatch, taken: (some: PairsTaken) => void): void {
    for (const [namespace, own] of Map.groupBy(pairs, (pair) => pair.namespace)) {
      const some: PairsTaken = { namespace, pairs: own.length, bytes: own.reduce((sum, one) => sum + bytesOf(one), 0) };
      this.#queueOf(namespace).parts.push({ pairs: own, bytes, done: () => taken(some) });
    }
    if (!this.#rests) this.#turn();
  }

  #queueOf(namespace: string): Queue {
    let queue = this.#queues.get(namespace);
    if (queue === undefined) this.#queues.set(namespace, (queue = { parts: [], next: 0, spentMs: 0 }));
    if (queue.parts.length === 0) queue.spentMs = Math.max(queue.spentMs, this.#spentMs);
    return queue;
  }

  /** null: nothing waits. */
  #next(): Queue | null {
    let least: Queue | null = null;
    for (const [namespace, queue] of this.#queues) {
      if (queue.parts.length > 0) {
        if (least === null || queue.spentMs < least.spentMs) least = queue;
      } else if (queue.spentMs <= this.#spentMs) this.#queues.delete(namespace);
    }
    return least;
  }

  #turn(): void {
    const beganMs = this.#clock.now();
    let tookMs = 0;
    while (tookMs < turnMs) {
      const queue = this.#next();
      if (queue === null) break;
      this.#spentMs = queue.spentMs;
      this.#compareFirst(queue);
      const nowMs = this.#clock.now() - beganMs;
      queue.spentMs += nowMs - tookMs;
      tookMs = nowMs;
    }
    this.#rests = true;
    this.#clock.after(Math.min(tookMs * restOfTurn, longestRestMs), () => {
      this.#rests = false;
      if (this.#next() !== null) this.#turn();
    });
  }

  #compareFirst(queue: Queue): void {
    const { pairs, bytes, done } = queue.parts[0]!;
    this.#compare(pairs[queue.next]!, bytes);
    queue.next += 1;
    if (queue.next < pairs.length) return;
    queue.next = 0;
    queue.parts.shift();
    done();
  }
}

function bytesOf({ primary, shadow }: PostedPair): number {
  return primary.end - primary.start + (shadow === null ? 0 : shadow.end - shadow.start);
}
