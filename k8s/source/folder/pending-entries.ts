// Pending entries: what events named and what has not been looked at yet, and when that is due. Namespaces take turns, so that one whose files change by
// the hundred does not make the changes of others wait for all of them.
import type { Directory } from "./tree.ts";

/** A file that is written in place, and does not look whole at once, is read when nothing was written to it for this long. What is strange is left alone for as long: less than what is gone is doubted. */
const settleMs = 5;
/** … or at the latest this long after the first event, when somebody writes without end. */
const settleLimitMs = 100;
/** Bytes of files that a namespace may have looked at before others have their turn: some milliseconds of reading and translation. */
export const turnBytes = 32 * 1024;
/** An entry that is no file, or a small one, counts so much. */
const minBytes = 512;
/** Looks at a file that is written in place, before it is left to settle. */
const earlyLooks = 8;

/**
 * What happened to an entry. written: it may be half written. moved: it came or went, or is another one. strange: the same of a name that no manifest
 * has and nothing is known of, so a directory may have come.
 */
export type Happening = "written" | "moved" | "strange";

export interface PendingEntry {
  readonly key: string;
  /** How many were announced before it. */
  readonly place: number;
  /** Whose turn it waits for: the namespace that the file declared last, else the path of the directory, which no namespace is named like. */
  readonly turn: string;
  readonly directory: Directory;
  readonly entry: string;
  readonly sinceMs: number;
  readonly dueMs: number;
  /** It was written to since the last look, so it may be whole before it is due. */
  readonly early: boolean;
  readonly looks: number;
  /** How often it came or went since nothing was known of it; null: it was not strange throughout. */
  readonly moves: number | null;
  /** When it was first found gone or empty. */
  readonly vanishedAtMs: number | null;
}

/** All times are of performance.now(). */
export class PendingEntries {
  readonly #entries = new Map<string, PendingEntry>();
  /** Keys of each turn, in the order in which they were first named; the turn that was taken last stands last. */
  readonly #turns = new Map<string, Set<string>>();
  readonly #turnOf: (directory: Directory, entry: string) => string | null;
  #announced = 0;
  /** Bytes looked at in this turn. */
  #spent = 0;

  /** `turnOf`: the namespace that a file declared last; null: none is known. */
  constructor(turnOf: (directory: Directory, entry: string) => string | null) {
    this.#turnOf = turnOf;
  }

  /**
   * All of them, those of a namespace until `turnBytes` were spent, then those of the next. One that is added meanwhile comes too. Who stops in the middle
   * of a turn goes on with the next one.
   */
  *inTurns(): Generator<PendingEntry> {
    for (const [turn, keys] of this.#turns) {
      this.#spent = 0;
      try {
        for (const key of keys) {
          if (this.#spent >= turnBytes) break;
          yield this.#entries.get(key)!;
        }
      } finally {
        if (this.#spent > 0 && keys.size > 0) {
          this.#turns.delete(turn);
          this.#turns.set(turn, keys);
        }
      }
    }
  }

  /** A file of so many bytes was looked at, or something else, of 0. */
  spend(bytes: number): void {
    this.#spent += Math.max(minBytes, bytes);
  }

  has(directory: Directory, entry: string): boolean {
    return this.#entries.has(keyOf(directory, entry));
  }

  /** Gives when its next look is due. */
  add(directory: Directory, entry: string, happened: Happening, nowMs: number): number {
    const key = keyOf(directory, entry);
    const known = this.#entries.get(key);
    const sinceMs = known?.sinceMs ?? nowMs;
    const looks = known?.looks ?? 0;
    const dueMs = happened === "moved" ? nowMs : Math.min(nowMs + settleMs, sinceMs + settleLimitMs);
    const moves = happened !== "strange" || known?.moves === null ? null : (known?.moves ?? 0) + 1;
    const turn = known?.turn ?? this.#turnOf(directory, entry) ?? directory.path;
    const pending: PendingEntry = {
      key,
      place: known?.place ?? this.#announced++,
      turn,
      directory,
      entry,
      sinceMs,
      dueMs,
      early: happened === "written" && looks < earlyLooks,
      looks,
      moves,
      vanishedAtMs: known?.vanishedAtMs ?? null,
    };
    this.#put(pending);
    return nextLookMs(pending);
  }

  /** It was found gone or empty, which is not believed before `dueMs`. */
  doubt(pending: PendingEntry, vanishedAtMs: number, dueMs: number): void {
    this.#put({ ...pending, dueMs, early: false, vanishedAtMs });
  }

  /** It is looked at before it is due. Gives what `believe` takes. */
  looked(pending: PendingEntry): PendingEntry {
    const looked = { ...pending, early: false, looks: pending.looks + 1 };
    this.#put(looked);
    return looked;
  }

  /** It needs no other look, unless something happened to it since that one. */
  believe(looked: PendingEntry): void {
    if (this.#entries.get(looked.key) === looked) this.delete(looked);
  }

  delete({ key, turn }: PendingEntry): void {
    this.#entries.delete(key);
    const keys = this.#turns.get(turn);
    keys?.delete(key);
    if (keys?.size === 0) this.#turns.delete(turn);
  }

  clear(): void {
    this.#entries.clear();
    this.#turns.clear();
  }

  #put(pending: PendingEntry): void {
    const { key, turn } = pending;
    this.#entries.set(key, pending);
    const keys = this.#turns.get(turn);
    if (keys === undefined) this.#turns.set(turn, new Set([key]));
    else keys.add(key);
  }

  /** How many were announced so far. */
  get announced(): number {
    return this.#announced;
  }

  /** How many were announced before the first one that has its directory's turn, since nothing is known of it; Infinity: there is none. Looks at all of them. */
  get beforeFirstNew(): number {
    let first = Infinity;
    for (const { turn, directory, place } of this.#entries.values())
      if (turn === directory.path) first = Math.min(first, place);
    return first;
  }

  /** When the next look is due; Infinity: never. Looks at all of them. */
  get dueMs(): number {
    let dueMs = Infinity;
    for (const pending of this.#entries.values()) dueMs = Math.min(dueMs, nextLookMs(pending));
    return dueMs;
  }
}

function nextLookMs({ early, dueMs }: PendingEntry): number {
  return early ? 0 : dueMs;
}

/**
 * Nothing was known of it, it came, and in all likelihood it went again: whoever replaces a file writes beside it first. To look for a name that is gone
 * would wait for whoever works in the directory, 0.5 ms of each of 400 changes a second: that is done later (`PassedNames`).
 */
export function hasPassed({ moves }: PendingEntry): boolean {
  return moves !== null && moves % 2 === 0;
}

function keyOf(directory: Directory, entry: string): string {
  return `${directory.path}/${entry}`;
}
