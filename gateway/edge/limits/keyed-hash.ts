// HalfSipHash-2-4 with 64 bits of result (Aumasson, Bernstein: SipHash): a hash for tables whose keys strangers choose.

const mostWords = 1024;
const utf8Key = 0x75746638;

/** The result of the last hash, two unsigned halves, stands in the object: nothing is made for it. */
export class KeyedHash {
  low = 0;
  high = 0;
  readonly #words = new Int32Array(mostWords);

  /** Of `bytes[from..to)`. A long text is hashed in pieces, each with the result of the one before it as its key. */
  ofBytes(key0: number, key1: number, bytes: Uint8Array, from: number, to: number): void {
    const words = this.#words;
    let at = from;
    let keyLow = key0;
    let keyHigh = key1;
    while (to - at > mostWords * 2) {
      this.ofBytes(keyLow, keyHigh, bytes, at, at + mostWords * 2);
      keyLow = this.low;
      keyHigh = this.high;
      at += mostWords * 2;
    }
    const length = to - at;
    let count = 0;
    for (; at + 4 <= to; at += 4)
      words[count++] = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    let last = length << 24;
    for (let shift = 0; at < to; at++, shift += 8) last |= bytes[at]! << shift;
    words[count++] = last;
    this.#hash(keyLow, keyHigh, count);
  }

  /** Of a text of single bytes: the same as of its bytes. Of any other text: of its UTF-8, with another key. */
  ofText(key0: number, key1: number, text: string): void {
    const { length } = text;
    const words = this.#words;
    let units = 0;
    let count = 0;
    let word = 0;
    for (let at = 0; at < length && at < mostWords * 2; at++) {
      const unit = text.charCodeAt(at);
      units |= unit;
      word |= unit << ((at & 3) * 8);
      if ((at & 3) < 3) continue;
      words[count++] = word;
      word = 0;
    }
    if (units > 0xff || length > mostWords * 2) {
      const isBytes = Buffer.from(text, "latin1").toString("latin1") === text;
      const bytes = Buffer.from(text, isBytes ? "latin1" : "utf8");
      this.ofBytes(key0, isBytes ? key1 : key1 ^ utf8Key, bytes, 0, bytes.length);
      return;
    }
    words[count++] = word | (length << 24);
    this.#hash(key0, key1, count);
  }

  #hash(key0: number, key1: number, count: number): void {
    const words = this.#words;
    let v0 = key0 | 0;
    let v1 = key1 ^ 0xee;
    let v2 = key0 ^ 0x6c796765;
    let v3 = key1 ^ 0x74656462;
    const rounds = count * 2 + 8;
    for (let round = 0; round < rounds; round++) {
      const step = round - count * 2;
      if (step < 0) {
        if ((round & 1) === 0) {
          if (round > 0) v0 ^= words[(round >>> 1) - 1]!;
          v3 ^= words[round >>> 1]!;
        }
      } else if (step === 0) {
        v0 ^= words[count - 1]!;
        v2 ^= 0xee;
      } else if (step === 4) {
        this.low = (v1 ^ v3) >>> 0;
        v1 ^= 0xdd;
      }
      v0 = (v0 + v1) | 0;
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
      v0 = (v0 << 16) | (v0 >>> 16);
      v2 = (v2 + v3) | 0;
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
      v0 = (v0 + v3) | 0;
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
      v2 = (v2 + v1) | 0;
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
      v2 = (v2 << 16) | (v2 >>> 16);
    }
    this.high = (v1 ^ v3) >>> 0;
  }
}
