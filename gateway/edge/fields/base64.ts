// Base64 in pieces, as gRPC-Web sends its text (RFC 4648 §4): pieces end anywhere, and a piece that was encoded by itself has its own padding.

const padding = 0x3d;
const valueOf = new Uint8Array(256).fill(0xff);
const alphabet = Buffer.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
for (const [value, character] of alphabet.entries()) valueOf[character] = value;

export class Base64Decoder {
  /** Characters of an unfinished group of four, and their bits. */
  #count = 0;
  #bits = 0;
  #pads = 0;

  /** Nothing is unfinished. */
  get complete(): boolean {
    return this.#count === 0;
  }

  /** The bytes that are complete with `bytes[start..end)`; null: this is no base64. */
  decode(bytes: Uint8Array, start: number, end: number): Buffer | null {
    const decoded = Buffer.allocUnsafe(Math.ceil(((end - start + 3) * 3) / 4));
    let length = 0;
    for (let at = start; at < end; at++) {
      const byte = bytes[at]!;
      const value = byte === padding ? 0 : valueOf[byte]!;
      if (byte === padding) this.#pads += 1;
      // Padding stands at the end of a group, two characters at most.
      if (value === 0xff || (byte !== padding && this.#pads > 0) || (byte === padding && this.#count < 2)) return null;
      this.#bits = (this.#bits << 6) | value;
      if (++this.#count < 4) continue;
      decoded[length++] = this.#bits >>> 16;
      if (this.#pads < 2) decoded[length++] = this.#bits >>> 8;
      if (this.#pads < 1) decoded[length++] = this.#bits;
      this.#count = 0;
      this.#bits = 0;
      this.#pads = 0;
    }
    return decoded.subarray(0, length);
  }
}
