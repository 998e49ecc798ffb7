// RolloutController: moves the traffic of SDs that ask for it, by what was counted. The leader looks at the counts of all replicas, decides, and writes the
// record; everybody serves what the record says. Time is the leader's own, so clocks of replicas are not compared, and what it has not written did not happen.
import { decideRollout, type RolloutDecision, type RolloutLook } from "../../../release/rollout/decide.ts";
import type { CountsByInstance } from "../../../release/rollout/evidence.ts";
import { stepState, type RolloutState } from "../../../release/rollout/state.ts";
import { releaseKey, type PlannedRelease, type ReleaseEntry } from "../../../k8s/translate/model/release.ts";
import { sameValue } from "../../../routing/text/diff.ts";
import type { Clock } from "../../shared/clock.ts";
import { beginning, entryOf, isSameStanding, stateOf } from "./release-state.ts";
import type { ReleaseSync } from "./release-sync.ts";

/** Between two looks. */
export const lookMs = 2000;

/** Counts of every release, cumulative, of each process that answers. */
export interface ReleaseLook {
  readonly countsOf: (release: PlannedRelease) => CountsByInstance;
  /** Why evidence is not whole; null: every replica answers. */
  readonly blocked: RolloutLook["blocked"];
}

export interface RolloutControllerOutside {
  readonly clock: Clock;
  /** Epoch ms, for people. */
  readonly nowMs: () => number;
  readonly isLeader: () => boolean;
  readonly planned: () => Iterable<PlannedRelease>;
  /** Is there such an SD? */
  readonly exists: (release: { readonly namespace: string; readonly name: string }) => boolean;
  readonly look: (releases: readonly PlannedRelease[]) => Promise<ReleaseLook>;
}

/** What the leader knows of one release beside the record. */
interface Known {
  /** Of the entry that it goes on from. */
  readonly entry: ReleaseEntry;
  readonly state: RolloutState;
  readonly decision: RolloutDecision | null;
  /** Of the clock. */
  readonly lookedMs: number;
}

/** A release whose SD is not there is kept so long: its SD may come back. */
export const missingMs = 3_600_000;

export class RolloutController {
  readonly #sync: Pick<ReleaseSync, "record" | "isWritable" | "isLost" | "write">;
  readonly #outside: RolloutControllerOutside;
  #known = new Map<string, Known>();
  /** Since when SDs of the record are not there, by key. */
  #missing = new Map<string, number>();
  #looking: Promise<void> | null = null;
  #wanted = false;

  constructor(
    sync: Pick<ReleaseSync, "record" | "isWritable" | "isLost" | "write">,
    outside: RolloutControllerOutside,
  ) {
    this.#sync = sync;
    this.#outside = outside;
  }

  /** The newest decision; null: this replica does not lead, or has not looked yet. */
  decisionOf(release: { readonly namespace: string; readonly name: string }): RolloutDecision | null {
    return this.#known.get(releaseKey(release))?.decision ?? null;
  }

  /** Looks and decides: each `lookMs`, and when SDs changed. Never two at a time; one that is asked for meanwhile follows. */
  look(): Promise<void> {
    this.#wanted = true;
    this.#looking ??= this.#lookAgain().finally(() => (this.#looking = null));
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
      // Evidence of another time: who leads later begins anew.
      this.#known.clear();
      return;
    }
    const releases = [...planned()];
    if (releases.length === 0 && this.#sync.record.size === 0) return;
    const seen = await look(releases);
    // What was true when it began to look may not be any more.
    if (!isLeader() || !this.#sync.isWritable) return;
    const record = this.#sync.record;
    const next = new Map(record);
    const known = new Map<string, Known>();
    for (const release of releases) {
      const key = releaseKey(release.ref);
      const decided = this.#decide(release, record.get(key) ?? null, seen);
      if (decided === null) continue;
      known.set(key, decided);
      next.set(key, decided.entry);
    }
    this.#sweep(releases, next);
    if (!this.#sync.isLost && sameValue(Object.fromEntries(record), Object.fromEntries(next))) {
      this.#known = known;
      return;
    }
    if ((await this.#sync.write(next)) !== "written") {
      // Nothing of it happened. What is in force is looked at again.
      for (const [key, one] of known) if (one.entry !== record.get(key)) known.delete(key);
    }
    this.#known = known;
  }

  /** null: nothing moves it. */
  #decide(release: PlannedRelease, entry: ReleaseEntry | null, seen: ReleaseLook): Known | null {
    if (release.plan.kind !== "rollout") return null;
    const { plan } = release.plan;
    const counts = seen.countsOf(release);
    const nowMs = this.#outside.clock.now();
    const begun = beginning(release, plan, entry, counts);
    const known = this.#known.get(releaseKey(release.ref));
    const isKnown = begun === null && known !== undefined && known.entry === entry;
    const found = begun !== null ? begun.state : isKnown ? known.state : stateOf(entry!, plan, counts);
    // A person may take back what is promoted.
    const state = found.kind === "promoted" && release.isAborted ? stepState(plan.steps.length - 1, counts) : found;
    const isPromoteUsed = release.isPromoted && (entry?.isPromoteUsed ?? false);
    const decision = decideRollout(plan, state, {
      elapsedMs: isKnown ? nowMs - known.lookedMs : 0,
      instances: counts,
      wanted: wantedOf(release, isPromoteUsed),
      blocked: seen.blocked,
    });
    const isMoved = begun !== null || !isSameStanding(found, decision.state);
    const isUsed = isPromoteUsed || (release.isPromoted && decision.state.kind === "promoted");
    const why = isSameStanding(found, decision.state) ? (begun?.why ?? "") : decision.sentence;
    const nextEntry = isMoved
      ? entryOf(release, plan, decision.state, why, this.#outside.nowMs(), isUsed)
      : entry!.isPromoteUsed === isUsed
        ? entry!
        : { ...entry!, isPromoteUsed: isUsed };
    return { entry: nextEntry, state: decision.state, decision, lookedMs: nowMs };
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

function wantedOf(
  { isAborted, isPaused, isPromoted }: PlannedRelease,
  isPromoteUsed: boolean,
): "none" | "pause" | "promote" | "abort" {
  if (isAborted) return "abort";
  if (isPaused) return "pause";
  return isPromoted && !isPromoteUsed ? "promote" : "none";
}
