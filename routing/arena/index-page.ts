// Index pages: where lookup finds what has a key (Routes by their path or their deployment's name, namespaces by their base, Upstreams and
// names by their text). At 10,000 deployments a decision costs what its cache misses cost (load/bench/decide.ts), so a request reads one line of
// an index and no record: a long slot holds what a look-up asks of the record, which is serial, owner and the end of the text.
//
// Open addressing in blocks of an arena: an index has 256 pages by the first bits of the hash. A change writes its pages beside the old ones
// (routing/write/index-edit.ts; some 120 Routes each at 10,000 deployments). With more pages a root is longer, which is written and compared whole.
//
//   page   word 0  slots − 1     slot  word 0  hash
//               1  slots in use              1  bytes of the key and flags; −1: the slot is free
//               2  serial                    2  unit of the record
//               3  words of a slot           3  number of the record
//                                   long: 4  serial of the record
//          from 16  slots                    5  owner of the record
//                                    from 6  the last 40 bytes of the text, or all of it
//
// In slots of namespaces word 1 holds what a look-up asks of their Routes instead (routing/arena/namespace-view.ts).
import { ArenaFault, emptyPage, unitBytes, unitWords, type Arena } from "./arena.ts";

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
  /** The text begins with the base of its space. */
  based: 32,
});

/** `meta` of a slot is the length of the text, shifted by this, and the flags; −1 in a free slot. */
export const flagBits = 6;
export const allFlags = (1 << flagBits) - 1;

/** `meta` of a slot that has no flags. */
export function metaOf(text: string): number {
  return text.length << flagBits;
}

/** Words of a slot: either lies in one cache line. */
export const shortSlot = 4;
export const longSlot = unitWords;
export type SlotWords = typeof shortSlot | typeof longSlot;

/** Words of a slot, from its first. Those from `serial` on are of long ones. */
export const slotPlaces = Object.freeze({ hash: 0, meta: 1, unit: 2, number: 3, serial: 4, owner: 5, text: 6 });

/** Bytes of the text that a long slot holds. */
export const slotTextBytes = (longSlot - slotPlaces.text) * 4;

/** How many bytes of a text of this length its long slot leaves out: those that it begins with. */
export function textCut(length: number): number {
  return length <= slotTextBytes ? 0 : length - slotTextBytes;
}

export const pageWords = Object.freeze({ mask: 0, count: 1, serial: 2, slotWords: 3, slots: unitWords });

const pageBits = 8;
export const pageCount = 1 << pageBits;

/** Two words for each page: its unit and its serial. */
export const directoryWords = pageCount * 2;

/** The place of a hash's page in a directory. */
export function directoryPlace(hash: number): number {
  return (hash >>> (32 - pageBits)) * 2;
}

/** Where values of this hash begin: the slots from here on to a free one. */
export function firstSlot(hash: number, mask: number): number {
  return (hash ^ (hash >>> 15)) & mask;
}

/** A record and where it sits. */
export interface IndexEntry {
  readonly hash: number;
  readonly meta: number;
  readonly unit: number;
  readonly number: number;
}

/** Bytes of the page at this unit. */
export function pageBytes({ words }: Arena, unit: number): number {
  const page = unit * unitWords;
  return bytesFor(words[page]! + 1, words[page + pageWords.slotWords]!);
}

/** Throws ArenaFault where the page at this unit is another one than its directory names. */
export function checkPage({ words }: Arena, unit: number, serial: number): void {
  if (unit !== emptyPage && words[unit * unitWords + pageWords.serial] !== serial)
    throw new ArenaFault(`the page at ${unit} is another one`);
}

/** All entries of a page. */
export function entriesOf({ words }: Arena, unit: number): IndexEntry[] {
  const page = unit * unitWords;
  const slotWords = words[page + pageWords.slotWords]!;
  const entries: IndexEntry[] = [];
  for (let slot = 0; slot <= words[page]!; slot++) {
    const at = page + pageWords.slots + slot * slotWords;
    if (words[at + 1]! >= 0)
      entries.push({ hash: words[at]!, meta: words[at + 1]!, unit: words[at + 2]!, number: words[at + 3]! });
  }
  return entries;
}

/** Bytes of a page with this number of slots. */
export function bytesFor(slots: number, slotWords: number): number {
  return unitBytes + slots * slotWords * 4;
}
