// IndexEdit: a change of an index, page by page, beside the pages before. Most changes put one record in the place of another that has its hash: such a
// page is a copy with other slots. Where records leave, or a page gets too full or too empty, its slots are filled anew.
import { ArenaFault, emptyPage, unitWords, type Arena } from "../arena/arena.ts";
import type { Blocks } from "../arena/blocks.ts";
import { firstPlace } from "../text/bisect.ts";
import {
  bytesFor,
  checkPage,
  directoryPlace,
  firstSlot,
  longSlot,
  pageBytes,
  pageWords,
  slotPlaces,
  slotTextBytes,
  type IndexEntry,
  type SlotWords,
} from "../arena/index-page.ts";
import { recordWords, textOffset } from "../arena/record.ts";

/** What changes in one page. */
interface PageChange {
  /** Units of records that go, and what comes in the place of each; null: nothing. */
  readonly gone: Map<number, IndexEntry | null>;
  /** By unit. */
  readonly come: Map<number, IndexEntry>;
}

/** A change of an index in progress. */
export class IndexEdit {
  readonly #arena: Arena;
  readonly #blocks: Blocks;
  readonly #slotWords: SlotWords;
  readonly #compare: (a: number, b: number) => number;
  readonly #changes = new Map<number, PageChange>();
  /** Of records that came in the place of one which is in the index: the unit of that one, so that they can be replaced once more. */
  readonly #inPlaceOf = new Map<number, number>();

  /** `compare` orders records of one hash, by their units. */
  constructor(arena: Arena, blocks: Blocks, slotWords: SlotWords, compare: (a: number, b: number) => number) {
    this.#arena = arena;
    this.#blocks = blocks;
    this.#slotWords = slotWords;
    this.#compare = compare;
  }

  add(entry: IndexEntry): void {
    this.#changeOf(entry.hash).come.set(entry.unit, entry);
  }

  /** Takes away a record that is in the index that the edit will be written over, or has come by it. */
  remove(hash: number, unit: number): void {
    const { come, gone } = this.#changeOf(hash);
    if (!come.delete(unit)) gone.set(this.#inPlaceOf.get(unit) ?? unit, null);
  }

  /** Puts a record in the place of one that is in the index, or has come by this edit, and has its hash and its order. */
  replace(unit: number, entry: IndexEntry): void {
    const { come, gone } = this.#changeOf(entry.hash);
    if (come.delete(unit)) {
      come.set(entry.unit, entry);
      return;
    }
    const first = this.#inPlaceOf.get(unit) ?? unit;
    gone.set(first, entry);
    this.#inPlaceOf.set(entry.unit, first);
  }

  /** Writes the pages that change and their places in `directory`, and leaves the old ones. Throws ArenaFull. */
  write(directory: Int32Array, serialFor: () => number): void {
    for (const [place, change] of this.#changes) {
      const before = directory[place]!;
      const serial = serialFor();
      checkPage(this.#arena, before, directory[place + 1]!);
      const after = this.#written(before, change, serial);
      if (before !== emptyPage) this.#blocks.leave(before, pageBytes(this.#arena, before));
      directory[place] = after;
      directory[place + 1] = after === emptyPage ? 0 : serial;
    }
  }

  #changeOf(hash: number): PageChange {
    const place = directoryPlace(hash);
    let change = this.#changes.get(place);
    if (change === undefined) this.#changes.set(place, (change = { gone: new Map(), come: new Map() }));
    return change;
  }

  #written(before: number, change: PageChange, serial: number): number {
    const { words } = this.#arena;
    const page = before * unitWords;
    let count = words[page + pageWords.count]! + change.come.size;
    for (const entry of change.gone.values()) if (entry === null) count -= 1;
    if (count === 0) return emptyPage;
    let slots = 2;
    while (slots * 3 < count * 4) slots *= 2;
    const onlyReplaced = change.come.size === 0 && count === words[page + pageWords.count];
    return onlyReplaced ? this.#copied(before, change, serial) : this.#filled(before, change, serial, slots, count);
  }

  /** Slots of records that are replaced are all that differs. */
  #copied(before: number, { gone }: PageChange, serial: number): number {
    const { words } = this.#arena;
    const from = before * unitWords;
    const mask = words[from]!;
    const bytes = bytesFor(mask + 1, this.#slotWords);
    const unit = this.#blocks.take(bytes);
    const page = unit * unitWords;
    words.copyWithin(page, from, from + bytes / 4);
    words[page + pageWords.serial] = serial;
    for (const [old, entry] of gone) {
      const at = this.#slotOf(page, entry!.hash, old);
      fillSlot(this.#arena, at, this.#slotWords, entry!);
    }
    return unit;
  }

  /** First word of the slot that names this record. */
  #slotOf(page: number, hash: number, unit: number): number {
    const { words } = this.#arena;
    const mask = words[page]!;
    let slot = firstSlot(hash, mask);
    for (let left = mask; left >= 0; left--, slot = (slot + 1) & mask) {
      const at = page + pageWords.slots + slot * this.#slotWords;
      if (words[at + slotPlaces.unit] === unit) return at;
    }
    throw new ArenaFault(`the record at ${unit} is not in its page`);
  }

  #filled(before: number, { gone, come }: PageChange, serial: number, slots: number, count: number): number {
    const { words } = this.#arena;
    const slotWords = this.#slotWords;
    const from = before * unitWords;
    const bytes = bytesFor(slots, slotWords);
    const unit = this.#blocks.take(bytes);
    const page = unit * unitWords;
    words.fill(0, page, page + bytes / 4);
    words[page + pageWords.mask] = slots - 1;
    words[page + pageWords.count] = count;
    words[page + pageWords.serial] = serial;
    words[page + pageWords.slotWords] = slotWords;
    for (let slot = 0; slot < slots; slot++) words[page + pageWords.slots + slot * slotWords + 1] = -1;
    const fill = new PageFill(this.#arena, page, slotWords, this.#compare);
    // From a free slot on, so that records of one hash are met in their order also where they run over the end of the page.
    const mask = words[from]!;
    let free = 0;
    while (words[from + pageWords.slots + free * slotWords + 1]! >= 0) free++;
    for (let step = 1; step <= mask + 1; step++) {
      const at = from + pageWords.slots + ((free + step) & mask) * slotWords;
      if (words[at + 1]! < 0) continue;
      const other = gone.size === 0 ? undefined : gone.get(words[at + 2]!);
      if (other === undefined) copySlot(words, fill.behind(words[at]!), at, slotWords);
      else if (other !== null) fillSlot(this.#arena, fill.behind(other.hash), slotWords, other);
    }
    const coming = [...come.values()];
    if (coming.length > 1) coming.sort((a, b) => a.hash - b.hash || this.#compare(a.unit, b.unit));
    for (const one of coming) fillSlot(this.#arena, fill.among(one.hash, one.unit), slotWords, one);
    return unit;
  }
}

/** Writes a slot: what the record says that a look-up asks for too, where it is a long one. */
function fillSlot(
  { words, bytes }: Arena,
  at: number,
  slotWords: SlotWords,
  { hash, meta, unit, number }: IndexEntry,
): void {
  words[at + slotPlaces.hash] = hash;
  words[at + slotPlaces.meta] = meta;
  words[at + slotPlaces.unit] = unit;
  words[at + slotPlaces.number] = number;
  if (slotWords !== longSlot) return;
  const record = unit * unitWords;
  words[at + slotPlaces.serial] = words[record + recordWords.serial]!;
  words[at + slotPlaces.owner] = words[record + recordWords.owner]!;
  words.fill(0, at + slotPlaces.text, at + longSlot);
  const end = record * 4 + textOffset + words[record + recordWords.textBytes]!;
  const start = Math.max(record * 4 + textOffset, end - slotTextBytes);
  bytes.copyWithin((at + slotPlaces.text) * 4, start, end);
}

function copySlot(words: Int32Array, to: number, from: number, slotWords: SlotWords): void {
  for (let word = 0; word < slotWords; word++) words[to + word] = words[from + word]!;
}

/** Records of one hash that are walked over before `PageFill` remembers where the last of them sits. Most hashes have one or two. */
const longRun = 8;

/**
 * Records being put into the slots of a page. Hashes are no secret, so thousands of records may have one (so has one path with thousands of header
 * conditions). To compare two reads their Mappings, so what was in order before is not compared again, and what comes is looked for by halves.
 */
class PageFill {
  readonly #words: Int32Array;
  readonly #page: number;
  readonly #slotWords: SlotWords;
  readonly #mask: number;
  readonly #compare: (a: number, b: number) => number;
  /** Slot of the last record of a hash that many share. */
  readonly #lastOf = new Map<number, number>();

  constructor({ words }: Arena, page: number, slotWords: SlotWords, compare: (a: number, b: number) => number) {
    this.#words = words;
    this.#page = page + pageWords.slots;
    this.#slotWords = slotWords;
    this.#mask = words[page + pageWords.mask]!;
    this.#compare = compare;
  }

  /** The first word of a slot for a record of this hash, behind all that have it, which come before it. Must be written before the next is asked for. */
  behind(hash: number): number {
    const words = this.#words;
    let passed = 0;
    let slot = firstSlot(hash, this.#mask);
    for (; words[this.#at(slot) + 1]! >= 0; slot = (slot + 1) & this.#mask) {
      if (words[this.#at(slot)] !== hash) continue;
      passed += 1;
      if (passed === longRun) slot = this.#lastOf.get(hash) ?? slot;
    }
    if (passed >= longRun) this.#lastOf.set(hash, slot);
    return this.#at(slot);
  }

  /** As `behind`, in the order of the record at `unit` among those of its hash. */
  among(hash: number, unit: number): number {
    const words = this.#words;
    const last = this.#lastOf.get(hash);
    if (last !== undefined && this.#compare(unit, words[this.#at(last) + 2]!) >= 0) return this.behind(hash);
    const run: number[] = [];
    let free = firstSlot(hash, this.#mask);
    for (; words[this.#at(free) + 1]! >= 0; free = (free + 1) & this.#mask)
      if (words[this.#at(free)] === hash) run.push(free);
    const least = firstPlace(run.length, (place) => this.#compare(unit, words[this.#at(run[place]!) + 2]!) < 0);
    // Those behind it move on by one.
    run.push(free);
    for (let place = run.length - 1; place > least; place--)
      copySlot(words, this.#at(run[place]!), this.#at(run[place - 1]!), this.#slotWords);
    if (run.length > longRun) this.#lastOf.set(hash, free);
    return this.#at(run[least]!);
  }

  #at(slot: number): number {
    return this.#page + slot * this.#slotWords;
  }
}
