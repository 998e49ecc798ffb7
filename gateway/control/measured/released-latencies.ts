// ReleasedLatencies: the evidence of predictors that are released, by slot, as data workers hand it over.
import { addedCounts, type ArmCounts, noCounts } from "../../../release/statistics/arm-counts.ts";
import { maxLatencySlots, type SlotLatencies } from "../../shared/latencies.ts";

export class ReleasedLatencies {
  readonly #counts = new Map<number, ArmCounts>();
  /** Messages of workers that had more slots than they count, or that found no room here. */
  leftOut = 0;

  take(slots: readonly SlotLatencies[], leftOut: number): void {
    this.leftOut += leftOut;
    for (const { slot, requests, failed, latency } of slots) {
      const before = this.#counts.get(slot);
      if (before === undefined && this.#counts.size === maxLatencySlots) {
        this.leftOut += 1;
        continue;
      }
      const added: ArmCounts = { ...noCounts, requests, failed, latency: [...latency] };
      this.#counts.set(slot, before === undefined ? added : addedCounts(before, added));
    }
  }

  /** All of these slots together, since this control worker began; it knows no rewards and no comparisons. */
  of(slots: readonly number[]): ArmCounts {
    return slots.reduce((sum, slot) => addedCounts(sum, this.#counts.get(slot) ?? noCounts), noCounts);
  }
}
