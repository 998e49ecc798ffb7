// Slots of the shared blocks: which cells belong to what, for as long as some worker may count there, so that two never count in the same cells.
import { randomInt } from "node:crypto";
import { drawnKey } from "../../../routing/collections/digest.ts";
import { DigestIndex } from "../../../routing/collections/digest-index.ts";

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

export class SlotAllocation<Value> {
  readonly #most: number;
  readonly #textOf: (value: Value) => string;
  /** Slot by the text of what has it. */
  readonly #index = new DigestIndex(drawnKey(randomInt));
  /** What has each slot; null: nothing. */
  readonly #values: (Value | null)[] = [];
  /** Slots that nothing in the table has. */
  readonly #gone = new Map<number, Gone>();
  /** Freed slots, used again before new ones. */
  readonly #free: number[] = [];
  #taken: (readonly [number, Value])[] = [];
  #freed: number[] = [];

  /** `textOf`: the same for the same, and for nothing else. `kept`: slots of an earlier control worker; they are `gone` unless they are taken again. */
  constructor(
    most: number,
    textOf: (value: Value) => string,
    kept: readonly (readonly [slot: number, value: Value])[],
    gone: Gone,
  ) {
    this.#most = most;
    this.#textOf = textOf;
    const last = kept.reduce((highest, [slot]) => Math.max(highest, slot), -1);
    for (let slot = 0; slot <= last; slot++) this.#values.push(null);
    for (const [slot, value] of kept) {
      this.#values[slot] = value;
      this.#index.set(textOf(value), slot);
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
    return this.#index.get(this.#textOf(value));
  }

  /** Its slot, or a new one, which is in the table from now on; −1: all are in use. */
  take(value: Value): number {
    const text = this.#textOf(value);
    const known = this.#index.get(text);
    if (known >= 0) {
      this.#gone.delete(known);
      return known;
    }
    const slot = this.#free.pop() ?? (this.#values.length < this.#most ? this.#values.length : -1);
    if (slot < 0) return -1;
    this.#values[slot] = value;
    this.#index.set(text, slot);
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
      this.#index.delete(this.#textOf(this.#values[slot]!));
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
