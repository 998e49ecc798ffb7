// ReleaseController: moves the traffic of SDs that ask for it, by what was counted. The leader looks at the counts of all replicas, decides, and writes the
// record; everybody serves what the record says. Time is the leader's own, so clocks of replicas are not compared, and what it has not written did not happen.
import { releaseKey, type PlannedRelease, type ReleaseEntry } from "../../../k8s/translate/model/release.ts";
import { sameValue } from "../../../routing/text/diff.ts";
import type { Clock } from "../../shared/clock.ts";
import { decided, type CountsOfArms, type Decided, type SeenRelease } from "./decided.ts";
import type { ReleaseSync } from "./release-sync.ts";

/** Between two looks. */
export const lookMs = 2000;

/** Counts of every release, cumulative, of each process that answers. */
export interface ReleaseLook {
  readonly countsOf: (release: PlannedRelease) => CountsOfArms;
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

/** A release whose SD is not there is kept so long: its SD may come back. */
export const missingMs = 3_600_000;

export class ReleaseController {
  readonly #sync: Pick<ReleaseSync, "record" | "isWritable" | "isLost" | "write">;
  readonly #outside: ReleaseControllerOutside;
  #known = new Map<string, Decided>();
  /** Since when SDs of the record are not there, by key. */
  #missing = new Map<string, number>();
  #looking: Promise<void> | null = null;
  #wanted = false;

  constructor(
    sync: Pick<ReleaseSync, "record" | "isWritable" | "isLost" | "write">,
    outside: ReleaseControllerOutside,
  ) {
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
    const known = new Map<string, Decided>();
    const [lookedMs, nowMs] = [this.#outside.clock.now(), this.#outside.nowMs()];
    for (const release of releases) {
      const key = releaseKey(release.ref);
      try {
        const at = { counts: seen.countsOf(release), blocked: seen.blocked, lookedMs, nowMs };
        const one = decided(release, record.get(key) ?? null, this.#known.get(key) ?? null, at);
        if (one === null) continue;
        known.set(key, one);
        next.set(key, one.entry);
      } catch (error) {
        // Of this one: the others go on.
        this.#outside.faulted(error);
      }
    }
    this.#sweep(releases, next);
    if (!this.#sync.isLost && sameValue(Object.fromEntries(record), Object.fromEntries(next))) {
      this.#known = known;
      return;
    }
    if ((await this.#sync.write(next)) !== "written") {
      // Nothing of it happened: what was known before it is decided upon once more.
      for (const [key, one] of known) {
        const before = this.#known.get(key);
        if (one.entry === record.get(key)) continue;
        if (before === undefined) known.delete(key);
        else known.set(key, before);
      }
    }
    this.#known = known;
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
