// Index pages: where lookup finds what has a key (Routes by their path or their deployment's name, namespaces by their base, Upstreams and
// names by their text). At 10,000 deployments a decision costs what its cache misses cost (load/bench/decide.ts), so a request reads one line of
// an index and no record: a long slot holds what a look-up asks of the record, which is serial, owner and the end of the text.
//
// Open addressing in blocks of an arena: an index has 256 pages by the first bits of the hash. A change writes its pages beside the old ones
// (routing/write/index-edit.ts; some 120 Routes each at 10,000 deployments), and every reader verifies them. With more pages a root is longer, which is written and verified whole.
//
//   page   word 0  slots − 1     slot  word 0  hash
//               1  slots in use              1  bytes of the key and flags; −1: the slot is free
//               2  serial                    2  unit of the record
//               3  checksum                  3  number of the record
//               4  words of a slot     long: 4  serial of the record
//          from 16  slots                    5  owner of the record
//                                    from 6  the last 40 bytes of the text, or all of it
//
// In slots of namespaces word 1 holds what a look-up asks of their Routes instead (routing/arena/namespace-view.ts).
import {
  ArenaFault,
  checksumOf,
  checksumSeed,
  emptyPage,
  mostArenaBytes,
  unitBytes,
  unitWords,
  type Arena,
} from "./arena.ts";

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

export const pageWords = Object.freeze({ mask: 0, count: 1, serial: 2, checksum: 3, slotWords: 4, slots: unitWords });

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

/** Throws ArenaFault where the page is not as it was written, or its slots are not of this length. */
export function verifyPage({ words }: Arena, unit: number, serial: number, slotWords: SlotWords): void {
  if (unit === emptyPage) return;
  const at = unit * unitWords;
  const mask = words[at]!;
  if (words[at + pageWords.slotWords] !== slotWords) throw new ArenaFault(`the page at ${unit} is of another index`);
  if (
    mask < 1 ||
    (mask & (mask + 1)) !== 0 ||
    mask > mostArenaBytes / 16 ||
    at + unitWords + (mask + 1) * slotWords > words.length
  )
    throw new ArenaFault(`the page at ${unit} has no end`);
  if (words[at + pageWords.serial] !== serial || words[at + pageWords.checksum] !== pageChecksum(words, at, slotWords))
    throw new ArenaFault(`the page at ${unit} is not as it was written`);
}

/** All entries of a page, which is verified. */
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

/** Bytes of a page of so many slots. */
export function bytesFor(slots: number, slotWords: number): number {
  return unitBytes + slots * slotWords * 4;
}

/** What a slot counts in the checksum of its page. Of a free one, what follows its first four words is never read. */
export function slotSum(words: Int32Array, at: number, slot: number, slotWords: SlotWords): number {
  let sum = Math.imul(slot, 0x9e3779b1) ^ words[at]!;
  sum = Math.imul(sum ^ (sum >>> 15), 0x85ebca6b) ^ words[at + 1]!;
  sum = Math.imul(sum ^ (sum >>> 13), 0xc2b2ae35) ^ words[at + 2]!;
  sum = Math.imul(sum ^ (sum >>> 16), 0x9e3779b1) ^ words[at + 3]!;
  if (slotWords === longSlot && words[at + 1]! >= 0) sum ^= restSum(words, at);
  sum = Math.imul(sum ^ (sum >>> 15), 0x85ebca6b);
  return sum ^ (sum >>> 13);
}

/** Of a long slot, what follows its first four words: without a chain of multiplications, as it is three quarters of what a change has readers verify. */
function restSum(words: Int32Array, at: number): number {
  const a =
    Math.imul(words[at + 4]!, 0x9e3779b1) +
    Math.imul(words[at + 5]!, 0x85ebca6b) +
    Math.imul(words[at + 6]!, 0xc2b2ae35);
  const b =
    Math.imul(words[at + 7]!, 0x27d4eb2f) +
    Math.imul(words[at + 8]!, 0x165667b1) +
    Math.imul(words[at + 9]!, 0xd3a2646d);
  const c =
    Math.imul(words[at + 10]!, 0xfd7046c5) +
    Math.imul(words[at + 11]!, 0xb55a4f09) +
    Math.imul(words[at + 12]!, 0x8cb92ba7);
  const d =
    Math.imul(words[at + 13]!, 0xe817fb2d) +
    Math.imul(words[at + 14]!, 0xad52e8a3) +
    Math.imul(words[at + 15]!, 0x5bd1e995);
  return ((a + b) | 0) ^ Math.imul((c + d) | 0, 0x94d049bb);
}

/** What the head of a page counts in its checksum. */
export function headSum(words: Int32Array, page: number): number {
  return checksumOf(words, page, pageWords.checksum, checksumSeed) ^ words[page + pageWords.slotWords]!;
}

/** A sum, so that whoever changes a few slots of a copy knows it without reading the others. */
export function pageChecksum(words: Int32Array, page: number, slotWords: SlotWords): number {
  const slots = page + pageWords.slots;
  let sum = headSum(words, page);
  for (let slot = 0; slot <= words[page]!; slot++)
    sum = (sum + slotSum(words, slots + slot * slotWords, slot, slotWords)) | 0;
  return sum;
}
