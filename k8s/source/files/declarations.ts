// Declarations: which file's objects are served when several files declare the same one, and what changed since the last look.
import { randomInt } from "node:crypto";
import { firstPlace } from "../../../routing/text/bisect.ts";
import { compareText, type Problem } from "../../../routing/text/problem.ts";
import { drawnKey } from "../../../routing/collections/digest.ts";
import { DigestIndex } from "../../../routing/collections/digest-index.ts";
import type { SourceObject } from "../../translate/model/object.ts";
import { byKey, type StoredObject } from "../objects/stored-object.ts";

/** An object whose declarations changed, and what was given out of it before. */
interface Touched {
  readonly declared: readonly StoredObject[];
  readonly served: StoredObject | null;
  /** How many entries were announced when it was first found that no file declares it; null: not found so. */
  readonly goneAt: number | null;
}

/** Entries of a folder that were announced and not read yet. */
export interface AnnouncedEntries {
  /** How many were announced so far. */
  readonly announced: number;
  /** How many were announced before the first file that is new; Infinity: no new file waits. */
  readonly beforeFirstNew: number;
}

const nothingAnnounced: AnnouncedEntries = Object.freeze({ announced: 0, beforeFirstNew: Infinity });

/** Declarations of one object that are told one by one; the rest is counted. */
const maxTold = 8;

/** The files that declare objects. */
export interface DeclaringFiles {
  /** The same for a file as long as it declares something. */
  numberOf(file: string): number;
  /** What the file of that number declares of the object with this key. */
  declaredIn(number: number, key: string): readonly StoredObject[];
}

/** Objects by file. The object that counts is the one of the first file in text order, the first in that file: the same on every replica. */
export class Declarations {
  /** Number of the file whose declaration is the first one, by key: that was given out, but for those that are touched. */
  readonly #first = new DigestIndex(drawnKey(randomInt));
  /** By key, in the order of precedence: those with more than one declaration. */
  readonly #contested = new Map<string, readonly StoredObject[]>();
  readonly #touched = new Map<string, Touched>();
  /** Keys of what was given out, and nobody can read again: it differs from whatever is declared next. */
  readonly #lost = new Set<string>();
  readonly #files: DeclaringFiles;
  readonly #reader: () => (object: StoredObject) => StoredObject | null;
  #given: readonly StoredObject[] = [];
  #problems: readonly Problem[] | null = null;

  /**
   * `reader` gives what reads objects again for one series of changes: each as it was before its text was let go; null: it cannot be had any more.
   */
  constructor(files: DeclaringFiles, reader: () => (object: StoredObject) => StoredObject | null) {
    this.#files = files;
    this.#reader = reader;
  }

  /** The objects that a file declared before and declares now; none when it is gone. */
  replace(before: readonly StoredObject[], now: readonly StoredObject[]): void {
    const next = byKey(now);
    const same = new Set<string>();
    for (const [key, objects] of byKey(before)) {
      if (this.#isSame(key, objects, next.get(key))) same.add(key);
      else this.#change(key, objects, []);
    }
    for (const [key, objects] of next) if (!same.has(key)) this.#change(key, [], objects);
  }

  /**
   * What changed since the last call: objects that are new or differ, and keys that are gone. An object that no file declares any more may stand in a
   * new file that was announced before: it stays until that is read, or moving hundreds of files would end their Routes for a moment.
   */
  changes(entries: AnnouncedEntries = nothingAnnounced): {
    readonly set: readonly SourceObject[];
    readonly removed: readonly string[];
  } {
    const set: StoredObject[] = [];
    const removed: string[] = [];
    const readAgain = this.#reader();
    let beforeFirstNew: number | null = null;
    for (const [key, { declared, served, goneAt }] of this.#touched) {
      const now = declared[0] ?? null;
      if (now === null && served !== null) {
        const at = goneAt ?? entries.announced;
        beforeFirstNew ??= entries.beforeFirstNew;
        if (beforeFirstNew < at) {
          this.#touched.set(key, { declared, served, goneAt: at });
          continue;
        }
      }
      this.#touched.delete(key);
      const isLost = this.#lost.delete(key);
      if (now === null) {
        if (served !== null) removed.push(key);
      } else if (served === null || isLost || !served.isSame(now)) {
        const whole = now.hasObject ? now : readAgain(now);
        if (whole === null) this.#lost.add(key);
        else set.push(whole);
      } else if (now.hasObject) {
        now.letGo();
      }
    }
    this.#given = set;
    return { set, removed };
  }

  /** Whoever was given the last changes has read them. */
  letGo(): void {
    for (const object of this.#given) object.letGo();
    this.#given = [];
  }

  /** One Problem for each declaration that is not served because another of the same object is. The same list until that changes. */
  problems(): readonly Problem[] {
    return (this.#problems ??= this.#tell());
  }

  #tell(): readonly Problem[] {
    const problems: Problem[] = [];
    for (const [served, ...others] of this.#contested.values()) {
      const told = others.slice(0, maxTold);
      for (const [index, { ref, origin }] of told.entries()) {
        const more =
          index === told.length - 1 && others.length > told.length
            ? ` (and ${others.length - told.length} more declarations of it)`
            : "";
        problems.push({
          code: "declared-twice",
          level: "error",
          subject: ref,
          field: origin,
          sentence: `${served!.origin} declares the same object, and that one is served${more}; remove one of the two`,
        });
      }
    }
    return problems;
  }

  /** Declared here and nowhere else, given out, and declared the same again. */
  #isSame(key: string, before: readonly StoredObject[], now: readonly StoredObject[] | undefined): boolean {
    if (
      now?.length !== 1 ||
      before.length !== 1 ||
      !now[0]!.isSame(before[0]!) ||
      this.#touched.has(key) ||
      this.#contested.has(key) ||
      this.#lost.has(key)
    )
      return false;
    now[0]!.letGo();
    return true;
  }

  /** Takes declarations of one object out, and puts others of one file in. */
  #change(key: string, before: readonly StoredObject[], now: readonly StoredObject[]): void {
    const known = this.#contested.get(key) ?? this.#loneIn(key, before);
    const gone = before[0]?.file;
    const declared =
      known.length === 0 ? now : withFile(gone === undefined ? known : known.filter(({ file }) => file !== gone), now);
    if (declared.length === 0) this.#first.delete(key);
    else this.#first.set(key, this.#files.numberOf(declared[0]!.file));
    if (declared.length > 1) {
      this.#contested.set(key, declared);
      this.#problems = null;
    } else if (this.#contested.delete(key)) this.#problems = null;
    const served = this.#touched.get(key)?.served;
    this.#touched.set(key, { declared, served: served === undefined ? (known[0] ?? null) : served, goneAt: null });
  }

  /** The declaration of what is declared once: where a file declared it `before`, that is the one. */
  #loneIn(key: string, before: readonly StoredObject[]): readonly StoredObject[] {
    if (before.length > 0) return before;
    const number = this.#first.get(key);
    return number < 0 ? [] : this.#files.declaredIn(number, key);
  }
}

/** Declarations in the order of files, with those of one more file. */
function withFile(declared: readonly StoredObject[], objects: readonly StoredObject[]): readonly StoredObject[] {
  const file = objects[0]?.file;
  if (file === undefined) return declared;
  const at = firstPlace(declared.length, (place) => compareText(declared[place]!.file, file) >= 0);
  return [...declared.slice(0, at), ...objects, ...declared.slice(at)];
}
