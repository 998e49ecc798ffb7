// What was read and is not delivered yet, by namespace: they take turns, so that one which changes thousands of objects, or large ones in a loop, does not
// make the changes of others wait for all of them.
import { refOfKey } from "../../translate/model/object.ts";
import type { ClusterObject } from "./cluster-object.ts";
import type { CollectionChange } from "./collection.ts";

/** What one turn takes of all namespaces, and of one where another waits, characters: some milliseconds of translation, whatever is written. */
export const turnLength = 128 * 1024;
export const shareLength = 32 * 1024;
/** An object that is gone, or a small one, counts so much. */
const minLength = 512;

export class PendingObjects {
  /** Of each namespace in the order in which they came; whose turn it was last stands last. */
  readonly #namespaces = new Map<string, Map<string, ClusterObject | null>>();

  add(key: string, object: ClusterObject | null): void {
    const { namespace } = refOfKey(key);
    let objects = this.#namespaces.get(namespace);
    if (objects === undefined) this.#namespaces.set(namespace, (objects = new Map()));
    objects.set(key, object);
  }

  get isEmpty(): boolean {
    return this.#namespaces.size === 0;
  }

  takeAll(): CollectionChange {
    const taken = new Map([...this.#namespaces.values()].flatMap((objects) => [...objects]));
    this.#namespaces.clear();
    return taken;
  }

  /** Takes what one turn has room for: at least one object, and of each namespace not more than its share before each other has had one. */
  takeTurn(): CollectionChange {
    const taken = new Map<string, ClusterObject | null>();
    let length = 0;
    // Who is at its end stands last again, behind all that wait.
    for (const [namespace, objects] of this.#namespaces) {
      if (length >= turnLength) break;
      let share = 0;
      for (const [key, object] of objects) {
        if (share >= shareLength || length >= turnLength) break;
        const added = Math.max(minLength, object?.text.length ?? 0);
        share += added;
        length += added;
        taken.set(key, object);
        objects.delete(key);
      }
      this.#namespaces.delete(namespace);
      if (objects.size > 0) this.#namespaces.set(namespace, objects);
    }
    return taken;
  }
}
