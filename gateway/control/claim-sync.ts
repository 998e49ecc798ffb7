// ClaimSync: brings the record of claims and its store together. What is stored decides; what this replica wants changed is written over
// exactly what it has read, so that of two replicas that write at once one reads again. Where the store cannot be read or written, what was
// known stays in force, and what is contested beyond it is served to nobody.
import type { Problem, ProblemCode } from "../../routing/text/problem.ts";
import type { RecordStore, StoredRecord } from "../../k8s/source/objects/source.ts";
import { printRecord, readRecord, withinRoom } from "../../k8s/translate/claims/claim-record.ts";
import { latestOf, stamped, type ClaimRecord, type RecordChange } from "../../k8s/translate/claims/claim-entry.ts";
import type { Log } from "../shared/log.ts";
import { PassedVersions } from "../../k8s/source/objects/passed-versions.ts";

/** Translation, as ClaimSync sees it. */
export interface Recorded {
  readonly record: ClaimRecord;
  readonly recordChange: RecordChange;
  readonly isUndecided: boolean;
  readonly missing: readonly string[];
}

export interface SyncTimes {
  /** From a change to its write, drawn up to twice as long so that replicas do not all write. */
  readonly settleMs: number;
  /** The same while something contested waits for it. */
  readonly urgentMs: number;
  /** After a write that failed. */
  readonly retryMs: number;
  /** Longest wait for the first write before the first table. */
  readonly openMs: number;
  /** What no object claims any more is kept so long after a start: its object may come back. */
  readonly missingMs: number;
}

export const syncTimes: SyncTimes = {
  settleMs: 1000,
  urgentMs: 50,
  retryMs: 5000,
  openMs: 3000,
  missingMs: 3_600_000,
};

export interface SyncOutside {
  readonly nowMs: () => number;
  readonly random: () => number;
  readonly log: Log;
  /** The Source knows the truth now: what it does not show is not there. */
  readonly isCurrent: () => boolean;
  /** The record in force is another one. */
  readonly recorded: (record: ClaimRecord) => void;
  readonly problemsChanged: () => void;
}

const byAge =
  "this gateway found no record of claims at its start (it is the first start, or the record was deleted while no gateway ran), so the older object got each prefix and bare gRPC name that several namespaces claim; look at the Problems claim-contested and bare-name-contested, and where the wrong namespace has one, stop all gateways and restore the record from a backup, or give a Grant";

export class ClaimSync {
  readonly #store: RecordStore;
  readonly #translation: Recorded;
  readonly #outside: SyncOutside;
  readonly #times: SyncTimes;
  /** What a write replaces; null: nothing is stored. undefined: what is stored is not known, so nothing is written. */
  #version: string | null | undefined = undefined;
  readonly #passed = new PassedVersions();
  /** Nothing is stored, or an empty text. */
  #isEmpty = false;
  #trouble: string | null = "it has not been read yet";
  #notWritten: string | null = null;
  #over: ReadonlyMap<string, number> = new Map();
  #timer: NodeJS.Timeout | null = null;
  #timerDueMs = 0;
  #isTold = false;
  #notBeforeMs = 0;
  #writing = false;
  #stopped = false;
  #missingSince = new Map<string, number>();
  #settled: () => void = () => {};
  /** The first table waits for the first write. */
  #isOpening = false;
  /** The first write found no record, and something that several claim: nobody knows who had it. */
  #isByAge = false;

  constructor(store: RecordStore, translation: Recorded, outside: SyncOutside, times: SyncTimes) {
    this.#store = store;
    this.#translation = translation;
    this.#outside = outside;
    this.#times = times;
    store.follow((stored) => this.#told(stored));
  }

  /** The Source has synced: resolves when what is claimed is recorded, or cannot be. */
  async open(): Promise<void> {
    const settled = new Promise<void>((resolve) => {
      this.#settled = resolve;
    });
    const late = setTimeout(this.#settled, this.#times.openMs);
    this.#isOpening = true;
    void this.#write();
    await settled;
    this.#isOpening = false;
    clearTimeout(late);
  }

  /** Claims changed. */
  changed(): void {
    if (!this.#hasWork()) return;
    const { urgentMs, settleMs } = this.#times;
    const isUrgent = this.#translation.isUndecided || (this.#isEmpty && this.#translation.record.size > 0);
    const waitMs = (isUrgent ? urgentMs : settleMs) * (1 + this.#outside.random());
    this.#schedule(Math.max(waitMs, this.#notBeforeMs - this.#outside.nowMs()));
  }

  /** From time to time: ends what has been missing for too long. */
  sweep(): void {
    const nowMs = this.#outside.nowMs();
    if (!this.#outside.isCurrent()) this.#missingSince.clear();
    else
      this.#missingSince = new Map(this.#translation.missing.map((key) => [key, this.#missingSince.get(key) ?? nowMs]));
    this.changed();
  }

  get problems(): readonly Problem[] {
    const { subject } = this.#store;
    const problems: Problem[] = [];
    const report = (level: Problem["level"], code: ProblemCode, sentence: string): void => {
      problems.push({ code, level, subject, field: "", sentence });
    };
    const consequence =
      "the gateway does not know which namespace owned a prefix or a bare gRPC name before its start, so those that several namespaces claim are served to none of them, except for those that it has read";
    if (this.#trouble !== null)
      report(
        "error",
        "claims-record-unreadable",
        `the gateway cannot use the record of claims, because ${this.#trouble}; ${consequence}; correct it, or delete it: the gateway then writes what it knows`,
      );
    else if (this.#notWritten !== null)
      report(
        "error",
        "claims-record-unwritten",
        `the gateway cannot write the record of claims, because ${this.#notWritten}; a restart forgets newer claims, and contested ones are then served to no namespace; let the gateway create and update it`,
      );
    if (this.#isByAge) report("warning", "claims-decided-by-age", byAge);
    for (const [namespace, count] of this.#over) {
      report(
        "warning",
        "claims-record-full",
        `${count} claims of the namespace ${namespace} are not in the record of claims, which holds 64 KiB a namespace and 960 KiB in all; they are served until another namespace claims them; use fewer, or Grants`,
      );
    }
    return problems;
  }

  stop(): void {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#settled();
  }

  #told(stored: StoredRecord): void {
    if (this.#passed.has(stored)) return;
    const before = this.#trouble;
    const hadNone = this.#isTold && this.#version === undefined && this.#translation.record.size === 0;
    this.#isTold = true;
    if (stored.kind === "unreadable") this.#refuse(stored.sentence);
    else if (stored.kind === "absent") this.#accept(null, true);
    else {
      const read = readRecord(stored.text);
      if (read.kind === "bad") this.#refuse(`it ${read.reason}`);
      else {
        this.#accept(stored.version, stored.text === "");
        // An empty one that somebody made is as good as none.
        if (stored.text !== "") this.#outside.recorded(read.record);
      }
    }
    // Where it was mended by deleting it, a replica that knows more writes first.
    if (hadNone && this.#isEmpty) this.#notBeforeMs = this.#outside.nowMs() + this.#times.retryMs;
    if (before !== this.#trouble) this.#outside.problemsChanged();
    this.changed();
  }

  #refuse(sentence: string): void {
    this.#version = undefined;
    this.#trouble = sentence;
    this.#settled();
  }

  #accept(version: string | null, isEmpty: boolean): void {
    this.#version = version;
    this.#isEmpty = isEmpty;
    this.#trouble = null;
  }

  #hasWork(): boolean {
    if (this.#version === undefined || this.#stopped) return false;
    const { added, ended } = this.#translation.recordChange;
    return (
      added.length > 0 ||
      ended.length > 0 ||
      this.#expired().length > 0 ||
      (this.#isEmpty && this.#translation.record.size > 0)
    );
  }

  #expired(): readonly string[] {
    const beforeMs = this.#outside.nowMs() - this.#times.missingMs;
    return this.#translation.missing.filter((key) => (this.#missingSince.get(key) ?? Infinity) <= beforeMs);
  }

  #schedule(waitMs: number): void {
    const dueMs = this.#outside.nowMs() + waitMs;
    if (this.#writing || this.#stopped || (this.#timer !== null && this.#timerDueMs <= dueMs)) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timerDueMs = dueMs;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      void this.#write();
    }, waitMs);
  }

  async #write(): Promise<void> {
    if (this.#writing) return;
    if (!this.#hasWork()) {
      if (this.#isTold) this.#settled();
      return;
    }
    this.#writing = true;
    const over = this.#version!;
    const { added, ended } = this.#translation.recordChange;
    const base = new Map(this.#translation.record);
    const isByAge = this.#isOpening && this.#isEmpty && base.size === 0 && this.#translation.isUndecided;
    for (const key of [...ended, ...this.#expired()]) base.delete(key);
    const { record, over: left } = withinRoom(
      base,
      stamped(added, latestOf(this.#translation.record), Math.round(this.#outside.nowMs())),
    );
    const isSame =
      !this.#isEmpty &&
      record.size === this.#translation.record.size &&
      [...record.keys()].every((key) => this.#translation.record.has(key));
    const written = isSame
      ? ({ kind: "written", version: over } as const)
      : await this.#store.write(printRecord(record), over);
    this.#writing = false;
    if (this.#stopped) return;
    const [wasNotWritten, wasOver] = [this.#notWritten, this.#over];
    this.#notWritten = written.kind === "failed" ? written.sentence : null;
    this.#over = left;
    if (isByAge && written.kind === "written") {
      this.#isByAge = true;
      this.#outside.log.write("claims-decided-by-age", { sentence: byAge });
    }
    if (this.#isByAge || wasNotWritten !== this.#notWritten || wasOver.size + left.size > 0)
      this.#outside.problemsChanged();
    switch (written.kind) {
      case "written":
        // What was told while it was written is newer than what was written over.
        if (this.#version === over) {
          if (written.version !== over) this.#passed.add(over);
          this.#version = written.version;
          this.#isEmpty = false;
          this.#outside.recorded(record);
        }
        this.#settled();
        // What found no room waits for room, not for the next turn.
        if (left.size === 0) this.changed();
        return;
      case "conflict":
        this.#passed.clear();
        return this.#schedule(this.#times.settleMs * (1 + this.#outside.random()));
      case "failed":
        this.#outside.log.write("claims-record-unwritten", { reason: written.sentence });
        this.#settled();
        return this.#schedule(this.#times.retryMs * (1 + this.#outside.random()));
    }
  }
}
