// Declarations: which file's objects are served when several files declare the same one, and what changed since the last look.
import { firstPlace } from "../../../routing/text/bisect.ts";
import { compareText, type Problem } from "../../../routing/text/problem.ts";
import { objectKey, type SourceObject } from "../../translate/model/object.ts";
import type { StoredObject } from "../objects/stored-object.ts";

/** Declarations of one object that are told one by one; the rest is counted. */
const maxTold = 8;

/** Objects by file. The object that counts is the one of the first file in text order, the first in that file: the same on every replica. */
export class Declarations {
  /** By key, in the order of precedence. */
  readonly #declared = new Map<string, readonly StoredObject[]>();
  /** Keys of those with more than one declaration. */
  readonly #contested = new Set<string>();
  /** Keys of objects whose declarations changed since the last look, with what was served then. */
  readonly #touched = new Map<string, StoredObject | null>();
  #problems: readonly Problem[] | null = null;

  /** The objects that a file declared before and declares now; none when it is gone. */
  replace(before: readonly StoredObject[], now: readonly StoredObject[]): void {
    const file = (before[0] ?? now[0])?.file;
    const next = Map.groupBy(now, ({ ref }) => objectKey(ref));
    const keys = new Set([...before.map(({ ref }) => objectKey(ref)), ...next.keys()]);
    for (const key of keys) {
      const known = this.#declared.get(key) ?? [];
      if (!this.#touched.has(key)) this.#touched.set(key, known[0] ?? null);
      const others = known.filter((object) => object.file !== file);
      const declared = withFile(others, next.get(key) ?? []);
      if (declared.length === 0) this.#declared.delete(key);
      else this.#declared.set(key, declared);
      if (declared.length > 1) this.#contested.add(key);
      else if (!this.#contested.delete(key)) continue;
      this.#problems = null;
    }
  }

  /** What changed since the last call: objects that are new or differ, and keys that are gone. */
  changes(): { readonly set: readonly SourceObject[]; readonly removed: readonly string[] } {
    const set: StoredObject[] = [];
    const removed: string[] = [];
    for (const [key, served] of this.#touched) {
      const now = this.#declared.get(key)?.[0];
      if (now !== undefined && (served === null || !served.isSame(now))) set.push(now);
      else if (now === undefined && served !== null) removed.push(key);
    }
    this.#touched.clear();
    return { set, removed };
  }

  /** One Problem for each declaration that is not served because another of the same object is. The same list until that changes. */
  problems(): readonly Problem[] {
    return (this.#problems ??= this.#tell());
  }

  #tell(): readonly Problem[] {
    const problems: Problem[] = [];
    for (const key of this.#contested) {
      const [served, ...others] = this.#declared.get(key)!;
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
}

/** Declarations in the order of files, with those of one more file. */
function withFile(declared: readonly StoredObject[], objects: readonly StoredObject[]): readonly StoredObject[] {
  const file = objects[0]?.file;
  if (file === undefined) return declared;
  const at = firstPlace(declared.length, (place) => compareText(declared[place]!.file, file) >= 0);
  return [...declared.slice(0, at), ...objects, ...declared.slice(at)];
}
