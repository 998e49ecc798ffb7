// PersistentMap: a persistent hash table. A table at 10,000 deployments holds tens of thousands of values, and a change must not copy them:
// it copies one list of pages, the touched page and the touched slot (about a microsecond), and every older table stays as it was.

/** Values by a 32-bit hash. */
export interface PersistentMap<V extends object> {
  readonly count: number;
  /** Slots − 1; their number is a power of two, at least `pageSize`. */
  readonly mask: number;
  readonly pages: readonly (readonly Slot<V>[])[];
}

/** One value stands for itself: an array around it would cost lookup two more cache misses. Several are in the order of `compare`. */
export type Slot<V extends object> = V | readonly V[] | null;

const pageBits = 6;
const pageSize = 1 << pageBits;
const emptyPage: readonly null[] = Object.freeze(Array.from({ length: pageSize }, () => null));

export const emptyMap: PersistentMap<never> = Object.freeze({ count: 0, mask: pageSize - 1, pages: Object.freeze([emptyPage]) });

/** The values that may have this hash: the caller checks which. */
export function slotOf<V extends object>(buckets: PersistentMap<V>, hash: number): Slot<V> {
  const at = (hash ^ (hash >>> 15)) & buckets.mask;
  return buckets.pages[at >>> pageBits]![at & (pageSize - 1)]!;
}

/** The value among those of this hash for which `is` holds. */
export function findIn<V extends object>(buckets: PersistentMap<V>, hash: number, is: (value: V) => boolean): V | null {
  return listOf(slotOf(buckets, hash)).find((value) => is(value)) ?? null;
}

/** All values, in no useful order. */
export function* valuesOf<V extends object>(buckets: PersistentMap<V>): Generator<V> {
  for (const page of buckets.pages) for (const slot of page) yield* listOf(slot);
}

function listOf<V extends object>(slot: Slot<V>): readonly V[] {
  return slot === null ? [] : isList(slot) ? slot : [slot];
}

/** Several values, and not one? */
export function isList<V extends object>(slot: V | readonly V[]): slot is readonly V[] {
  return Array.isArray(slot);
}

/** A change in progress. `done` gives the next PersistentMap; the ones it began with never change. */
export class PersistentMapEdit<V extends object> {
  readonly #from: PersistentMap<V>;
  readonly #hashOf: (value: V) => number;
  readonly #compare: (a: V, b: V) => number;
  #count: number;
  #mask: number;
  #pages: Slot<V>[][] | null = null;
  /** Pages copied by this edit. */
  readonly #own = new Set<readonly Slot<V>[]>();

  /** `compare` orders the values of one slot; equal values (0) replace each other. `expected`: how many values may come. */
  constructor(from: PersistentMap<V>, expected: number, hashOf: (value: V) => number, compare: (a: V, b: V) => number) {
    this.#from = from;
    this.#hashOf = hashOf;
    this.#compare = compare;
    this.#count = from.count;
    this.#mask = from.mask;
    let slots = from.mask + 1;
    while (from.count + expected > slots * 2) slots *= 2;
    if (slots > from.mask + 1 && from.count < expected) this.#resize(slots);
  }

  /** The value among those of this hash for which `is` holds. */
  find(hash: number, is: (value: V) => boolean): V | null {
    return listOf(this.#slotAt(hash)).find((value) => is(value)) ?? null;
  }

  /** Adds a value, or replaces the one that compares equal. */
  set(value: V): void {
    const hash = this.#hashOf(value);
    const slot = this.#slotAt(hash);
    if (slot === null) {
      this.#put(hash, value);
      this.#grow();
      return;
    }
    const list = listOf(slot);
    let at = 0;
    let order = 1;
    for (; at < list.length; at++) {
      order = this.#compare(value, list[at]!);
      if (order <= 0) break;
    }
    const next = list.toSpliced(at, order === 0 ? 1 : 0, value);
    this.#put(hash, next.length === 1 ? value : Object.freeze(next));
    if (order !== 0) this.#grow();
  }

  /** Removes the value that compares equal, if it is there. */
  remove(value: V): void {
    const hash = this.#hashOf(value);
    const list = listOf(this.#slotAt(hash));
    const kept = list.filter((other) => this.#compare(value, other) !== 0);
    if (kept.length === list.length) return;
    this.#put(hash, kept.length === 0 ? null : kept.length === 1 ? kept[0]! : Object.freeze(kept));
    this.#count--;
  }

  done(): PersistentMap<V> {
    return this.#pages === null ? this.#from : Object.freeze({ count: this.#count, mask: this.#mask, pages: this.#pages });
  }

  #slotAt(hash: number): Slot<V> {
    const at = (hash ^ (hash >>> 15)) & this.#mask;
    return (this.#pages ?? this.#from.pages)[at >>> pageBits]![at & (pageSize - 1)]!;
  }

  #put(hash: number, slot: Slot<V>): void {
    const at = (hash ^ (hash >>> 15)) & this.#mask;
    this.#pages ??= this.#from.pages.slice() as Slot<V>[][];
    let page = this.#pages[at >>> pageBits]!;
    if (!this.#own.has(page)) {
      page = page.slice();
      this.#own.add(page);
      this.#pages[at >>> pageBits] = page;
    }
    page[at & (pageSize - 1)] = slot;
  }

  #grow(): void {
    this.#count++;
    if (this.#count > 2 * (this.#mask + 1)) this.#resize((this.#mask + 1) * 4);
  }

  /** Rare, and the only step whose cost grows with the number of values. */
  #resize(slots: number): void {
    const values = [...valuesOf({ count: this.#count, mask: this.#mask, pages: this.#pages ?? this.#from.pages })];
    this.#mask = slots - 1;
    this.#pages = Array.from({ length: slots / pageSize }, () => Array.from({ length: pageSize }, () => null));
    this.#own.clear();
    for (const page of this.#pages) this.#own.add(page);
    // Values of one new slot come from one old slot, so they stay in order.
    for (const value of values) {
      const hash = this.#hashOf(value);
      const slot = this.#slotAt(hash);
      this.#put(hash, slot === null ? value : Object.freeze([...listOf(slot), value]));
    }
  }
}
