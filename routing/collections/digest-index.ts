// DigestIndex: numbers by text, without the texts: 64 bits of each, with a secret key, so that a tenant cannot make two texts meet. At
// 10,000 SDs there are 60,000 ids of Mappings alone, and a Map of them with its texts takes six times as much memory.
import { digestOf, type DigestKey } from "./digest.ts";

/** Cells of an entry: two lanes of its digest, and its number plus one; 0 is nothing. */
const cellsEach = 3;
const fewest = 16;
/** The largest share of places that is taken, and the smallest but where there are few. */
const fullest = 0.85;
const emptiest = 0.4;
/** How many times as many places there are when it has grown. */
const growth = 1.4;

export class DigestIndex {
  readonly #key: DigestKey;
  #places = fewest;
  #cells = new Int32Array(fewest * cellsEach);
  #size = 0;
  // The text that was digested last, and its digest: who asks for a text often sets it next.
  #text = "";
  #high = 0;
  #low = 0;

  /** `key`: drawn for this index, or for what nobody else learns of. */
  constructor(key: DigestKey) {
    this.#key = key;
    ({ high: this.#high, low: this.#low } = digestOf("", key));
  }

  get size(): number {
    return this.#size;
  }

  /** The number of a text; −1: it has none. */
  get(text: string): number {
    this.#digest(text);
    return this.#cells[this.#find(this.#high, this.#low) + 2]! - 1;
  }

  /** `number`: 0 to 2³¹ − 2. */
  set(text: string, number: number): void {
    this.#digest(text);
    const [high, low] = [this.#high, this.#low];
    let at = this.#find(high, low);
    if (this.#cells[at + 2] === 0) {
      this.#size += 1;
      if (this.#size > this.#places * fullest) {
        this.#resize(Math.ceil(this.#places * growth));
        at = this.#find(high, low);
      }
    }
    this.#put(at, high, low, number + 1);
  }

  /** false: it has none. */
  delete(text: string): boolean {
    this.#digest(text);
    const at = this.#find(this.#high, this.#low);
    if (this.#cells[at + 2] === 0) return false;
    this.#size -= 1;
    this.#close(at);
    if (this.#places > fewest && this.#size < this.#places * emptiest)
      this.#resize(Math.max(fewest, Math.ceil((this.#size / fullest) * growth)));
    return true;
  }

  #digest(text: string): void {
    if (text === this.#text) return;
    const { high, low } = digestOf(text, this.#key);
    this.#text = text;
    this.#high = high;
    this.#low = low;
  }

  /** The cells of a digest, or those that it would have. */
  #find(high: number, low: number): number {
    const cells = this.#cells;
    let at = this.#homeOf(high);
    while (cells[at + 2] !== 0 && (cells[at] !== high || cells[at + 1] !== low)) at = this.#after(at);
    return at;
  }

  #homeOf(high: number): number {
    return Math.floor(((high >>> 0) * this.#places) / 2 ** 32) * cellsEach;
  }

  #after(at: number): number {
    const next = at + cellsEach;
    return next === this.#cells.length ? 0 : next;
  }

  #put(at: number, high: number, low: number, plusOne: number): void {
    this.#cells[at] = high;
    this.#cells[at + 1] = low;
    this.#cells[at + 2] = plusOne;
  }

  /** Empties a place, and moves up what was put behind it because it was taken. */
  #close(at: number): void {
    const cells = this.#cells;
    let free = at;
    for (let next = this.#after(at); cells[next + 2] !== 0; next = this.#after(next)) {
      const home = this.#homeOf(cells[next]!);
      const isBetween = free < next ? home > free && home <= next : home > free || home <= next;
      if (isBetween) continue;
      this.#put(free, cells[next]!, cells[next + 1]!, cells[next + 2]!);
      free = next;
    }
    this.#put(free, 0, 0, 0);
  }

  #resize(places: number): void {
    const before = this.#cells;
    this.#places = places;
    this.#cells = new Int32Array(places * cellsEach);
    for (let at = 0; at < before.length; at += cellsEach)
      if (before[at + 2] !== 0)
        this.#put(this.#find(before[at]!, before[at + 1]!), before[at]!, before[at + 1]!, before[at + 2]!);
  }
}
