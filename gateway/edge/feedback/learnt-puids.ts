// LearntPuids: whose rewards have moved traffic already. One worker's memory, in two generations: the last `maxPuids` are known for sure, and at most twice as many are kept.
import { codeStartDigit } from "./puid.ts";

/** Of one generation. */
export const maxPuids = 32_768;
/** Digits of the code of a puid that a double holds. Nobody makes codes without the key, so nobody makes two that are alike. */
const heldDigits = 13;

export class LearntPuids {
  #young = new Set<number>();
  #old = new Set<number>();

  /** False: it is known. */
  add(puid: string): boolean {
    const code = codeOf(puid);
    if (this.#young.has(code) || this.#old.has(code)) return false;
    if (this.#young.size === maxPuids) [this.#old, this.#young] = [this.#young, new Set()];
    this.#young.add(code);
    return true;
  }
}

function codeOf(puid: string): number {
  return Number.parseInt(puid.slice(codeStartDigit, codeStartDigit + heldDigits), 16);
}
