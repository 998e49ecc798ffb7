// The evidence of releases: requests, failures and latencies of predictors that are released, by the fine scale of releases. One data worker counts it, and hands it to the control worker.
import { latencyBucket, latencyBuckets } from "../../routing/release/statistics/latency-bounds.ts";
import { maxSlots } from "./memory/counters.ts";

/** Slots of which one worker counts evidence between two messages: at 0.5 KiB each. */
export const maxEvidenceSlots = 4096;

/** Of one slot, since the message before. */
export interface SlotEvidence {
  readonly slot: number;
  readonly requests: number;
  readonly failed: number;
  /** By bucket: those of which it is known. */
  readonly latency: Uint32Array;
}

export class EvidenceCounts {
  readonly #first: () => void;
  #counts = new Map<number, { -readonly [Key in keyof SlotEvidence]: SlotEvidence[Key] }>();
  /** Of slots beyond the limit. */
  #leftOut = 0;

  /** `first`: there is something to hand over. */
  constructor(first: () => void) {
    this.#first = first;
  }

  /** One request, for which the model took so many ms; null: that is not known. */
  take(slot: number, isFailed: boolean, ms: number | null): void {
    let counts = this.#counts.get(slot);
    if (counts === undefined) {
      if (this.#counts.size + this.#leftOut === 0) this.#first();
      if (slot < 0 || slot >= maxSlots || this.#counts.size === maxEvidenceSlots) {
        this.#leftOut += 1;
        return;
      }
      this.#counts.set(slot, (counts = { slot, requests: 0, failed: 0, latency: new Uint32Array(latencyBuckets) }));
    }
    counts.requests += 1;
    if (isFailed) counts.failed += 1;
    if (ms !== null) counts.latency[latencyBucket(ms)]! += 1;
  }

  /** What was counted since the last call. */
  drain(): { readonly slots: readonly SlotEvidence[]; readonly leftOut: number } {
    const drained = { slots: [...this.#counts.values()], leftOut: this.#leftOut };
    this.#counts = new Map();
    this.#leftOut = 0;
    return drained;
  }
}
