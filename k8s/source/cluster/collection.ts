// Collection: the objects of one resource as they are known, and what a new list or a watch event changes in them.
import type { ClusterObject } from "./cluster-object.ts";

/** By key (`objectKey`): what is new or differs; null: it is gone. */
export type CollectionChange = ReadonlyMap<string, ClusterObject | null>;

/** A list that loses more than half of at least so many objects is doubted: restores of etcd and broken conversions lose them too. */
const doubtedFrom = 20;

export class Collection {
  readonly #objects = new Map<string, ClusterObject>();

  get size(): number {
    return this.#objects.size;
  }

  keys(): Iterable<string> {
    return this.#objects.keys();
  }

  values(): Iterable<ClusterObject> {
    return this.#objects.values();
  }

  get(key: string): ClusterObject | undefined {
    return this.#objects.get(key);
  }

  /** How many objects a whole list does not hold any more. */
  missingFrom(listed: ReadonlyMap<string, ClusterObject>): number {
    let missing = 0;
    for (const key of this.#objects.keys()) if (!listed.has(key)) missing += 1;
    return missing;
  }

  /** true when losing that many is too much to believe at once. */
  isDoubtful(missing: number): boolean {
    return this.#objects.size >= doubtedFrom && missing * 2 > this.#objects.size;
  }

  /** The known object where it is the same, so that a list that repeats what is known costs no memory. */
  known(key: string, object: ClusterObject): ClusterObject {
    const known = this.#objects.get(key);
    return known !== undefined && known.isSame(object) && known.uid === object.uid ? known : object;
  }

  /** Takes a whole list. `keepMissing`: what it does not hold stays. */
  replace(listed: ReadonlyMap<string, ClusterObject>, keepMissing: boolean): CollectionChange {
    const change = new Map<string, ClusterObject | null>();
    if (!keepMissing) for (const key of this.#objects.keys()) if (!listed.has(key)) change.set(key, null);
    for (const key of change.keys()) this.#objects.delete(key);
    for (const [key, object] of listed) if (this.set(key, object)) change.set(key, object);
    return change;
  }

  /** true when translation would read something else now. */
  set(key: string, object: ClusterObject): boolean {
    const before = this.#objects.get(key);
    this.#objects.set(key, object);
    return before === undefined || !before.isSame(object);
  }

  /** false when it was not known. */
  remove(key: string): boolean {
    return this.#objects.delete(key);
  }
}
