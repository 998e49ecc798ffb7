// KnownTexts: records that are found by their text (Upstreams, names of deployments), by number. The text is in the record and nowhere else.
import type { Arena } from "../arena/arena.ts";
import { digestOf, type DigestKey } from "../collections/digest.ts";
import { HashedNumbers } from "../collections/hashed-numbers.ts";
import { IntList } from "../collections/int-list.ts";
import { textOfRecord, verifyRecord } from "../arena/record.ts";

export class KnownTexts {
  readonly #arena: Arena;
  readonly #key: DigestKey;
  readonly #numbers = new HashedNumbers();
  readonly #units = new IntList();
  /** Of those that have no record, by number. */
  readonly #bare = new Map<number, string>();

  constructor(arena: Arena, key: DigestKey) {
    this.#arena = arena;
    this.#key = key;
  }

  /** The number of a byte text; −1: there is none. Throws ArenaFault. */
  find(text: string): number {
    return this.#numbers.find(this.#hashOf(text), (number) => this.#isText(number, text));
  }

  /** The record's unit; 0: it has none. */
  unitOf(number: number): number {
    return this.#units.at(number);
  }

  add(text: string, number: number, unit: number): void {
    this.#numbers.add(this.#hashOf(text), number);
    this.place(text, number, unit);
  }

  /** Its record is at this unit from now on; 0: it has none. */
  place(text: string, number: number, unit: number): void {
    this.#units.set(number, unit);
    if (unit === 0) this.#bare.set(number, text);
    else this.#bare.delete(number);
  }

  remove(text: string, number: number): void {
    this.#numbers.remove(this.#hashOf(text), number);
    this.#units.set(number, 0);
    this.#bare.delete(number);
  }

  /** All texts. Throws ArenaFault. */
  *texts(): Iterable<string> {
    for (let number = 0; number < this.#units.end; number++) {
      const unit = this.#units.at(number);
      if (unit === 0) continue;
      verifyRecord(this.#arena, unit);
      yield textOfRecord(this.#arena, unit);
    }
    yield* this.#bare.values();
  }

  #hashOf(text: string): number {
    return digestOf(text, this.#key).high;
  }

  #isText(number: number, text: string): boolean {
    const unit = this.#units.at(number);
    if (unit === 0) return this.#bare.get(number) === text;
    // A text that is not as it was written is a text that is not found.
    verifyRecord(this.#arena, unit);
    return textOfRecord(this.#arena, unit) === text;
  }
}
