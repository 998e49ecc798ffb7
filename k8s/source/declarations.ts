// Declarations: which file's objects are served when several files declare the same one, and what changed since the last look.
import { compareText, type Problem } from '../../routing/problem.ts';
import { objectKey, type SourceObject } from '../translate/object.ts';
import type { StoredObject } from './stored-object.ts';

interface Declaration {
  readonly file: string;
  /** The first in the file. */
  readonly object: StoredObject;
  /** Later ones in the same file, as many as are told. */
  readonly others: readonly StoredObject[];
  /** How many there are of these in all. */
  readonly otherCount: number;
}

/** All that goes by one object's key. */
interface Contest {
  readonly key: string;
  /** In the order of precedence: of files, each once. */
  readonly declared: Declaration[];
  /** What was last given out. */
  served: StoredObject | null;
  touched: boolean;
}

/** Declarations of one object that are told one by one; the rest is counted. */
const mostTold = 8;

/** Objects by file. The object that counts is the one of the first file in text order, the first in that file: the same on every replica. */
export class Declarations {
  readonly #contests = new Map<string, Contest>();
  /** Those with more than one declaration. */
  readonly #contested = new Set<Contest>();
  #touched: Contest[] = [];

  /** The objects that a file declared before and declares now; none when it is gone. */
  replace(file: string, before: readonly StoredObject[], now: readonly StoredObject[]): void {
    for (const key of byKey(before).keys()) this.#withdraw(file, key);
    for (const [key, objects] of byKey(now)) this.#declare(key, { file, object: objects[0]!, others: objects.slice(1, mostTold + 1), otherCount: objects.length - 1 });
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
      const served = declared[0]!.object;
      const told = declared.slice(0, mostTold + 1).flatMap(({ object, others }) => [object, ...others]).slice(1, mostTold + 1);
      const count = declared.reduce((sum, { otherCount }) => sum + 1 + otherCount, -1);
      for (const [index, { ref, origin }] of told.entries()) {
        const more = index === told.length - 1 && count > told.length ? ` (and ${count - told.length} more declarations of it)` : '';
        problems.push({ code: 'declared-twice', level: 'error', subject: ref, field: origin, sentence: `the object is declared in ${served.origin} already and that one is served${more}; remove one of the two` });
      }
    }
    return problems;
  }

  #declare(key: string, declaration: Declaration): void {
    const contest = this.#contestOf(key);
    contest.declared.splice(placeOf(contest.declared, declaration.file), 0, declaration);
    this.#touch(contest);
  }

  #withdraw(file: string, key: string): void {
    const contest = this.#contestOf(key);
    const at = placeOf(contest.declared, file);
    if (contest.declared[at]?.file === file) contest.declared.splice(at, 1);
    this.#touch(contest);
  }

  #contestOf(key: string): Contest {
    let contest = this.#contests.get(key);
    if (contest === undefined) this.#contests.set(key, (contest = { key, declared: [], served: null, touched: false }));
    return contest;
  }

  #touch(contest: Contest): void {
    if (contest.declared.length > 1 || (contest.declared[0]?.otherCount ?? 0) > 0) this.#contested.add(contest);
    else this.#contested.delete(contest);
    if (contest.touched) return;
    contest.touched = true;
    this.#touched.push(contest);
  }
}

/** Objects of one file by their key, in the order of their first one. */
function byKey(objects: readonly StoredObject[]): ReadonlyMap<string, readonly StoredObject[]> {
  const groups = new Map<string, StoredObject[]>();
  for (const object of objects) {
    const key = objectKey(object.ref);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [object]);
    else group.push(object);
  }
  return groups;
}

/** Index of a file among declarations in the order of files, or where it belongs. */
function placeOf(declared: readonly Declaration[], file: string): number {
  let [low, high] = [0, declared.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareText(declared[middle]!.file, file) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
