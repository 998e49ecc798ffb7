// ReleaseController: moves the traffic of SDs that ask for it, by what was counted. The leader looks at the counts of all replicas, decides, and writes the
// record; everybody serves what the record says. Time is the leader's own, so clocks of replicas are not compared, and what it has not written did not happen.
import { releaseKey, type PlannedRelease, type ReleaseEntry } from "../../../k8s/translate/model/release.ts";
import { sameValue } from "../../../routing/text/diff.ts";
import type { Clock } from "../../shared/clock.ts";
import { decided, keptOf, type CountsOfArms, type Decided, type SeenRelease } from "./decided.ts";
import type { EvidenceRecord, KeptEvidence } from "./kept-evidence.ts";
import type { ReleaseSync } from "./release-sync.ts";

/** Between two looks. */
export const lookMs = 2000;

/** Counts of every release, cumulative, of each process that answers. */
export interface ReleaseLook {
  readonly countsOf: (release: PlannedRelease) => CountsOfArms;
  /** Has its released predictor no ready Endpoint? */
  readonly isUnready: (release: PlannedRelease) => boolean;
  readonly blocked: SeenRelease["blocked"];
}

export interface ReleaseControllerOutside {
  readonly clock: Clock;
  /** Epoch ms, for people. */
  readonly nowMs: () => number;
  readonly isLeader: () => boolean;
  readonly planned: () => Iterable<PlannedRelease>;
  /** Is there such an SD? */
  readonly exists: (release: { readonly namespace: string; readonly name: string }) => boolean;
  /** A bug of ours: shares stay as they are, and the next look tries again. */
  readonly faulted: (error: unknown) => void;
  readonly look: (releases: readonly PlannedRelease[]) => Promise<ReleaseLook>;
}

/** Between two writes of evidence that changed, and of evidence that did not: it must not grow old while a leader looks at it. */
export const evidenceMs = 30_000;
const sameEvidenceMs = 300_000;

/** A release whose SD is not there is kept so long: its SD may come back. */
export const missingMs = 3_600_000;

type ReleaseStore = Pick<ReleaseSync, "record" | "evidence" | "evidenceOf" | "isWritable" | "isLost" | "write">;

export class ReleaseController {
  readonly #sync: ReleaseStore;
  readonly #outside: ReleaseControllerOutside;
  #known = new Map<string, Decided>();
  /** Since when SDs of the record are not there, by key. */
  #missing = new Map<string, number>();
  /** When the record was last written, by the clock: evidence is due a while after that. null: this replica did not lead at its last look. */
  #writtenMs: number | null = null;
  #looking: Promise<void> | null = null;
  #wanted = false;

  constructor(sync: ReleaseStore, outside: ReleaseControllerOutside) {
    this.#sync = sync;
    this.#outside = outside;
  }

  /** The newest decision; null: this replica does not lead, or has not looked yet. */
  decisionOf(release: { readonly namespace: string; readonly name: string }): Decided["of"] | null {
    return this.#known.get(releaseKey(release))?.of ?? null;
  }

  /** Looks and decides: each `lookMs`, and when SDs changed. Never two at a time; one that is asked for meanwhile follows. */
  look(): Promise<void> {
    this.#wanted = true;
    this.#looking ??= this.#lookAgain()
      .catch((error: unknown) => this.#outside.faulted(error))
      .finally(() => (this.#looking = null));
    return this.#looking;
  }

  async #lookAgain(): Promise<void> {
    while (this.#wanted) {
      this.#wanted = false;
      await this.#look();
    }
  }

  async #look(): Promise<void> {
    const { isLeader, planned, look } = this.#outside;
    if (!isLeader() || !this.#sync.isWritable) {
      // Of another time: who leads later goes on from the record.
      this.#known.clear();
      this.#writtenMs = null;
      return;
    }
    const releases = [...planned()];
    if (releases.length === 0 && this.#sync.record.size === 0) return;
    const seen = await look(releases);
    // What was true when it began to look may not be any more.
    if (!isLeader() || !this.#sync.isWritable) return;
    const record = this.#sync.record;
    const next = new Map(record);
    const known = new Map<string, Decided>();
    const [lookedMs, nowMs] = [this.#outside.clock.now(), this.#outside.nowMs()];
    this.#writtenMs ??= lookedMs;
    for (const release of releases) {
      const key = releaseKey(release.ref);
      try {
        const at = {
          counts: seen.countsOf(release),
          isUnready: seen.isUnready(release),
          blocked: seen.blocked,
          kept: () => this.#sync.evidenceOf(key),
          lookedMs,
          nowMs,
        };
        const one = decided(release, record.get(key) ?? null, this.#known.get(key) ?? null, at);
        if (one === null) continue;
        known.set(key, one);
        if (one.entry !== null) next.set(key, one.entry);
      } catch (error) {
        // Of this one: the others go on.
        this.#outside.faulted(error);
      }
    }
    this.#sweep(releases, next);
    const evidence = evidenceOf(next, known, this.#sync);
    const isDue = this.#isEvidenceDue(evidence, lookedMs);
    if (!isDue && !this.#sync.isLost && sameValue(Object.fromEntries(record), Object.fromEntries(next))) {
      this.#known = known;
      return;
    }
    const outcome = await this.#sync.write(next, evidence, isDue);
    if (outcome !== "same") this.#writtenMs = lookedMs;
    if (outcome === "conflict" || outcome === "failed") {
      // Nothing of it happened: what was known before it is decided upon once more.
      for (const [key, one] of known) {
        const before = this.#known.get(key);
        if (one.entry === (record.get(key) ?? null)) continue;
        if (before === undefined) known.delete(key);
        else known.set(key, before);
      }
    }
    this.#known = known;
  }

  #isEvidenceDue(evidence: EvidenceRecord, nowMs: number): boolean {
    const sinceMs = nowMs - this.#writtenMs!;
    if (sinceMs < evidenceMs || evidence.size === 0) return false;
    const stored = this.#sync.evidence;
    return sinceMs >= sameEvidenceMs || [...evidence].some(([key, one]) => !isSameEvidence(stored.get(key), one));
  }

  /** Ends the entries of SDs that ask for nothing, and of those that are gone for long. */
  #sweep(releases: readonly PlannedRelease[], next: Map<string, ReleaseEntry>): void {
    const nowMs = this.#outside.clock.now();
    const asked = new Set(releases.map(({ ref }) => releaseKey(ref)));
    const missing = new Map<string, number>();
    for (const [key, entry] of next) {
      if (asked.has(key)) continue;
      const sinceMs = this.#missing.get(key) ?? nowMs;
      if (this.#outside.exists(entry) || nowMs - sinceMs >= missingMs) next.delete(key);
      else missing.set(key, sinceMs);
    }
    this.#missing = missing;
  }
}

/** Of the steps that are under way: what this leader has, and else what is stored. */
function evidenceOf(
  next: ReadonlyMap<string, ReleaseEntry>,
  known: ReadonlyMap<string, Decided>,
  { record, evidence: stored }: Pick<ReleaseSync, "record" | "evidence">,
): EvidenceRecord {
  const evidence = new Map<string, KeptEvidence>();
  for (const [key, entry] of next) {
    const has = known.get(key);
    const kept = has === undefined ? (entry === record.get(key) ? stored.get(key) : null) : keptOf(has);
    if (kept != null) evidence.set(key, kept);
  }
  return evidence;
}

function isSameEvidence(one: KeptEvidence | undefined, other: KeptEvidence): boolean {
  return one !== undefined && sameValue({ ...one, atMs: 0 }, { ...other, atMs: 0 });
}
