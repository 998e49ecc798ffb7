// SipHash-2-4 with 64 bits of result (Aumasson, Bernstein): a code that nobody makes without its key of 128 bits. In halves of 32 bits, which is ten times as fast as
// node:crypto for a few bytes.

/** A key, as four words in one object: of thousands of keys each is in one place of memory. */
export class SipKey {
  readonly word0: number;
  readonly word1: number;
  readonly word2: number;
  readonly word3: number;

  /** `key`: 16 bytes. */
  constructor(key: Uint8Array) {
    this.word0 = wordAt(key, 0);
    this.word1 = wordAt(key, 4);
    this.word2 = wordAt(key, 8);
    this.word3 = wordAt(key, 12);
  }
}

/** The last hash, two signed halves. */
export const sipHashed = { high: 0, low: 0 };

/** Puts the hash of `bytes[from..to)` into `sipHashed`. */
export function sipHash(key: SipKey, bytes: Uint8Array, from: number, to: number): void {
  const { word0, word1, word2, word3 } = key;
  let v0h = word1 ^ 0x736f6d65;
  let v0l = word0 ^ 0x70736575;
  let v1h = word3 ^ 0x646f7261;
  let v1l = word2 ^ 0x6e646f6d;
  let v2h = word1 ^ 0x6c796765;
  let v2l = word0 ^ 0x6e657261;
  let v3h = word3 ^ 0x74656462;
  let v3l = word2 ^ 0x79746573;
  const blockRounds = (((to - from) >> 3) + 1) * 2;
  let high = 0;
  let low = 0;
  for (let round = 0; round < blockRounds + 4; round++) {
    if (round < blockRounds) {
      // Two rounds a block.
      if ((round & 1) === 0) {
        v0h ^= high;
        v0l ^= low;
        const at = from + round * 4;
        if (round < blockRounds - 2) {
          low = wordAt(bytes, at);
          high = wordAt(bytes, at + 4);
        } else {
          low = restAt(bytes, at, to);
          high = restAt(bytes, at + 4, to) | ((to - from) << 24);
        }
        v3h ^= high;
        v3l ^= low;
      }
    } else if (round === blockRounds) {
      v0h ^= high;
      v0l ^= low;
      v2l ^= 0xff;
    }
    v0l = (v0l + v1l) | 0;
    v0h = (v0h + v1h + (v0l >>> 0 < v1l >>> 0 ? 1 : 0)) | 0;
    let turned = (v1h << 13) | (v1l >>> 19);
    v1l = ((v1l << 13) | (v1h >>> 19)) ^ v0l;
    v1h = turned ^ v0h;
    turned = v0h;
    v0h = v0l;
    v0l = turned;
    v2l = (v2l + v3l) | 0;
    v2h = (v2h + v3h + (v2l >>> 0 < v3l >>> 0 ? 1 : 0)) | 0;
    turned = (v3h << 16) | (v3l >>> 16);
    v3l = ((v3l << 16) | (v3h >>> 16)) ^ v2l;
    v3h = turned ^ v2h;
    v0l = (v0l + v3l) | 0;
    v0h = (v0h + v3h + (v0l >>> 0 < v3l >>> 0 ? 1 : 0)) | 0;
    turned = (v3h << 21) | (v3l >>> 11);
    v3l = ((v3l << 21) | (v3h >>> 11)) ^ v0l;
    v3h = turned ^ v0h;
    v2l = (v2l + v1l) | 0;
    v2h = (v2h + v1h + (v2l >>> 0 < v1l >>> 0 ? 1 : 0)) | 0;
    turned = (v1h << 17) | (v1l >>> 15);
    v1l = ((v1l << 17) | (v1h >>> 15)) ^ v2l;
    v1h = turned ^ v2h;
    turned = v2h;
    v2h = v2l;
    v2l = turned;
  }
  sipHashed.low = v0l ^ v1l ^ v2l ^ v3l;
  sipHashed.high = v0h ^ v1h ^ v2h ^ v3h;
}

function wordAt(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
}

/** Up to four bytes before `to`. */
function restAt(bytes: Uint8Array, at: number, to: number): number {
  let word = 0;
  for (let place = 0; place < 4 && at + place < to; place++) word |= bytes[at + place]! << (place * 8);
  return word;
}
