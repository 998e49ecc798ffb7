// Pending entries: what events named and what has not been looked at yet, and when that is due.
import type { Directory } from "./tree.ts";

/** A file that is written in place, and does not look whole at once, is read when nothing was written to it for this long. What is strange is left alone for as long: less than what is gone is doubted. */
const settleMs = 5;
/** … or at the latest this long after the first event, when somebody writes without end. */
const settleLimitMs = 100;
/** Looks at a file that is written in place, before it is left to settle. */
const earlyLooks = 8;

/**
 * What happened to an entry. written: it may be half written. moved: it came or went, or is another one. strange: the same of a name that no manifest
 * has and nothing is known of, so a directory may have come.
 */
export type Happening = "written" | "moved" | "strange";

export interface PendingEntry {
  readonly key: string;
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

  /** In the order in which they were first named. One that is added meanwhile comes too. */
  values(): Iterable<PendingEntry> {
    return this.#entries.values();
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
    const pending: PendingEntry = {
      key,
      directory,
      entry,
      sinceMs,
      dueMs,
      early: happened === "written" && looks < earlyLooks,
      looks,
      moves,
      vanishedAtMs: known?.vanishedAtMs ?? null,
    };
    this.#entries.set(key, pending);
    return nextLookMs(pending);
  }

  /** It was found gone or empty, which is not believed before `dueMs`. */
  doubt(pending: PendingEntry, vanishedAtMs: number, dueMs: number): void {
    this.#entries.set(pending.key, { ...pending, dueMs, early: false, vanishedAtMs });
  }

  /** It is looked at before it is due. Gives what `believe` takes. */
  looked(pending: PendingEntry): PendingEntry {
    const looked = { ...pending, early: false, looks: pending.looks + 1 };
    this.#entries.set(pending.key, looked);
    return looked;
  }

  /** It needs no other look, unless something happened to it since that one. */
  believe(looked: PendingEntry): void {
    if (this.#entries.get(looked.key) === looked) this.#entries.delete(looked.key);
  }

  delete({ key }: PendingEntry): void {
    this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
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
