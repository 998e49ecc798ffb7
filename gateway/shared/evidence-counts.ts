// The evidence of releases: what became of requests of predictors that are released, how long the model took, and in which groups of callers. One data worker counts it, and hands it to the control worker.
import { callerBuckets } from "../../routing/release/statistics/arm-counts.ts";
import { latencyBucket, latencyBuckets } from "../../routing/release/statistics/latency-bounds.ts";
import { FairMap } from "./fair-map.ts";
import { maxSlots } from "./memory/counters.ts";

/** Groups of callers. */
export { callerBuckets };

/** Slots of which one worker counts evidence between two messages: at 1.3 KiB each. Where they are all in use, the namespace that has most of them gives one. */
export const maxEvidenceSlots = 4096;

/** Whose evidence it is. */
export interface EvidenceOwner {
  readonly slot: number;
  readonly namespace: string;
  readonly deployment: string;
}

export type EvidenceOutcome = "answered" | "refused" | "failed" | "denied";

/** Of one slot, since the message before: as `ArmCounts` has it. */
export interface SlotEvidence extends EvidenceOwner {
  readonly requests: number;
  readonly failed: number;
  readonly refused: number;
  readonly denied: number;
  readonly latency: Uint32Array;
  readonly callers: {
    readonly requests: Uint32Array;
    readonly failed: Uint32Array;
    readonly refused: Uint32Array;
  };
}

/** What was counted between two messages. */
export interface DrainedEvidence {
  readonly slots: readonly SlotEvidence[];
  /** Requests that are in none of them. */
  readonly leftOut: number;
  /** Deployments of those requests, as `NAMESPACE/NAME`: `maxEvidenceSlots` at most. */
  readonly without: readonly string[];
}

type Counts = { -readonly [Key in keyof SlotEvidence]: SlotEvidence[Key] };

export class EvidenceCounts {
  readonly #first: () => void;
  #counts = new FairMap<number, Counts>(maxEvidenceSlots);
  #leftOut = 0;
  #without = new Set<string>();

  /** `first`: there is something to hand over. */
  constructor(first: () => void) {
    this.#first = first;
  }

  /** Counts one request, with the ms that the model took; null: nobody knows them. `bucket`: its caller's; below 0: nobody knows the caller. `denied`: about the client, so counted beside the requests. */
  take(owner: EvidenceOwner, outcome: EvidenceOutcome, ms: number | null, bucket: number): void {
    const counts = this.#counts.get(owner.slot) ?? this.#begin(owner);
    if (counts === null) return;
    if (outcome === "denied") {
      counts.denied += 1;
      return;
    }
    counts.requests += 1;
    if (outcome !== "answered") counts[outcome] += 1;
    if (ms !== null) counts.latency[latencyBucket(ms)]! += 1;
    if (bucket < 0) return;
    counts.callers.requests[bucket]! += 1;
    if (outcome !== "answered") counts.callers[outcome][bucket]! += 1;
  }

  /** null: there is no room for it. */
  #begin(owner: EvidenceOwner): Counts | null {
    const { slot, namespace, deployment } = owner;
    if (this.#counts.size + this.#leftOut === 0) this.#first();
    if (slot < 0 || slot >= maxSlots || !this.#counts.hasRoomFor(namespace)) {
      this.#leaveOut(owner, 1);
      return null;
    }
    const counts = {
      slot,
      namespace,
      deployment,
      requests: 0,
      failed: 0,
      refused: 0,
      denied: 0,
      latency: new Uint32Array(latencyBuckets),
      callers: {
        requests: new Uint32Array(callerBuckets),
        failed: new Uint32Array(callerBuckets),
        refused: new Uint32Array(callerBuckets),
      },
    };
    const gone = this.#counts.set(slot, namespace, counts);
    if (gone !== null) this.#leaveOut(gone, gone.requests);
    return counts;
  }

  #leaveOut({ namespace, deployment }: EvidenceOwner, requests: number): void {
    this.#leftOut += requests;
    if (this.#without.size < maxEvidenceSlots) this.#without.add(`${namespace}/${deployment}`);
  }

  /** What was counted since the last call. */
  drain(): DrainedEvidence {
    const drained = {
      slots: Array.from(this.#counts.entries(), ([, counts]) => counts),
      leftOut: this.#leftOut,
      without: [...this.#without],
    };
    this.#counts = new FairMap(maxEvidenceSlots);
    this.#leftOut = 0;
    this.#without = new Set();
    return drained;
  }
}
