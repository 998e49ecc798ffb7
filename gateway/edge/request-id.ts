// Request ids: UUIDs of version 4, written as bytes. Not secret, so a seeded generator (xoshiro128**, Blackman and Vigna) will do.
import { randomFillSync } from 'node:crypto';

export const requestIdBytes = 36;

const hexDigits = Buffer.from('0123456789abcdef');

export class RequestIds {
  readonly #state = randomFillSync(new Int32Array(4));

  /** Writes a new id to `into[at..at + 36)`. */
  write(into: Uint8Array, at: number): void {
    let word = 0;
    for (let nibble = 0, i = 0; i < requestIdBytes; i++) {
      if (i === 8 || i === 13 || i === 18 || i === 23) {
        into[at + i] = 0x2d;
        continue;
      }
      if ((nibble++ & 7) === 0) word = this.#next();
      let value = word & 15;
      word >>>= 4;
      if (i === 14) value = 4;
      else if (i === 19) value = 8 | (value & 3);
      into[at + i] = hexDigits[value]!;
    }
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
