// EvidenceBySlot: the evidence of predictors that are released, by slot, as data workers hand it over.
import { addedCounts, type ArmCounts, noCounts } from "../../../routing/release/statistics/arm-counts.ts";
import { maxEvidenceSlots, type SlotEvidence } from "../../shared/evidence-counts.ts";

/** A slot that counted nothing for so long makes room for another one. Its counts then begin at 0 again, which evidence takes for a new process. */
export const quietMs = 600_000;

export class EvidenceBySlot {
  /** Those that counted last at the end. */
  readonly #counts = new Map<number, { readonly counts: ArmCounts; readonly atMs: number }>();
  /** Requests of slots that found no room, at a worker or here. */
  leftOut = 0;

  /** `nowMs` never goes back. */
  take(slots: readonly SlotEvidence[], leftOut: number, nowMs: number): void {
    this.leftOut += leftOut;
    for (const { slot, requests, failed, latency } of slots) {
      const before = this.#counts.get(slot);
      if (before === undefined && this.#counts.size === maxEvidenceSlots && !this.#makeRoom(nowMs)) {
        this.leftOut += requests;
        continue;
      }
      const added: ArmCounts = { ...noCounts, requests, failed, latency: [...latency] };
      this.#counts.delete(slot);
      this.#counts.set(slot, { counts: before === undefined ? added : addedCounts(before.counts, added), atMs: nowMs });
    }
  }

  /** Another Series may have the slot next: none of this is evidence of it. */
  forget(slot: number): void {
    this.#counts.delete(slot);
  }

  /** All of these slots together, since this control worker began; it knows no rewards and no comparisons. */
  of(slots: readonly number[]): ArmCounts {
    return slots.reduce((sum, slot) => addedCounts(sum, this.#counts.get(slot)?.counts ?? noCounts), noCounts);
  }

  /** False: each slot counted a moment ago. */
  #makeRoom(nowMs: number): boolean {
    for (const [slot, { atMs }] of this.#counts) return nowMs - atMs >= quietMs && this.#counts.delete(slot);
    return false;
  }
}
