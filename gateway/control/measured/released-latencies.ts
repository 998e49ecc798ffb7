// ReleasedLatencies: latencies of predictors that are released, by slot, as data workers hand them over.
import { latencyBuckets } from "../../../release/statistics/latency-bounds.ts";
import { maxLatencySlots, type SlotLatencies } from "../../shared/latencies.ts";

export class ReleasedLatencies {
  readonly #counts = new Map<number, Float64Array>();
  /** Messages of workers that had more slots than they count, or that found no room here. */
  leftOut = 0;

  take(slots: readonly SlotLatencies[], leftOut: number): void {
    this.leftOut += leftOut;
    for (const { slot, counts } of slots) {
      let all = this.#counts.get(slot);
      if (all === undefined) {
        if (this.#counts.size === maxLatencySlots) {
          this.leftOut += 1;
          continue;
        }
        this.#counts.set(slot, (all = new Float64Array(latencyBuckets)));
      }
      for (const [bucket, count] of counts.entries()) all[bucket]! += count;
    }
  }

  /** By bucket, all of these slots together, since this control worker began. */
  of(slots: readonly number[]): readonly number[] {
    const sum = Array.from<number>({ length: latencyBuckets }).fill(0);
    for (const slot of slots) for (const [at, count] of this.#counts.get(slot)?.entries() ?? []) sum[at]! += count;
    return sum;
  }
}
