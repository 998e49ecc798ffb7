// ReleaseSync: the record of releases that is in force, and its store. What is stored decides. Where it cannot be read, what was read last stays in
// force and nothing is written; where somebody deletes it, what was known is written again.
import type { Problem, ProblemCode } from "../../../routing/text/problem.ts";
import type { RecordStore, StoredRecord } from "../../../k8s/source/objects/source.ts";
import type { ReleaseRecord } from "../../../k8s/translate/model/release.ts";
import { sameValue } from "../../../routing/text/diff.ts";
import type { Clock } from "../../shared/clock.ts";
import type { Log } from "../../shared/log.ts";
import { PassedVersions } from "../../../k8s/source/objects/passed-versions.ts";
import { isFresh, type EvidenceRecord, type KeptEvidence } from "./kept-evidence.ts";
import { printReleases, readReleases, withinRoom } from "./release-record.ts";

export interface ReleaseSyncOutside {
  readonly log: Log;
  readonly clock: Clock;
  /** Epoch ms. */
  readonly nowMs: () => number;
  /** Text of the record that the control worker before held to; "": of none. It is in force until another one is read. */
  readonly kept: string;
  /** The record in force is another one, and its text. `before` null: it is the first that this process knows. */
  readonly recorded: (record: ReleaseRecord, text: string, before: ReleaseRecord | null) => void;
  readonly problemsChanged: () => void;
}

export class ReleaseSync {
  readonly #store: RecordStore;
  readonly #outside: ReleaseSyncOutside;
  #record: ReleaseRecord = new Map();
  /** As it is stored, and since when it is known here, by the clock. */
  #evidence = new Map<string, { readonly kept: KeptEvidence; readonly sinceMs: number }>();
  /** Keys of evidence that could not be read, and of evidence that found no room. */
  #refused: readonly string[] = [];
  #without: readonly string[] = [];
  /** What was stored, or what the control worker before held to, is known. */
  #isKnown = false;
  /** What a write replaces; null: nothing is stored. undefined: what is stored is not known, so nothing is written. */
  #version: string | null | undefined = undefined;
  readonly #passed = new PassedVersions();
  /** What is stored is not what is in force: it was deleted or emptied. */
  #isLost = false;
  #trouble: string | null = "it has not been read yet";
  #notWritten: string | null = null;
  #over: readonly string[] = [];
  #stopped = false;

  constructor(store: RecordStore, outside: ReleaseSyncOutside) {
    this.#store = store;
    this.#outside = outside;
    const kept = readReleases(outside.kept);
    if (kept.kind === "record") this.#hold(kept.record, kept.evidence);
    this.#isKnown = outside.kept !== "";
    store.follow((stored) => this.#told(stored));
  }

  /** In force. */
  get record(): ReleaseRecord {
    return this.#record;
  }

  /** That is stored. */
  get evidence(): EvidenceRecord {
    return new Map(Array.from(this.#evidence, ([key, { kept }]) => [key, kept]));
  }

  /** Evidence of a step that a new leader may go on from; null: none is stored, or it is too old. */
  evidenceOf(key: string): KeptEvidence | null {
    const { clock, nowMs } = this.#outside;
    const found = this.#evidence.get(key);
    return found !== undefined && isFresh(found.kept, nowMs(), clock.now() - found.sinceMs) ? found.kept : null;
  }

  /** What is stored is known and may be replaced. */
  get isWritable(): boolean {
    return this.#version !== undefined && !this.#stopped;
  }

  get isLost(): boolean {
    return this.#isLost;
  }

  get problems(): readonly Problem[] {
    const problems: Problem[] = [];
    const report = (level: Problem["level"], code: ProblemCode, sentence: string): void => {
      problems.push({ code, level, subject: this.#store.subject, field: "", sentence });
    };
    if (this.#trouble !== null)
      report(
        "error",
        "releases-record-unreadable",
        `the gateway cannot use the record of releases, because ${this.#trouble}; all shares stay as they are, and no rollout moves; correct it, or delete it: the gateway then writes what it knows`,
      );
    else if (this.#notWritten !== null)
      report(
        "error",
        "releases-record-unwritten",
        `the gateway cannot write the record of releases, because ${this.#notWritten}; all shares stay as they are, and no rollout moves; let the gateway create and update it`,
      );
    if (this.#over.length > 0)
      report(
        "warning",
        "releases-record-full",
        `${this.#over.length} releases find no room in the record, which holds 64 KiB a namespace and 960 KiB in all, so they do not begin; the first is ${this.#over[0]}; end others first`,
      );
    if (this.#refused.length > 0)
      report(
        "warning",
        "releases-evidence-left-out",
        `the record of releases holds evidence of ${this.#refused[0]} that no gateway writes, so a new leader collects the evidence of ${countOf(this.#refused)} anew; the leader replaces it within a minute`,
      );
    if (this.#without.length > 0)
      report(
        "warning",
        "releases-evidence-left-out",
        `the evidence of ${countOf(this.#without)} finds no room in the record of releases, so a new leader collects it anew; the first is ${this.#without[0]}; end other releases first`,
      );
    return problems;
  }

  /**
   * Writes it over the version that was read. What was written is in force at once. `conflict`: another replica wrote first, and the store soon
   * reports its text. `same`: there is nothing to write. Never two at a time. `isEvidenceDue` false: evidence goes with what else is written, and alone it is no reason to write.
   */
  async write(
    wanted: ReleaseRecord,
    evidence: EvidenceRecord,
    isEvidenceDue: boolean,
  ): Promise<"written" | "same" | "conflict" | "failed"> {
    const over = this.#version;
    if (over === undefined || this.#stopped) return "failed";
    const within = withinRoom(this.#record, wanted, evidence);
    const { record, over: left } = within;
    // What found no room is asked for again at each look.
    const isSame = !this.#isLost && sameValue(Object.fromEntries(record), Object.fromEntries(this.#record));
    if (isSame && left.join() === this.#over.join() && !isEvidenceDue) return "same";
    const written = await this.#store.write(printReleases(record, within.evidence), over);
    if (this.#stopped) return "failed";
    const before = this.#notWritten;
    this.#notWritten = written.kind === "failed" ? written.sentence : null;
    if (before !== this.#notWritten) this.#outside.problemsChanged();
    this.#leaveOut(left, within.without);
    if (written.kind === "failed") {
      this.#outside.log.write("releases-record-unwritten", { reason: written.sentence });
      return "failed";
    }
    // What was told meanwhile is newer than what was written over: this write, or that of another replica.
    if (written.kind === "conflict" || (this.#version !== over && this.#version !== written.version)) {
      this.#passed.clear();
      return "conflict";
    }
    if (this.#version !== written.version) this.#passed.add(over);
    this.#version = written.version;
    this.#isLost = false;
    this.#readEvidence([]);
    this.#hold(record, within.evidence);
    return "written";
  }

  stop(): void {
    this.#stopped = true;
  }

  #told(stored: StoredRecord): void {
    if (this.#stopped || this.#passed.has(stored)) return;
    const before = this.#trouble;
    // What found no room is for the one who wrote it to say.
    if (stored.kind !== "text" || stored.version !== this.#version) this.#leaveOut([], []);
    if (stored.kind === "unreadable") this.#refuse(stored.sentence);
    else if (stored.kind === "absent" || stored.text === "") {
      this.#accept(stored.kind === "absent" ? null : stored.version);
      this.#isKnown = true;
      this.#isLost = this.#record.size > 0;
    } else {
      const read = readReleases(stored.text);
      if (read.kind === "bad") this.#refuse(`it ${read.reason}`);
      else {
        this.#accept(stored.version);
        this.#isLost = false;
        this.#readEvidence(read.refused);
        this.#hold(read.record, read.evidence);
        this.#isKnown = true;
      }
    }
    if (before !== this.#trouble) this.#outside.problemsChanged();
  }

  /** An entry that says the same stays the same object: evidence is kept for that one. */
  #hold(record: ReleaseRecord, evidence: EvidenceRecord): void {
    const known = this.#evidence;
    const sinceMs = this.#outside.clock.now();
    this.#evidence = new Map(
      Array.from(evidence, ([key, kept]) => {
        const old = known.get(key);
        return [key, old !== undefined && sameValue(old.kept, kept) ? old : { kept, sinceMs }];
      }),
    );
    const before = this.#record;
    let isSame = record.size === before.size;
    this.#record = new Map(
      Array.from(record, ([key, entry]) => {
        const old = before.get(key);
        if (sameValue(old, entry)) return [key, old!];
        isSame = false;
        return [key, entry];
      }),
    );
    if (!isSame) this.#outside.recorded(this.#record, printReleases(this.#record), this.#isKnown ? before : null);
  }

  #leaveOut(over: readonly string[], without: readonly string[]): void {
    const shown = (): string => [...this.#over, "", ...this.#without].join();
    const before = shown();
    [this.#over, this.#without] = [over, without];
    if (before !== shown()) this.#outside.problemsChanged();
  }

  #readEvidence(refused: readonly string[]): void {
    const before = this.#refused.join();
    this.#refused = refused;
    if (before !== refused.join()) this.#outside.problemsChanged();
  }

  #refuse(sentence: string): void {
    this.#version = undefined;
    this.#trouble = sentence;
  }

  #accept(version: string | null): void {
    this.#version = version;
    this.#trouble = null;
  }
}

function countOf(keys: readonly string[]): string {
  return keys.length === 1 ? "1 step" : `${keys.length} steps`;
}
