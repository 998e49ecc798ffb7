// HashedNumbers: finds numbers by the hash of the texts that they stand for, and keeps no text: at 10,000 deployments there are 60,000 ids of Mappings
// and 30,000 keys of Routes, which stand in records anyway. Equal hashes prove nothing, so whoever looks compares.
//
// Open addressing: pairs of hash and number. Hashes that others can foresee make long runs (routing/collections/digest.ts:DigestKey).
import { intCells } from "./int-cells.ts";

const none = -1;
const leastSlots = 64;

export class HashedNumbers {
  #slots = emptySlots(leastSlots);
  #mask = leastSlots - 1;
  #count = 0;

  /** The number of this hash that `isIt` says yes to; −1: there is none. */
  find(hash: number, isIt: (number: number) => boolean): number {
    const slots = this.#slots;
    const mask = this.#mask;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const number = slots[slot * 2 + 1]!;
      if (number === none || (slots[slot * 2] === hash && isIt(number))) return number;
    }
  }

  /** `number`: 0 or more. */
  add(hash: number, number: number): void {
    this.#count += 1;
    if (this.#count * 4 > (this.#mask + 1) * 3) this.#resize((this.#mask + 1) * 2);
    this.#put(hash, number);
  }

  /** Takes away one that is there. */
  remove(hash: number, number: number): void {
    const slots = this.#slots;
    const mask = this.#mask;
    let hole = hash & mask;
    while (slots[hole * 2] !== hash || slots[hole * 2 + 1] !== number) {
      if (slots[hole * 2 + 1] === none) throw new Error(`number ${number} is not in the index`);
      hole = (hole + 1) & mask;
    }
    // What was pushed on by it moves back.
    for (let next = (hole + 1) & mask; slots[next * 2 + 1] !== none; next = (next + 1) & mask) {
      if (((next - slots[next * 2]!) & mask) < ((next - hole) & mask)) continue;
      slots[hole * 2] = slots[next * 2]!;
      slots[hole * 2 + 1] = slots[next * 2 + 1]!;
      hole = next;
    }
    slots[hole * 2 + 1] = none;
    this.#count -= 1;
    if (mask >= leastSlots && this.#count * 8 < mask) this.#resize((mask + 1) / 2);
  }

  #put(hash: number, number: number): void {
    const slots = this.#slots;
    let slot = hash & this.#mask;
    while (slots[slot * 2 + 1] !== none) slot = (slot + 1) & this.#mask;
    slots[slot * 2] = hash;
    slots[slot * 2 + 1] = number;
  }

  #resize(count: number): void {
    const before = this.#slots;
    this.#slots = emptySlots(count);
    this.#mask = count - 1;
    for (let at = 0; at < before.length; at += 2) if (before[at + 1] !== none) this.#put(before[at]!, before[at + 1]!);
  }
}

function emptySlots(count: number): Int32Array {
  return intCells(count * 2).fill(none);
}
