// RouteIndex: where lookup finds what has a key (Routes by their path or their deployment's name, Spaces by their base). At 10,000 deployments a
// decision costs what its cache misses cost (load/bench/decide.ts), so a hit reads three places: the slot, the bytes of the key, the value.
//
// Persistent: pages of open addressing, in typed arrays. A change writes its pages anew (some 500 route slots each, microseconds) and copies the list
// of pages; every older table stays as it was.
import { lowerByte } from './bytes.ts';

/** A value and where it sits. */
export interface IndexedSlot<V> {
  /** Key in the index. Values of one hash are met in the order of `compare`. */
  readonly hash: number;
  /** Byte text that a request is compared with. */
  readonly text: string;
  /** Sum of `folded`, `whole`, …: what lookup asks before it reads the value. */
  readonly flags: number;
  /** Id of the NamespaceRoutes, so that comparing it reads no string. */
  readonly owner: number;
  readonly value: V;
}

export const slotFlags = Object.freeze({
  /** ASCII letters in any case; the bytes are in lower case. */
  folded: 1,
  /** The path must be the text and not only begin with it. */
  whole: 2,
  /** A gRPC Route, found by the name of its deployment. */
  named: 4,
  /** Only shadows, so it never answers. */
  shadowsOnly: 8,
  /** There are conditions beside the key. */
  conditional: 16,
});

/** `meta` of a slot is the length of the text, shifted by this, and the flags; −1 in a free slot. */
export const flagBits = 5;
export const allFlags = (1 << flagBits) - 1;

/** Numbers of a slot: hash, meta, start of the text in `bytes`, owner. 16 bytes, so a slot lies in one cache line. */
export const slotSize = 4;

export interface IndexPage<V> {
  readonly slots: Int32Array;
  /** Slots − 1; at least a quarter of them is free. */
  readonly mask: number;
  /** The texts, one after the other. */
  readonly bytes: Uint8Array;
  /** By slot. */
  readonly values: readonly (V | null)[];
  readonly count: number;
}

export interface RouteIndex<V> {
  readonly count: number;
  readonly pages: readonly IndexPage<V>[];
}

const pageBits = 6;

function freePage(slots: number): Int32Array {
  const all = new Int32Array(slots * slotSize);
  for (let at = 1; at < all.length; at += slotSize) all[at] = -1;
  return all;
}

const emptyPage: IndexPage<never> = Object.freeze({ slots: freePage(1), mask: 0, bytes: new Uint8Array(0), values: Object.freeze([null]), count: 0 });

export const emptyRouteIndex: RouteIndex<never> = Object.freeze({ count: 0, pages: Object.freeze(Array.from({ length: 1 << pageBits }, () => emptyPage)) });

export function pageOf<V>(routeSlots: RouteIndex<V>, hash: number): IndexPage<V> {
  return routeSlots.pages[hash >>> (32 - pageBits)]!;
}

/** Where values of this hash begin: the slots from here on to a free one. */
export function firstSlot(hash: number, mask: number): number {
  return (hash ^ (hash >>> 15)) & mask;
}

/** What changes in one page. */
interface PageChange<V> {
  readonly leave: Set<V>;
  readonly come: IndexedSlot<V>[];
}

/** A change in progress. `done` gives the next RouteIndex; the ones it began with never change. */
export class RouteIndexEdit<V extends object> {
  readonly #from: RouteIndex<V>;
  readonly #compare: (a: V, b: V) => number;
  readonly #changes = new Map<number, PageChange<V>>();

  /** `compare` orders values of one hash. */
  constructor(from: RouteIndex<V>, compare: (a: V, b: V) => number) {
    this.#from = from;
    this.#compare = compare;
  }

  add(slotted: IndexedSlot<V>): void {
    this.#changeOf(slotted.hash).come.push(slotted);
  }

  /** Takes away a value that is in the RouteIndex that this edit began with. */
  remove(hash: number, value: V): void {
    this.#changeOf(hash).leave.add(value);
  }

  done(): RouteIndex<V> {
    if (this.#changes.size === 0) return this.#from;
    const pages = this.#from.pages.slice();
    let { count } = this.#from;
    for (const [number, change] of this.#changes) {
      const before = pages[number]!;
      const after = this.#rewritten(before, change);
      pages[number] = after;
      count += after.count - before.count;
    }
    return Object.freeze({ count, pages });
  }

  #changeOf(hash: number): PageChange<V> {
    const number = hash >>> (32 - pageBits);
    let change = this.#changes.get(number);
    if (change === undefined) this.#changes.set(number, (change = { leave: new Set(), come: [] }));
    return change;
  }

  #rewritten(before: IndexPage<V>, { leave, come }: PageChange<V>): IndexPage<V> {
    const count = before.count - leave.size + come.length;
    if (count === 0) return emptyPage;
    let capacity = 2;
    while (capacity * 3 < count * 4) capacity *= 2;
    const slots = freePage(capacity);
    const values = Array.from<V | null>({ length: capacity }).fill(null);
    const bytes = new Uint8Array(before.bytes.length + come.reduce((sum, { text }) => sum + text.length, 0));
    const page = { slots, mask: capacity - 1, bytes, values, count };
    let end = 0;
    // From a free slot on, so that values of one hash are met in their order also where they run over the end of the page.
    const free = before.values.indexOf(null);
    const sitting = new Sitting(page, this.#compare);
    for (let step = 1; step <= before.values.length; step++) {
      const slot = (free + step) & before.mask;
      const value = before.values[slot]!;
      if (value === null || leave.has(value)) continue;
      const at = slot * slotSize;
      const start = before.slots[at + 2]!;
      const length = before.slots[at + 1]! >> flagBits;
      for (let i = 0; i < length; i++) bytes[end + i] = before.bytes[start + i]!;
      sitting.sit(before.slots[at]!, before.slots[at + 1]!, end, before.slots[at + 3]!, value);
      end += length;
    }
    if (come.length > 1) come.sort((a, b) => a.hash - b.hash || this.#compare(a.value, b.value));
    for (const { hash, text, flags, owner, value } of come) {
      writeText(bytes, end, text, (flags & slotFlags.folded) !== 0);
      sitting.sit(hash, (text.length << flagBits) | flags, end, owner, value);
      end += text.length;
    }
    // What left leaves room behind.
    return Object.freeze(end < bytes.length ? { ...page, bytes: bytes.slice(0, end) } : page);
  }
}

/** Values of one hash that are walked over before `Sitting` remembers where the last of them sits. Most hashes have one or two. */
const longRun = 8;

/** Values being put into the slots of a page. */
class Sitting<V extends object> {
  readonly #slots: Int32Array;
  readonly #mask: number;
  readonly #values: (V | null)[];
  readonly #compare: (a: V, b: V) => number;
  /** Slot of the last value of a hash that many share (one path with thousands of header conditions), so that the next need not walk over all of them. */
  readonly #lastOf = new Map<number, number>();

  constructor({ slots, mask, values }: { readonly slots: Int32Array; readonly mask: number; readonly values: (V | null)[] }, compare: (a: V, b: V) => number) {
    this.#slots = slots;
    this.#mask = mask;
    this.#values = values;
    this.#compare = compare;
  }

  /** Takes the first free slot, or that of a later value of the same hash, which then moves on. */
  sit(hash: number, meta: number, start: number, owner: number, value: V): void {
    const slots = this.#slots;
    const values = this.#values;
    let passed = 0;
    for (let slot = firstSlot(hash, this.#mask); ; slot = (slot + 1) & this.#mask) {
      const at = slot * slotSize;
      const other = values[slot]!;
      if (other !== null) {
        if (slots[at] !== hash) continue;
        if (this.#compare(value, other) >= 0) {
          passed += 1;
          if (passed === longRun) slot = this.#leap(hash, slot, value);
          continue;
        }
      }
      const [otherMeta, otherStart, otherOwner] = [slots[at + 1]!, slots[at + 2]!, slots[at + 3]!];
      slots[at] = hash;
      slots[at + 1] = meta;
      slots[at + 2] = start;
      slots[at + 3] = owner;
      values[slot] = value;
      if (other === null) {
        if (passed >= longRun) this.#lastOf.set(hash, slot);
        return;
      }
      meta = otherMeta;
      start = otherStart;
      owner = otherOwner;
      value = other;
    }
  }

  /** The slot of the last value of the hash where `value` comes after it, else `slot`. */
  #leap(hash: number, slot: number, value: V): number {
    const last = this.#lastOf.get(hash);
    return last !== undefined && this.#compare(value, this.#values[last]!) >= 0 ? last : slot;
  }
}

function writeText(bytes: Uint8Array, start: number, text: string, folded: boolean): void {
  for (let i = 0; i < text.length; i++) {
    const byte = text.charCodeAt(i);
    bytes[start + i] = folded ? lowerByte(byte) : byte;
  }
}
