// Slots of the shared blocks: which cells belong to what, for as long as some worker may count there, so that two never count in the same cells.

/** Since when nothing in the table has the slot. */
export interface Gone {
  /** Number of the first table without it. */
  readonly version: number;
  readonly atMs: number;
}

export interface Allocated<Value> {
  readonly slot: number;
  readonly value: Value;
  /** null: it is in the table. */
  gone: Gone | null;
}

/** What became of slots, for the successor of this thread. */
export interface SlotChanges<Value> {
  readonly taken: readonly (readonly [slot: number, value: Value])[];
  readonly freed: readonly number[];
}

export class SlotAllocation<Value> {
  readonly #most: number;
  readonly #keyOf: (value: Value) => string;
  readonly #byKey = new Map<string, Allocated<Value>>();
  /** Freed slots, used again before new ones. */
  readonly #free: number[] = [];
  #next = 0;
  #taken: (readonly [number, Value])[] = [];
  #freed: number[] = [];

  /** `kept`: slots of an earlier control worker; they are `gone` unless they are taken again. */
  constructor(most: number, keyOf: (value: Value) => string, kept: readonly (readonly [slot: number, value: Value])[], gone: Gone) {
    this.#most = most;
    this.#keyOf = keyOf;
    const used = new Set<number>();
    for (const [slot, value] of kept) {
      this.#byKey.set(keyOf(value), { slot, value, gone });
      used.add(slot);
      this.#next = Math.max(this.#next, slot + 1);
    }
    for (let slot = 0; slot < this.#next; slot++) if (!used.has(slot)) this.#free.push(slot);
  }

  /** In order of their first use. */
  get all(): Iterable<Allocated<Value>> {
    return this.#byKey.values();
  }

  get(key: string): Allocated<Value> | undefined {
    return this.#byKey.get(key);
  }

  /** Its slot, or a new one; undefined: all are in use. */
  take(value: Value): Allocated<Value> | undefined {
    const key = this.#keyOf(value);
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    const slot = this.#free.pop() ?? (this.#next < this.#most ? this.#next++ : -1);
    if (slot < 0) return undefined;
    const allocated: Allocated<Value> = { slot, value, gone: null };
    this.#byKey.set(key, allocated);
    this.#taken.push([slot, value]);
    return allocated;
  }

  /** Frees the slots that are gone from the tables of all workers (`heldByAll`: the oldest that one holds), where `isUnused` says so of the cells. */
  sweep(heldByAll: number, isUnused: (slot: number, gone: Gone) => boolean): void {
    for (const [key, { slot, gone }] of this.#byKey) {
      if (gone === null || heldByAll < gone.version || !isUnused(slot, gone)) continue;
      this.#byKey.delete(key);
      this.#free.push(slot);
      this.#freed.push(slot);
    }
  }

  /** What was taken and freed since the last call. */
  drainChanges(): SlotChanges<Value> {
    const changes = { taken: this.#taken, freed: this.#freed };
    this.#taken = [];
    this.#freed = [];
    return changes;
  }
}
