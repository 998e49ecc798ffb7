// Slots of the shared blocks: which cells belong to what, for as long as some worker may count there, so that two never count in the same cells.

/** Since when nothing in the table has the slot. */
export interface Gone {
  /** Number of the first table without it. */
  readonly version: number;
  readonly atMs: number;
}

/** What a control worker finds of slots that an earlier one gave. */
export interface EarlierSlots<Value> {
  /** In the table that it goes on from. */
  readonly inTable: ReadonlyMap<number, Value>;
  /** 1 by slot: some worker may have used it. Those that are not in the table had an owner that nobody knows any more. */
  readonly used: readonly Uint8Array[];
}

export class SlotAllocation<Value> {
  readonly #most: number;
  readonly #textOf: (value: Value) => string;
  /** Slot by the text of what has it. */
  readonly #index = new Map<string, number>();
  /** What has each slot; null: nothing. */
  readonly #values: (Value | null)[] = [];
  /** Slots that nothing in the table has. */
  readonly #gone = new Map<number, Gone>();
  /** Freed slots, used again before new ones. */
  readonly #free: number[] = [];

  /** `textOf`: the same for the same, and for nothing else. Slots of an earlier control worker are `gone` unless they are taken again. */
  constructor(most: number, textOf: (value: Value) => string, { inTable, used }: EarlierSlots<Value>, gone: Gone) {
    this.#most = most;
    this.#textOf = textOf;
    let end = 0;
    for (const slots of used) end = Math.max(end, slots.lastIndexOf(1) + 1);
    for (const slot of inTable.keys()) end = Math.max(end, slot + 1);
    for (let slot = 0; slot < end; slot++) {
      const value = inTable.get(slot) ?? null;
      this.#values.push(value);
      if (value !== null) this.#index.set(textOf(value), slot);
      if (value !== null || used.some((slots) => slots[slot] === 1)) this.#gone.set(slot, gone);
      else this.#free.push(slot);
    }
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
    return this.#index.get(this.#textOf(value)) ?? -1;
  }

  /** Its slot, or a new one, which is in the table from now on; −1: all are in use. */
  take(value: Value): number {
    const text = this.#textOf(value);
    const known = this.#index.get(text);
    if (known !== undefined) {
      this.#gone.delete(known);
      return known;
    }
    const slot = this.#free.pop() ?? (this.#values.length < this.#most ? this.#values.length : -1);
    if (slot < 0) return -1;
    this.#values[slot] = value;
    this.#index.set(text, slot);
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
      const value = this.#values[slot]!;
      if (value !== null) this.#index.delete(this.#textOf(value));
      this.#values[slot] = null;
      this.#free.push(slot);
    }
  }
}
