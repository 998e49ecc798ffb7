// Index pages: where lookup finds what has a key (Routes by their path or their deployment's name, namespaces by their base, Upstreams and
// names by their text). At 10,000 deployments a decision costs what its cache misses cost (load/bench/decide.ts), so a hit reads three places:
// the slot, the first line of the record, and what this worker made of it.
//
// Open addressing in blocks of an arena: an index has 64 pages by the first bits of the hash. A change writes its pages beside the old ones
// (some 500 slots each at 20,000 Routes: microseconds).
//
//   page   word 0  slots − 1     slot  word 0  hash
//               1  slots in use              1  bytes of the key and flags; −1: the slot is free
//               2  serial                    2  unit of the record
//               3  checksum                  3  number of the record
//          from 16  slots
import { ArenaFault, checksumOf, checksumSeed, emptyPage, mostArenaBytes, unitBytes, unitWords } from './arena.ts';
import type { Arena } from './arena.ts';
import type { Blocks } from './blocks.ts';

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

/** `meta` of a slot that has no flags. */
export function metaOf(text: string): number {
  return text.length << flagBits;
}

/** Words of a slot. 16 bytes, so a slot lies in one cache line. */
export const slotWords = 4;
export const pageWords = Object.freeze({ mask: 0, count: 1, serial: 2, checksum: 3, slots: unitWords });

const pageBits = 6;
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
  return bytesFor(words[unit * unitWords]! + 1);
}

/** Throws ArenaFault where the page is not as it was written. */
export function verifyPage({ words }: Arena, unit: number, serial: number): void {
  if (unit === emptyPage) return;
  const at = unit * unitWords;
  const mask = words[at]!;
  if (mask < 1 || (mask & (mask + 1)) !== 0 || mask > mostArenaBytes / 16 || at + unitWords + (mask + 1) * slotWords > words.length) throw new ArenaFault(`the page at ${unit} has no end`);
  if (words[at + pageWords.serial] !== serial || words[at + pageWords.checksum] !== pageChecksum(words, at)) throw new ArenaFault(`the page at ${unit} is not as it was written`);
}

/** All entries of a page, which is verified. */
export function entriesOf({ words }: Arena, unit: number): IndexEntry[] {
  const page = unit * unitWords;
  const entries: IndexEntry[] = [];
  for (let slot = 0; slot <= words[page]!; slot++) {
    const at = page + pageWords.slots + slot * slotWords;
    if (words[at + 1]! >= 0) entries.push({ hash: words[at]!, meta: words[at + 1]!, unit: words[at + 2]!, number: words[at + 3]! });
  }
  return entries;
}

function bytesFor(slots: number): number {
  return unitBytes + slots * slotWords * 4;
}

function pageChecksum(words: Int32Array, at: number): number {
  return checksumOf(words, at + unitWords, (words[at]! + 1) * slotWords, checksumOf(words, at, pageWords.checksum, checksumSeed));
}

/** What changes in one page. */
interface PageChange {
  /** Units of records. */
  readonly leave: Set<number>;
  readonly come: IndexEntry[];
}

/** A change of an index in progress. */
export class IndexEdit {
  readonly #arena: Arena;
  readonly #blocks: Blocks;
  readonly #compare: (a: number, b: number) => number;
  readonly #changes = new Map<number, PageChange>();

  /** `compare` orders records of one hash, by their units. */
  constructor(arena: Arena, blocks: Blocks, compare: (a: number, b: number) => number) {
    this.#arena = arena;
    this.#blocks = blocks;
    this.#compare = compare;
  }

  add(entry: IndexEntry): void {
    this.#changeOf(entry.hash).come.push(entry);
  }

  /** Takes away a record that is in the index that the edit will be written over. */
  remove(hash: number, unit: number): void {
    this.#changeOf(hash).leave.add(unit);
  }

  /** Writes the pages that change and their places in `directory`, and leaves the old ones. Throws ArenaFull. */
  write(directory: Int32Array, serialFor: () => number): void {
    for (const [place, change] of this.#changes) {
      const before = directory[place]!;
      const serial = serialFor();
      verifyPage(this.#arena, before, directory[place + 1]!);
      const after = this.#rewritten(before, change, serial);
      if (before !== emptyPage) this.#blocks.leave(before, pageBytes(this.#arena, before));
      directory[place] = after;
      directory[place + 1] = after === emptyPage ? 0 : serial;
    }
  }

  #changeOf(hash: number): PageChange {
    const place = directoryPlace(hash);
    let change = this.#changes.get(place);
    if (change === undefined) this.#changes.set(place, (change = { leave: new Set(), come: [] }));
    return change;
  }

  #rewritten(before: number, { leave, come }: PageChange, serial: number): number {
    const { words } = this.#arena;
    const from = before * unitWords;
    const count = words[from + pageWords.count]! - leave.size + come.length;
    if (count === 0) return emptyPage;
    let capacity = 2;
    while (capacity * 3 < count * 4) capacity *= 2;
    const unit = this.#blocks.take(bytesFor(capacity));
    const page = unit * unitWords;
    words.fill(0, page, page + pageWords.slots);
    words[page + pageWords.mask] = capacity - 1;
    words[page + pageWords.count] = count;
    words[page + pageWords.serial] = serial;
    for (let slot = 0; slot < capacity; slot++) {
      const at = page + pageWords.slots + slot * slotWords;
      words[at] = 0;
      words[at + 1] = -1;
      words[at + 2] = 0;
      words[at + 3] = 0;
    }
    const fill = new PageFill(words, page, this.#compare);
    // From a free slot on, so that records of one hash are met in their order also where they run over the end of the page.
    const mask = words[from]!;
    let free = 0;
    while (words[from + pageWords.slots + free * slotWords + 1]! >= 0) free++;
    for (let step = 1; step <= mask + 1; step++) {
      const at = from + pageWords.slots + ((free + step) & mask) * slotWords;
      if (words[at + 1]! < 0 || leave.has(words[at + 2]!)) continue;
      fill.put(words[at]!, words[at + 1]!, words[at + 2]!, words[at + 3]!);
    }
    if (come.length > 1) come.sort((a, b) => a.hash - b.hash || this.#compare(a.unit, b.unit));
    for (const one of come) fill.put(one.hash, one.meta, one.unit, one.number);
    words[page + pageWords.checksum] = pageChecksum(words, page);
    return unit;
  }
}

/** Records of one hash that are walked over before `PageFill` remembers where the last of them sits. Most hashes have one or two. */
const longRun = 8;

/** Records being put into the slots of a page. */
class PageFill {
  readonly #words: Int32Array;
  readonly #page: number;
  readonly #mask: number;
  readonly #compare: (a: number, b: number) => number;
  /** Slot of the last record of a hash that many share (one path with thousands of header conditions), so that the next need not walk over all of them. */
  readonly #lastOf = new Map<number, number>();

  constructor(words: Int32Array, page: number, compare: (a: number, b: number) => number) {
    this.#words = words;
    this.#page = page + pageWords.slots;
    this.#mask = words[page + pageWords.mask]!;
    this.#compare = compare;
  }

  /** Takes the first free slot, or that of a later record of the same hash, which then moves on. */
  put(hash: number, meta: number, unit: number, number: number): void {
    const words = this.#words;
    let passed = 0;
    for (let slot = firstSlot(hash, this.#mask); ; slot = (slot + 1) & this.#mask) {
      const at = this.#page + slot * slotWords;
      const isFree = words[at + 1]! < 0;
      if (!isFree) {
        if (words[at] !== hash) continue;
        if (this.#compare(unit, words[at + 2]!) >= 0) {
          passed += 1;
          if (passed === longRun) slot = this.#leap(hash, slot, unit);
          continue;
        }
      }
      const [otherMeta, otherUnit, otherNumber] = [words[at + 1]!, words[at + 2]!, words[at + 3]!];
      words[at] = hash;
      words[at + 1] = meta;
      words[at + 2] = unit;
      words[at + 3] = number;
      if (isFree) {
        if (passed >= longRun) this.#lastOf.set(hash, slot);
        return;
      }
      meta = otherMeta;
      unit = otherUnit;
      number = otherNumber;
    }
  }

  /** The slot of the last record of the hash where `unit` comes after it, else `slot`. */
  #leap(hash: number, slot: number, unit: number): number {
    const last = this.#lastOf.get(hash);
    return last !== undefined && this.#compare(unit, this.#words[this.#page + last * slotWords + 2]!) >= 0 ? last : slot;
  }
}
