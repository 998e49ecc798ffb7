// Declarations: which file's objects are served when several files declare the same one, and what changed since the last look.
import { isDeepStrictEqual } from 'node:util';
import { compareText, type Problem } from '../../routing/problem.ts';
import { objectKey, type SourceObject } from '../translate/object.ts';

interface Declaration {
  readonly file: string;
  readonly object: SourceObject;
}

/** Objects by file. The object that counts is the one of the first file in text order, the first in that file: the same on every replica. */
export class Declarations {
  readonly #files = new Map<string, readonly SourceObject[]>();
  /** In the order of precedence. */
  readonly #declared = new Map<string, Declaration[]>();
  readonly #contested = new Set<string>();
  readonly #touched = new Set<string>();
  readonly #served = new Map<string, SourceObject>();

  /** The objects that a file declares now; none when it is gone. */
  replace(file: string, objects: readonly SourceObject[]): void {
    for (const object of this.#files.get(file) ?? []) this.#withdraw(file, objectKey(object.ref));
    if (objects.length === 0) this.#files.delete(file);
    else this.#files.set(file, objects);
    for (const object of objects) this.#declare(file, object);
  }

  /** What changed since the last call: objects that are new or differ, and keys that are gone. */
  changes(): { readonly set: readonly SourceObject[]; readonly removed: readonly string[] } {
    const set: SourceObject[] = [];
    const removed: string[] = [];
    for (const key of this.#touched) {
      const before = this.#served.get(key);
      const now = this.#declared.get(key)?.[0]?.object;
      if (now === undefined) {
        if (before !== undefined) removed.push(key);
        this.#served.delete(key);
      } else if (before === undefined || !isSame(before, now)) {
        set.push(now);
        this.#served.set(key, now);
      }
    }
    this.#touched.clear();
    return { set, removed };
  }

  /** One Problem for each declaration that is not served because another of the same object is. */
  problems(): Problem[] {
    const problems: Problem[] = [];
    for (const key of this.#contested) {
      const [served, ...others] = this.#declared.get(key)!;
      for (const other of others) {
        problems.push({
          code: 'declared-twice',
          level: 'error',
          subject: other.object.ref,
          field: other.object.origin,
          sentence: `the object is declared in ${served!.object.origin} already and that one is served; remove one of the two`,
        });
      }
    }
    return problems;
  }

  #declare(file: string, object: SourceObject): void {
    const key = objectKey(object.ref);
    const declarations = this.#declared.get(key) ?? [];
    const later = declarations.findIndex((other) => compareText(other.file, file) > 0);
    declarations.splice(later < 0 ? declarations.length : later, 0, { file, object });
    this.#declared.set(key, declarations);
    this.#mark(key, declarations.length);
  }

  #withdraw(file: string, key: string): void {
    const rest = (this.#declared.get(key) ?? []).filter((declaration) => declaration.file !== file);
    if (rest.length === 0) this.#declared.delete(key);
    else this.#declared.set(key, rest);
    this.#mark(key, rest.length);
  }

  #mark(key: string, count: number): void {
    this.#touched.add(key);
    if (count > 1) this.#contested.add(key);
    else this.#contested.delete(key);
  }
}

function isSame(a: SourceObject, b: SourceObject): boolean {
  return a.apiVersion === b.apiVersion && a.origin === b.origin && isDeepStrictEqual(a.object, b.object);
}
