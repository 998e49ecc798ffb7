// ReleaseBook: the record of releases that is in force, and its store, a ConfigMap or a file. What is stored decides. Where it cannot be read, what was read last
// stays in force and nothing is written; where somebody deletes it, what was known is written again.
import type { Problem } from "../../../routing/text/problem.ts";
import { PassedVersions } from "../../../k8s/source/objects/passed-versions.ts";
import type { RecordStore, StoredRecord } from "../../../k8s/source/objects/source.ts";
import type { ReleaseRecord } from "../../../k8s/translate/model/release.ts";
import { sameValue } from "../../../routing/text/diff.ts";
import type { Log } from "../../shared/log.ts";
import { printReleases, readReleases, writable } from "./release-record.ts";

export interface ReleaseBookOutside {
  readonly log: Log;
  /** Text of the record that the control worker before held to; "": of none. It is in force until another one is read. */
  readonly kept: string;
  /** The record in force is another one, and its text. `before` null: it is the first that this process knows. */
  readonly recorded: (record: ReleaseRecord, text: string, before: ReleaseRecord | null) => void;
  readonly problemsChanged: () => void;
}

/** Each kind of trouble with the record, as a sentence; "": there is none. */
interface Trouble {
  /** It cannot be read, so nothing moves. */
  readonly read: string;
  /** It cannot be written, so nothing moves. */
  readonly write: string;
  /** Some lines or entries of it cost their own releases. */
  readonly unread: string;
}

const noTrouble: Trouble = { read: "", write: "", unread: "" };

/** Keys of releases that the record does not have as they should be. */
interface LeftOut {
  /** They find no room, so they do not begin. */
  readonly withoutRoom: ReadonlySet<string>;
  /** Their entries would not be read as they are, so they stay where they are. */
  readonly unwritable: ReadonlySet<string>;
}

const nothingLeftOut: LeftOut = { withoutRoom: new Set(), unwritable: new Set() };

export class ReleaseBook {
  readonly #store: RecordStore;
  readonly #outside: ReleaseBookOutside;
  #record: ReleaseRecord = new Map();
  /** What was stored, or what the control worker before held to, is known. */
  #isKnown = false;
  /** What a write replaces; null: nothing is stored. undefined: what is stored is not known, so nothing is written. */
  #version: string | null | undefined = undefined;
  readonly #passed = new PassedVersions();
  /** What is stored is not what is in force: it was deleted or emptied. */
  #isLost = false;
  #trouble = { ...noTrouble, read: unreadable("it has not been read yet") };
  #leftOut = nothingLeftOut;
  #stopped = false;

  constructor(store: RecordStore, outside: ReleaseBookOutside) {
    this.#store = store;
    this.#outside = outside;
    const kept = readReleases(outside.kept);
    if (kept.kind === "record") this.#hold(kept.record);
    this.#isKnown = outside.kept !== "";
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

  get problems(): readonly Problem[] {
    const { read, write, unread } = this.#trouble;
    const { withoutRoom, unwritable } = this.#leftOut;
    const problem = (level: Problem["level"], sentence: string): Problem[] =>
      sentence === "" ? [] : [{ code: "releases-record", level, subject: this.#store.subject, field: "", sentence }];
    return [
      ...problem("error", read === "" ? write : read),
      ...problem("warning", unread),
      ...problem(
        "warning",
        listed(
          withoutRoom,
          "releases find no room in the record, which holds 64 KiB a namespace and 960 KiB in all, so they do not begin",
          "end others first",
        ),
      ),
      ...problem(
        "warning",
        listed(
          unwritable,
          "releases have come to an entry that would not be read as it is, so they stay where they are",
          "write their annotations anew, and report this as a bug",
        ),
      ),
    ];
  }

  /** What a release that has not begun waits for; null: for nothing that the record knows of. */
  waitsFor(key: string): string | null {
    const { read, write } = this.#trouble;
    if (read !== "" || write !== "")
      return "the record of releases, which the gateway cannot use: sluice problems says why";
    return this.#leftOut.withoutRoom.has(key)
      ? "room in the record of releases, which holds 64 KiB of each namespace: end other releases of it"
      : null;
  }

  /**
   * Writes it over the version that was read. What was written is in force at once. `conflict`: another replica wrote first, and the store soon
   * reports its text. `same`: there is nothing to write. Never two at a time. `unasked`: keys of releases that are there and were not asked this time.
   */
  async write(
    wanted: ReleaseRecord,
    unasked: ReadonlySet<string>,
  ): Promise<"written" | "same" | "conflict" | "failed"> {
    const over = this.#version;
    if (over === undefined || this.#stopped) return "failed";
    const isHeld =
      wanted.size === this.#record.size && [...wanted].every(([key, one]) => this.#record.get(key) === one);
    if (isHeld && !this.#isLost) {
      // Each has its room, and reads back.
      this.#leave([], [], unasked);
      return "same";
    }
    const { record, over: left, unreadable: wrong } = writable(this.#record, wanted);
    if (!this.#isLost && sameValue(Object.fromEntries(record), Object.fromEntries(this.#record))) {
      this.#leave(left, wrong, unasked);
      return "same";
    }
    const written = await this.#store.write(printReleases(record), over);
    if (this.#stopped) return "failed";
    // After the store has told of the write: what another replica wrote ends what this one had to say.
    this.#leave(left, wrong, unasked);
    this.#tell({
      write:
        written.kind === "failed"
          ? `the gateway cannot write the record of releases, because ${written.sentence}; all shares stay as they are, and no rollout moves; let the gateway create and update it`
          : "",
    });
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
    this.#tell({ unread: "" });
    this.#hold(record);
    return "written";
  }

  stop(): void {
    this.#stopped = true;
  }

  #told(stored: StoredRecord): void {
    if (this.#stopped || this.#passed.has(stored)) return;
    // What found no room is for the one who wrote it to say.
    if (stored.kind !== "text" || stored.version !== this.#version) this.#leave([], [], new Set());
    if (stored.kind === "unreadable") return this.#refuse(stored.sentence);
    const read = stored.kind === "absent" ? null : readReleases(stored.text);
    if (read?.kind === "bad") return this.#refuse(`it ${read.reason}`);
    this.#version = stored.kind === "absent" ? null : stored.version;
    const isEmpty = stored.kind === "absent" || stored.text === "";
    this.#isLost = isEmpty && this.#record.size > 0;
    const unread = read?.unread ?? 0;
    this.#tell({
      read: "",
      unread:
        unread === 0
          ? ""
          : `${unread} lines of the record of releases cannot be read, so these releases begin anew; the leader replaces them with its next write`,
    });
    if (!isEmpty) this.#hold(read!.record);
    this.#isKnown = true;
  }

  /** An entry that says the same stays the same object: what a leader knows beside it is of that one. */
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
    if (!isSame) this.#outside.recorded(this.#record, printReleases(this.#record), this.#isKnown ? before : null);
  }

  #refuse(reason: string): void {
    this.#version = undefined;
    this.#tell({ read: unreadable(reason) });
  }

  /** Those that were not asked this time stay what they were. */
  #leave(withoutRoom: readonly string[], unwritable: readonly string[], unasked: ReadonlySet<string>): void {
    const before = this.#leftOut;
    const left = {
      withoutRoom: new Set(withoutRoom).union(before.withoutRoom.intersection(unasked)),
      unwritable: new Set(unwritable).union(before.unwritable.intersection(unasked)),
    };
    this.#leftOut = left;
    const others =
      left.withoutRoom.symmetricDifference(before.withoutRoom).size +
      left.unwritable.symmetricDifference(before.unwritable).size;
    if (others > 0) this.#outside.problemsChanged();
  }

  #tell(trouble: Partial<Trouble>): void {
    const before = this.#trouble;
    this.#trouble = { ...before, ...trouble };
    if (!sameValue(before, this.#trouble)) this.#outside.problemsChanged();
  }
}

function unreadable(reason: string): string {
  return `the gateway cannot use the record of releases, because ${reason}; all shares stay as they are, and no rollout moves; correct it, or delete it: the gateway then writes what it knows`;
}

function listed(keys: ReadonlySet<string>, what: string, cure: string): string {
  const [first] = keys;
  return first === undefined ? "" : `${keys.size} ${what}; the first is ${first}; ${cure}`;
}
