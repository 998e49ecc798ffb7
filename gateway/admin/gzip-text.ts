// GzipText: a text that is compressed (RFC 1951, RFC 1952) while it is written, by who knows what in it was there before: nothing is searched for. One block with the
// fixed code; a text of numbers between words that repeat is a fifteenth of its length by it, and costs less CPU than sending it as it is.
import { withBytes } from './crc32.ts';
import type { StreamedText } from './streamed-text.ts';

/** How far back a copy may reach, bytes. */
export const mostDistance = 32_768;
/** Copies are of so many bytes. */
export const leastCopy = 3;
const mostCopy = 258;

/** The code of a length with its extra bits, in the order in which they are written, and how many bits that is. */
const lengthBits = new Uint16Array(mostCopy + 1);
const lengthCounts = new Uint8Array(mostCopy + 1);
/** Of distances to 256 by distance − 1, of larger ones by 256 + (distance − 1 >> 7): the number of the code. */
const distanceCodes = new Uint8Array(512);
/** By number: the code's five bits as they are written, the least distance, how many extra bits. */
const distanceBits = new Uint8Array(30);
const distanceBases = new Uint16Array(30);
const distanceExtras = new Uint8Array(30);

function reversed(bits: number, count: number): number {
  let turned = 0;
  for (let bit = 0; bit < count; bit++) if (bits & (1 << bit)) turned |= 1 << (count - 1 - bit);
  return turned;
}

/** Codes of literals and lengths (RFC 1951 §3.2.6): bits as they are written, and how many. */
const codeBits = new Uint16Array(288);
const codeCounts = new Uint8Array(288);
for (let code = 0; code < 288; code++) {
  const [from, first, count] = code < 144 ? [0, 0x30, 8] : code < 256 ? [144, 0x190, 9] : code < 280 ? [256, 0, 7] : [280, 0xc0, 8];
  codeBits[code] = reversed(first + code - from, count);
  codeCounts[code] = count;
}
{
  let length = leastCopy;
  for (let code = 257; code < 285; code++) {
    const extra = code < 265 ? 0 : (code - 261) >> 2;
    for (let more = 0; more < 1 << extra; more++, length++) {
      lengthBits[length] = codeBits[code]! | (more << codeCounts[code]!);
      lengthCounts[length] = codeCounts[code]! + extra;
    }
  }
  // It has a code of its own.
  lengthBits[mostCopy] = codeBits[285]!;
  lengthCounts[mostCopy] = codeCounts[285]!;
  let distance = 1;
  for (let code = 0; code < 30; code++) {
    const extra = code < 4 ? 0 : (code - 2) >> 1;
    distanceBits[code] = reversed(code, 5);
    distanceBases[code] = distance;
    distanceExtras[code] = extra;
    for (let end = distance + (1 << extra); distance < end; distance++) distanceCodes[distance <= 256 ? distance - 1 : 256 + ((distance - 1) >> 7)] = code;
  }
}

const header = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
/** Bytes of room that a copy takes at most for each 255 bytes that it copies: whoever writes asks `room` first. */
export const copyRoom = 6;

/** Whoever writes asks `text.room` first, for two bytes a literal and `copyRoom` a copy, and says what the checksum is. */
export class GzipText {
  readonly text: StreamedText;
  /** Bytes of the text that are written, compressed or not. */
  at = 0;
  /** Sum of them (crc32.ts), begun with all ones. */
  sum = -1;
  /** Bits that are not in `text` yet, and how many. */
  #bits = 0;
  #count = 0;

  constructor(text: StreamedText) {
    this.text = text;
    text.room(header.length + 4);
    for (const byte of header) this.#put(byte, 8);
    // The last block, of the fixed code.
    this.#put(0b011, 3);
  }

  /** Text that was not there before. */
  write(bytes: Uint8Array): void {
    this.text.room(bytes.length * 2 + 8);
    this.literals(bytes, 0, bytes.length);
    this.sum = withBytes(this.sum, bytes, 0, bytes.length);
  }

  literals(bytes: Uint8Array, start: number, end: number): void {
    for (let at = start; at < end; at++) this.literal(bytes[at]!);
  }

  literal(byte: number): void {
    this.#put(codeBits[byte]!, codeCounts[byte]!);
    this.at += 1;
  }

  /** `length`, 3 or more, of the bytes from `from` on, which is `mostDistance` back at most. */
  copy(from: number, length: number): void {
    const distance = this.at - from;
    for (let left = length; left > 0; ) {
      // No rest of one or two, which is no copy.
      const now = left <= mostCopy ? left : Math.min(mostCopy, left - leastCopy);
      this.#put(lengthBits[now]!, lengthCounts[now]!);
      const code = distanceCodes[distance <= 256 ? distance - 1 : 256 + ((distance - 1) >> 7)]!;
      this.#put(distanceBits[code]! | ((distance - distanceBases[code]!) << 5), 5 + distanceExtras[code]!);
      left -= now;
    }
    this.at += length;
  }

  /** The end of the text. */
  end(): void {
    const { text } = this;
    text.room(16);
    this.#put(codeBits[256]!, codeCounts[256]!);
    this.#put(0, (8 - (this.#count & 7)) & 7);
    for (; this.#count > 0; this.#count -= 8, this.#bits >>>= 8) text.piece[text.used++] = this.#bits & 0xff;
    text.used = text.piece.writeUInt32LE(~this.sum >>> 0, text.used);
    text.used = text.piece.writeUInt32LE(this.at % 2 ** 32, text.used);
  }

  /** At most 18 bits. Four bytes are written at once: a third of the time it takes to write each. */
  #put(bits: number, count: number): void {
    this.#bits |= bits << this.#count;
    this.#count += count;
    if (this.#count < 32) return;
    const { text } = this;
    const { piece, used } = text;
    const all = this.#bits;
    piece[used] = all;
    piece[used + 1] = all >>> 8;
    piece[used + 2] = all >>> 16;
    piece[used + 3] = all >>> 24;
    text.used = used + 4;
    this.#count -= 32;
    this.#bits = this.#count === 0 ? 0 : bits >>> (count - this.#count);
  }
}
