// Slots of the shared blocks: which cells belong to what, for as long as some worker may count there, so that two never count in the same cells.

/** Since when nothing in the table has the slot. */
export interface Gone {
  /** Number of the first table without it. */
  readonly version: number;
  readonly atMs: number;
}

/** What became of slots, for the successor of this thread. */
export interface SlotChanges<Value> {
  readonly taken: readonly (readonly [slot: number, value: Value])[];
  readonly freed: readonly number[];
}

/** Finds slots by what has them. `values`: by slot. */
export interface SlotIndex<Value> {
  find(value: Value, values: readonly (Value | null)[]): number | undefined;
  add(value: Value, slot: number, values: readonly (Value | null)[]): void;
  remove(value: Value, slot: number): void;
}

/** Of texts. */
export class KeyIndex implements SlotIndex<string> {
  readonly #slots = new Map<string, number>();

  find(key: string): number | undefined {
    return this.#slots.get(key);
  }

  add(key: string, slot: number): void {
    this.#slots.set(key, slot);
  }

  remove(key: string): void {
    this.#slots.delete(key);
  }

  get isEmpty(): boolean {
    return this.#slots.size === 0;
  }
}

export class SlotAllocation<Value> {
  readonly #most: number;
  readonly #index: SlotIndex<Value>;
  /** What has each slot; null: nothing. */
  readonly #values: (Value | null)[] = [];
  /** Slots that nothing in the table has. */
  readonly #gone = new Map<number, Gone>();
  /** Freed slots, used again before new ones. */
  readonly #free: number[] = [];
  #taken: (readonly [number, Value])[] = [];
  #freed: number[] = [];

  /** `kept`: slots of an earlier control worker; they are `gone` unless they are taken again. */
  constructor(most: number, index: SlotIndex<Value>, kept: readonly (readonly [slot: number, value: Value])[], gone: Gone) {
    this.#most = most;
    this.#index = index;
    const last = kept.reduce((highest, [slot]) => Math.max(highest, slot), -1);
    for (let slot = 0; slot <= last; slot++) this.#values.push(null);
    for (const [slot, value] of kept) {
      this.#values[slot] = value;
      this.#index.add(value, slot, this.#values);
      this.#gone.set(slot, gone);
    }
    for (const [slot, value] of this.#values.entries()) if (value === null) this.#free.push(slot);
  }

  /** Every slot that was ever in use is below it. */
  get end(): number {
    return this.#values.length;
  }

  /** What has the slot; null: nothing. */
  at(slot: number): Value | null {
    return this.#values[slot] ?? null;
  }

  /** −1: it has none. */
  slotOf(value: Value): number {
    return this.#index.find(value, this.#values) ?? -1;
  }

  /** Its slot, or a new one, which is in the table from now on; −1: all are in use. */
  take(value: Value): number {
    const known = this.#index.find(value, this.#values);
    if (known !== undefined) {
      this.#gone.delete(known);
      return known;
    }
    const slot = this.#free.pop() ?? (this.#values.length < this.#most ? this.#values.length : -1);
    if (slot < 0) return -1;
    this.#values[slot] = value;
    this.#index.add(value, slot, this.#values);
    this.#taken.push([slot, value]);
    return slot;
  }

  /** Nothing in the table has the slot any more. */
  leave(slot: number, gone: Gone): void {
    this.#gone.set(slot, gone);
  }

  /** Frees the slots that are gone from the tables of all workers (`heldByAll`: the oldest that one holds), where `isUnused` says so of the cells. */
  sweep(heldByAll: number, isUnused: (slot: number, gone: Gone) => boolean): void {
    for (const [slot, gone] of this.#gone) {
      if (heldByAll < gone.version || !isUnused(slot, gone)) continue;
      this.#gone.delete(slot);
      this.#index.remove(this.#values[slot]!, slot);
      this.#values[slot] = null;
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
