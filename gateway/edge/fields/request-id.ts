// Request ids: UUIDs of version 4, written as bytes. Not secret, so a seeded generator (xoshiro128**, Blackman and Vigna) will do.
import { randomFillSync } from "node:crypto";

export const requestIdBytes = 36;

const hexDigits = Buffer.from("0123456789abcdef");

/** Where the pairs of digits stand in a UUID. */
const pairAt = Uint8Array.of(0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34);

export class RequestIds {
  readonly #state = randomFillSync(new Int32Array(4));
  readonly #drawn = Buffer.allocUnsafe(requestIdBytes);

  /** A new id as text. */
  draw(): string {
    this.write(this.#drawn);
    return this.#drawn.toString("latin1");
  }

  /** Writes a new id to `into[0..36)`. */
  write(into: Uint8Array): void {
    let word = 0;
    for (let pair = 0; pair < 16; pair++) {
      if ((pair & 3) === 0) word = this.#next();
      const at = pairAt[pair]!;
      into[at] = hexDigits[(word >>> 4) & 15]!;
      into[at + 1] = hexDigits[word & 15]!;
      word >>>= 8;
    }
    into[8] = into[13] = into[18] = into[23] = 0x2d;
    into[14] = 0x34;
    // The variant: one of 8, 9, a, b.
    into[19] = hexDigits[8 | (into[19]! & 3)]!;
  }

  #next(): number {
    const state = this.#state;
    const multiplied = Math.imul(state[1]!, 5);
    const result = Math.imul((multiplied << 7) | (multiplied >>> 25), 9);
    const shifted = state[1]! << 9;
    state[2]! ^= state[0]!;
    state[3]! ^= state[1]!;
    state[1]! ^= state[2]!;
    state[0]! ^= state[3]!;
    state[2]! ^= shifted;
    state[3] = (state[3]! << 11) | (state[3]! >>> 21);
    return result;
  }
}
