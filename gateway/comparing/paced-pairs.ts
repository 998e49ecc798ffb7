// PacedPairs: batches of pairs that wait for the comparing thread. It compares for a moment and rests nineteen times as long: the kernel lets a thread that runs finish its turn of
// some milliseconds, whatever its priority, and on a machine with few cores requests would wait for that (p50 of primaries was twelve times as long).
import type { PairBatch, PostedPair } from "../shared/compared-pairs.ts";
import type { Clock } from "../shared/clock.ts";

/** ms. One pair is compared whole. */
export const turnMs = 0.25;
/** Of what a turn took, by the clock: where other threads have the cores, turns take longer, and so do rests. */
export const restOfTurn = 19;
/** After a clock that jumped, ms. */
export const longestRestMs = 1000;

interface Waiting {
  readonly batch: PairBatch;
  readonly done: () => void;
}

export class PacedPairs {
  readonly #compare: (pair: PostedPair, bytes: Uint8Array) => void;
  readonly #clock: Clock;
  readonly #waiting: Waiting[] = [];
  /** The next one of the first batch. */
  #next = 0;
  #rests = false;

  /** `compare` never throws. */
  constructor(compare: (pair: PostedPair, bytes: Uint8Array) => void, clock: Clock) {
    this.#compare = compare;
    this.#clock = clock;
  }

  /** Calls `done` once all of it is compared. Batches are compared in their order; senders bound how many wait. */
  take(batch: PairBatch, done: () => void): void {
    this.#waiting.push({ batch, done });
    if (!this.#rests) this.#turn();
  }

  #turn(): void {
    const beganMs = this.#clock.now();
    let tookMs = 0;
    while (tookMs < turnMs) {
      const [first] = this.#waiting;
      if (first === undefined) break;
      const { pairs, bytes } = first.batch;
      this.#compare(pairs[this.#next]!, bytes);
      this.#next += 1;
      if (this.#next === pairs.length) {
        this.#next = 0;
        this.#waiting.shift();
        first.done();
      }
      tookMs = this.#clock.now() - beganMs;
    }
    this.#rests = true;
    this.#clock.after(Math.min(tookMs * restOfTurn, longestRestMs), () => {
      this.#rests = false;
      if (this.#waiting.length > 0) this.#turn();
    });
  }
}
