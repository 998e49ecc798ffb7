// Latencies of predictors that are released, by the fine scale of releases: what one data worker counts, and hands to the control worker.
import { latencyBucket, latencyBuckets } from "../../release/statistics/latency-bounds.ts";
import { maxSlots } from "./memory/counters.ts";

/** Slots of which one worker counts latencies between two messages: at 0.5 KiB each. */
export const maxLatencySlots = 4096;

/** Counts of one slot by bucket, since the message before. */
export interface SlotLatencies {
  readonly slot: number;
  readonly counts: Uint32Array;
}

export class Latencies {
  readonly #first: () => void;
  #counts = new Map<number, Uint32Array>();
  /** Of slots beyond the limit. */
  #leftOut = 0;

  /** `first`: there is something to hand over. */
  constructor(first: () => void) {
    this.#first = first;
  }

  /** One request took so many ms. */
  take(slot: number, ms: number): void {
    let counts = this.#counts.get(slot);
    if (counts === undefined) {
      if (this.#counts.size + this.#leftOut === 0) this.#first();
      if (slot < 0 || slot >= maxSlots || this.#counts.size === maxLatencySlots) {
        this.#leftOut += 1;
        return;
      }
      this.#counts.set(slot, (counts = new Uint32Array(latencyBuckets)));
    }
    counts[latencyBucket(ms)]! += 1;
  }

  /** What was counted since the last call. */
  drain(): { readonly slots: readonly SlotLatencies[]; readonly leftOut: number } {
    const drained = { slots: Array.from(this.#counts, ([slot, counts]) => ({ slot, counts })), leftOut: this.#leftOut };
    this.#counts = new Map();
    this.#leftOut = 0;
    return drained;
  }
}
