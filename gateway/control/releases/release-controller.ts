// ReleaseController: moves the traffic of SDs that ask for it, by what was counted. The leader looks at the counts of all replicas, decides, and writes the
// record; everybody serves what the record says. Time is the leader's own, so clocks of replicas are not compared, and what it has not written did not happen.
import { releaseKey, type PlannedRelease, type ReleaseEntry } from "../../../k8s/translate/model/release.ts";
import { sameValue } from "../../../routing/text/diff.ts";
import type { Clock } from "../../shared/clock.ts";
import { inTurns } from "../../shared/in-turns.ts";
import type { Slices } from "../../shared/slices.ts";
import { decided, type Decided, type SeenRelease } from "./decided.ts";
import type { ReleaseBook } from "./release-book.ts";

/** Between two looks: the unit of evidence (`routing/release/rollout/decide.ts`). */
export const lookMs = 10_000;
/** Releases that have not begun and may begin in one look, in turns by namespace: those that find no room in the record ask again once the others have. */
export const maxBeginning = 256;
/** A release whose SD is not there is kept so long: its SD may come back. */
export const missingMs = 3_600_000;

/** What is known of releases at one moment. */
export interface ReleaseLook {
  of(release: PlannedRelease): Pick<SeenRelease, "counts" | "isUnready" | "hasRestarted" | "blocked">;
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
  /** Is it at a step whose predictor has no ready Endpoint? It is looked at with those that changed: no request is evidence there, and at 100 % each one fails. */
  readonly isUnready: (key: string) => boolean;
  /** Gathers what is known of these. */
  readonly look: (releases: readonly PlannedRelease[]) => Promise<ReleaseLook>;
  readonly slices: () => Slices;
}

export class ReleaseController {
  readonly #book: Pick<ReleaseBook, "record" | "isWritable" | "write">;
  readonly #outside: ReleaseControllerOutside;
  #known = new Map<string, Decided>();
  /** As they were at their last look, by key. */
  #asked = new Map<string, PlannedRelease>();
  /** Keys of those that asked to begin, in this round of all that have not. */
  readonly #turned = new Set<string>();
  /** Since when SDs of the record are not there, by key. */
  #missing = new Map<string, number>();
  /** The look that is asked for and has not begun. */
  #next: Promise<void> | null = null;
  /** It, or else the one under way or the last one. */
  #last: Promise<void> = Promise.resolve();
  #wanted: "nothing" | "changed" | "all" = "nothing";

  constructor(book: Pick<ReleaseBook, "record" | "isWritable" | "write">, outside: ReleaseControllerOutside) {
    this.#book = book;
    this.#outside = outside;
  }

  /** The newest decision; null: this replica does not lead, or has not looked yet. */
  decisionOf(release: { readonly namespace: string; readonly name: string }): Decided["of"] | null {
    return this.#known.get(releaseKey(release))?.of ?? null;
  }

  /**
   * Looks and decides: `all` each `lookMs`, `changed` when SDs changed, of which only those count that ask for something else. Never two at a time; one that is asked for meanwhile follows. Ends with the look that was
   * asked for, however many more are.
   */
  look(which: "all" | "changed" = "all"): Promise<void> {
    if (this.#wanted !== "all") this.#wanted = which;
    this.#last = this.#next ??= this.#last
      .then(() => {
        const isAll = this.#wanted === "all";
        this.#wanted = "nothing";
        this.#next = null;
        return this.#look(isAll);
      })
      .catch((error: unknown) => this.#outside.faulted(error));
    return this.#next;
  }

  async #look(isAll: boolean): Promise<void> {
    const { isLeader, planned, look } = this.#outside;
    const slices = this.#outside.slices();
    if (!isLeader() || !this.#book.isWritable) {
      // Of another time: who leads later looks anew.
      this.#known.clear();
      this.#asked.clear();
      return;
    }
    const all = [...planned()];
    const releases = this.#inTurn(isAll ? all : all.filter((release) => this.#isOther(release)), isAll);
    if (releases.length === 0 && this.#book.record.size === 0) return;
    if (isAll) this.#asked.clear();
    for (const release of releases) this.#asked.set(releaseKey(release.ref), release);
    const seen = await look(releases);
    const known = new Map(isAll ? [] : this.#known);
    const entries = new Map<string, ReleaseEntry>();
    const [lookedMs, nowMs] = [this.#outside.clock.now(), this.#outside.nowMs()];
    for (const release of releases) {
      const key = releaseKey(release.ref);
      const before = this.#known.get(key) ?? null;
      try {
        const one = decided(release, this.#book.record.get(key) ?? null, before, {
          ...seen.of(release),
          lookedMs,
          nowMs,
        });
        known.delete(key);
        if (one === null) continue;
        known.set(key, one);
        if (one.entry !== null) entries.set(key, one.entry);
      } catch (error) {
        // Of this one: the others go on.
        this.#outside.faulted(error);
      }
      await slices.pause();
    }
    // What was true when it began to look may not be any more.
    if (!isLeader() || !this.#book.isWritable) return;
    const { record } = this.#book;
    const next = new Map([...record, ...entries]);
    this.#sweep(all, next);
    const asked = new Set(releases.map(({ ref }) => releaseKey(ref)));
    const unasked = new Set(all.map(({ ref }) => releaseKey(ref))).difference(asked);
    const outcome = await this.#book.write(next, unasked);
    for (const [key, { entry }] of known) {
      if (entry === null || sameValue(this.#book.record.get(key), entry)) continue;
      // Nothing of it happened: what was known before it is decided upon once more.
      const before = this.#known.get(key);
      if (outcome === "written" || before === undefined) known.delete(key);
      else known.set(key, before);
    }
    this.#known = known;
  }

  /** Does it ask for something else than at its last look, or can it not wait for the next? */
  #isOther(release: PlannedRelease): boolean {
    const key = releaseKey(release.ref);
    const asked = this.#asked.get(key);
    return this.#outside.isUnready(key) || (asked !== release && !sameValue(asked, release));
  }

  /** Those that have begun, and of the others those first that had no turn in this round: the first of each namespace, then the second, and so on. */
  #inTurn(releases: readonly PlannedRelease[], isAll: boolean): readonly PlannedRelease[] {
    const isBegun = (release: PlannedRelease): boolean => this.#book.record.has(releaseKey(release.ref));
    const hadTurn = (release: PlannedRelease): boolean => this.#turned.has(releaseKey(release.ref));
    const others = releases.filter((release) => !isBegun(release));
    if (isAll && others.every(hadTurn)) this.#turned.clear();
    const byTurn = [others.filter((release) => !hadTurn(release)), others.filter(hadTurn)];
    const inTurn = byTurn.flatMap((some) => inTurns(some, ({ ref }) => ref.namespace)).slice(0, maxBeginning);
    for (const { ref } of inTurn) this.#turned.add(releaseKey(ref));
    return [...releases.filter(isBegun), ...inTurn];
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
