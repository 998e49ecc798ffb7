// EvidenceBySlot: the evidence of predictors that are released, by slot, as data workers hand it over.
import { ArmCounts, armCounts, noCounts } from "../../../routing/release/statistics/arm-counts.ts";
import { namespacedName } from "../../../routing/text/namespaced-name.ts";
import {
  type DrainedEvidence,
  type EvidenceOwner,
  maxEvidenceSlots,
  type SlotEvidence,
} from "../../shared/evidence-counts.ts";
import { FairMap } from "../../shared/fair-map.ts";

/** A slot that counted nothing for so long makes room for another one. Its counts then begin at 0 again, which evidence takes for a new process. */
export const quietMs = 600_000;
/** Between two looks for slots that are quiet. */
export const sweepMs = 1000;
/** So long after the last request that was left out a deployment's evidence is not whole. */
export const leftOutMs = 60_000;
/** Deployments that are known to be left out. */
const maxWithout = 16_384;

interface Kept extends EvidenceOwner {
  readonly counts: ArmCounts;
  readonly atMs: number;
}

export class EvidenceBySlot {
  readonly #counts = new FairMap<number, Kept>(maxEvidenceSlots);
  #sweptMs = -Infinity;
  /** Requests of slots that found no room, at a worker or here. */
  leftOut = 0;
  /** When the last request of a deployment was left out, by `NAMESPACE/NAME`; the last ones at the end. */
  readonly #without = new Map<string, number>();

  /** `nowMs` never goes back. */
  take({ slots, leftOut, without }: DrainedEvidence, nowMs: number): void {
    this.leftOut += leftOut;
    for (const name of without) this.#isWithout(name, nowMs);
    for (const added of slots) this.#take(added, nowMs);
  }

  #take(evidence: SlotEvidence, nowMs: number): void {
    const { slot, namespace, deployment, requests } = evidence;
    const before = this.#counts.get(slot);
    if (before === undefined && this.#counts.size >= maxEvidenceSlots) this.#sweep(nowMs);
    if (before === undefined && !this.#counts.hasRoomFor(namespace)) {
      this.leftOut += requests;
      this.#isWithout(namespacedName(namespace, deployment), nowMs);
      return;
    }
    const counts = before?.counts ?? new ArmCounts();
    counts.grow(armCounts(evidence));
    const gone = this.#counts.set(slot, namespace, { slot, namespace, deployment, counts, atMs: nowMs });
    if (gone !== null) this.#isWithout(namespacedName(gone.namespace, gone.deployment), nowMs);
  }

  /** Another Series may have the slot next: none of this is evidence of it. */
  forget(slot: number): void {
    this.#counts.delete(slot);
  }

  /** All of these slots together, since this control worker began; it knows no rewards and no comparisons. */
  of(slots: readonly number[]): ArmCounts {
    const sum = new ArmCounts();
    for (const slot of slots) sum.grow(this.#counts.get(slot)?.counts ?? noCounts);
    return sum;
  }

  /** Deployments of which requests were left out lately, as `NAMESPACE/NAME`. */
  without(nowMs: number): ReadonlySet<string> {
    for (const [name, atMs] of this.#without) {
      if (nowMs - atMs < leftOutMs) break;
      this.#without.delete(name);
    }
    return new Set(this.#without.keys());
  }

  #isWithout(name: string, nowMs: number): void {
    this.#without.delete(name);
    if (this.#without.size < maxWithout) this.#without.set(name, nowMs);
  }

  #sweep(nowMs: number): void {
    if (nowMs - this.#sweptMs < sweepMs) return;
    this.#sweptMs = nowMs;
    const quiet = [...this.#counts.entries()].filter(([, { atMs }]) => nowMs - atMs >= quietMs);
    for (const [slot] of quiet) this.#counts.delete(slot);
  }
}
