// Declarations: which file's objects are served when several files declare the same one, and what changed since the last look.
import { compareText, type Problem } from '../../routing/problem.ts';
import { objectKey, type SourceObject } from '../translate/object.ts';
import type { StoredObject } from './stored-object.ts';

interface Declaration {
  readonly file: string;
  readonly object: StoredObject;
}

/** All that goes by one object's key. */
interface Contest {
  readonly key: string;
  /** In the order of precedence. */
  declared: readonly Declaration[];
  /** What was last given out. */
  served: StoredObject | null;
  touched: boolean;
}

const none: readonly Declaration[] = Object.freeze([]);

/** Objects by file. The object that counts is the one of the first file in text order, the first in that file: the same on every replica. */
export class Declarations {
  readonly #contests = new Map<string, Contest>();
  /** Those with more than one declaration. */
  readonly #contested = new Set<Contest>();
  #touched: Contest[] = [];

  /** The objects that a file declared before and declares now; none when it is gone. */
  replace(file: string, before: readonly StoredObject[], now: readonly StoredObject[]): void {
    for (const object of before) this.#withdraw(file, objectKey(object.ref));
    for (const object of now) this.#declare(file, object);
  }

  /** What changed since the last call: objects that are new or differ, and keys that are gone. */
  changes(): { readonly set: readonly SourceObject[]; readonly removed: readonly string[] } {
    const set: SourceObject[] = [];
    const removed: string[] = [];
    for (const contest of this.#touched) {
      const { key, served: before } = contest;
      const now = contest.declared[0]?.object ?? null;
      contest.touched = false;
      contest.served = now;
      if (now === null) {
        if (before !== null) removed.push(key);
        this.#contests.delete(key);
      } else if (before === null || !before.isSame(now)) {
        set.push(now);
      }
    }
    this.#touched = [];
    return { set, removed };
  }

  /** One Problem for each declaration that is not served because another of the same object is. */
  problems(): Problem[] {
    const problems: Problem[] = [];
    for (const { declared } of this.#contested) {
      const [served, ...others] = declared;
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

  #declare(file: string, object: StoredObject): void {
    const contest = this.#contestOf(objectKey(object.ref));
    const { declared } = contest;
    const later = declared.findIndex((other) => compareText(other.file, file) > 0);
    contest.declared = later < 0 ? [...declared, { file, object }] : declared.toSpliced(later, 0, { file, object });
    this.#touch(contest);
  }

  #withdraw(file: string, key: string): void {
    const contest = this.#contestOf(key);
    contest.declared = contest.declared.filter((declaration) => declaration.file !== file);
    this.#touch(contest);
  }

  #contestOf(key: string): Contest {
    let contest = this.#contests.get(key);
    if (contest === undefined) this.#contests.set(key, (contest = { key, declared: none, served: null, touched: false }));
    return contest;
  }

  #touch(contest: Contest): void {
    if (contest.declared.length > 1) this.#contested.add(contest);
    else this.#contested.delete(contest);
    if (contest.touched) return;
    contest.touched = true;
    this.#touched.push(contest);
  }
}
