// ReleaseSync: the record of releases that is in force, and its store. What is stored decides. Where it cannot be read, what was read last stays in
// force and nothing is written; where somebody deletes it, what was known is written again.
import type { Problem, ProblemCode } from "../../../routing/text/problem.ts";
import type { RecordStore, StoredRecord } from "../../../k8s/source/objects/source.ts";
import type { ReleaseRecord } from "../../../k8s/translate/model/release.ts";
import { sameValue } from "../../../routing/text/diff.ts";
import type { Log } from "../../shared/log.ts";
import { printReleases, readReleases, withinRoom } from "./release-record.ts";

export interface ReleaseSyncOutside {
  readonly log: Log;
  /** Text of the record that the control worker before held to; "": of none. It is in force until another one is read. */
  readonly kept: string;
  /** The record in force is another one, and its text. */
  readonly recorded: (record: ReleaseRecord, text: string) => void;
  readonly problemsChanged: () => void;
}

export class ReleaseSync {
  readonly #store: RecordStore;
  readonly #outside: ReleaseSyncOutside;
  #record: ReleaseRecord = new Map();
  /** What a write replaces; null: nothing is stored. undefined: what is stored is not known, so nothing is written. */
  #version: string | null | undefined = undefined;
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
    if (kept.kind === "record") this.#hold(kept.record);
    store.follow((stored) => this.#told(stored));
  }

  /** In force. */
  get record(): ReleaseRecord {
    return this.#record;
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
    return problems;
  }

  /**
   * Writes it over the version that was read. What was written is in force at once. `conflict`: another replica wrote first, and the store soon
   * reports its text. Never two at a time.
   */
  async write(wanted: ReleaseRecord): Promise<"written" | "conflict" | "failed"> {
    const over = this.#version;
    if (over === undefined || this.#stopped) return "failed";
    const { record, over: left } = withinRoom(this.#record, wanted);
    // What found no room is asked for again at each look.
    const isSame = !this.#isLost && sameValue(Object.fromEntries(record), Object.fromEntries(this.#record));
    if (isSame && left.join() === this.#over.join()) return "written";
    const written = await this.#store.write(printReleases(record), over);
    if (this.#stopped) return "failed";
    const before = [this.#notWritten, this.#over.join()].join();
    this.#notWritten = written.kind === "failed" ? written.sentence : null;
    this.#over = left;
    if (before !== [this.#notWritten, this.#over.join()].join()) this.#outside.problemsChanged();
    if (written.kind === "failed") {
      this.#outside.log.write("releases-record-unwritten", { reason: written.sentence });
      return "failed";
    }
    // What was told meanwhile is newer than what was written over.
    if (written.kind === "conflict" || this.#version !== over) return "conflict";
    this.#version = written.version;
    this.#isLost = false;
    this.#hold(record);
    return "written";
  }

  stop(): void {
    this.#stopped = true;
  }

  #told(stored: StoredRecord): void {
    if (this.#stopped) return;
    const before = this.#trouble;
    if (stored.kind === "unreadable") this.#refuse(stored.sentence);
    else if (stored.kind === "absent" || stored.text === "") {
      this.#accept(stored.kind === "absent" ? null : stored.version);
      this.#isLost = this.#record.size > 0;
    } else {
      const read = readReleases(stored.text);
      if (read.kind === "bad") this.#refuse(`it ${read.reason}`);
      else {
        this.#accept(stored.version);
        this.#isLost = false;
        this.#hold(read.record);
      }
    }
    if (before !== this.#trouble) this.#outside.problemsChanged();
  }

  /** An entry that says the same stays the same object: evidence is kept for that one. */
  #hold(record: ReleaseRecord): void {
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
    if (!isSame) this.#outside.recorded(this.#record, printReleases(this.#record));
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
