// IndexReader: an index of the newest table, as a reader of an arena has it: which pages it has.
import { ArenaFault, emptyPage, unitWords, type Arena } from "./arena.ts";
import {
  checkPage,
  directoryPlace,
  directoryWords,
  entriesOf,
  firstSlot,
  pageWords,
  type IndexEntry,
  type SlotWords,
} from "./index-page.ts";
import { textOfRecord } from "./record.ts";

export class IndexReader {
  /** For each page, at its place in a directory: first word of its slots, and slots − 1. Of this reader alone, so that whatever becomes of the arena, walking a page ends. */
  readonly pages = new Int32Array(directoryWords);
  readonly #arena: Arena;
  readonly #slotWords: SlotWords;
  /** Unit and serial of each page. */
  readonly #directory = new Int32Array(directoryWords);

  constructor(arena: Arena, slotWords: SlotWords) {
    this.#arena = arena;
    this.#slotWords = slotWords;
    for (let place = 0; place < directoryWords; place += 2) this.#take(place, emptyPage, 0);
  }

  /** Takes the pages of the directory that begins at this word. Throws ArenaFault. */
  adopt(from: number): void {
    const { words } = this.#arena;
    for (let place = 0; place < directoryWords; place += 2) {
      const unit = words[from + place]!;
      const serial = words[from + place + 1]!;
      if (this.#directory[place] === unit && this.#directory[place + 1] === serial) continue;
      this.#take(place, unit, serial);
    }
  }

  /** The record of this text, whose hash is `hash`. */
  find(hash: number, text: string): IndexEntry | null {
    const { words } = this.#arena;
    const place = directoryPlace(hash);
    const slots = this.pages[place]!;
    const mask = this.pages[place + 1]!;
    let slot = firstSlot(hash, mask);
    for (let left = mask; left >= 0; left--, slot = (slot + 1) & mask) {
      const at = slots + slot * this.#slotWords;
      if (words[at + 1]! < 0) return null;
      if (words[at] !== hash) continue;
      const unit = words[at + 2]!;
      if (textOfRecord(this.#arena, unit) === text) return { hash, meta: words[at + 1]!, unit, number: words[at + 3]! };
    }
    throw endless();
  }

  /** All records of this hash. */
  *under(hash: number): Iterable<IndexEntry> {
    const { words } = this.#arena;
    const place = directoryPlace(hash);
    const slots = this.pages[place]!;
    const mask = this.pages[place + 1]!;
    let slot = firstSlot(hash, mask);
    for (let left = mask; left >= 0; left--, slot = (slot + 1) & mask) {
      const at = slots + slot * this.#slotWords;
      if (words[at + 1]! < 0) return;
      if (words[at] === hash) yield { hash, meta: words[at + 1]!, unit: words[at + 2]!, number: words[at + 3]! };
    }
    throw endless();
  }

  *entries(): Iterable<IndexEntry> {
    for (let place = 0; place < directoryWords; place += 2) {
      const unit = this.#directory[place]!;
      if (unit === emptyPage) continue;
      yield* entriesOf(this.#arena, unit);
    }
  }

  #take(place: number, unit: number, serial: number): void {
    checkPage(this.#arena, unit, serial);
    this.#directory[place] = unit;
    this.#directory[place + 1] = serial;
    this.pages[place] = unit * unitWords + pageWords.slots;
    this.pages[place + 1] = unit === emptyPage ? 0 : this.#arena.words[unit * unitWords]!;
  }
}

/** The fault of a walk over all slots of a page. */
export function endless(): ArenaFault {
  return new ArenaFault("a page has no free slot");
}
