// HPACK encoding without state: references to the static table, and literals that are not indexed. An encoded block therefore fits every
// connection and can be kept; and an encoder can never get out of step with its peer (a dynamic encoder towards upstreams was measured:
// within noise).
import type { FieldList } from "../fields/fields.ts";
import { staticNameIndex } from "./static-table.ts";

/** Below this a loop is faster than Buffer.copy, which costs 80 ns whatever the length (load/bench). */
const loopBytes = 28;

const colon = 0x3a;
const cr = 0x0d;

/** A literal with a new name: without indexing (RFC 7541 §6.2.2), and never to be indexed (RFC 7541 §6.2.3). */
const neverIndexedBit = 0x10;

const statusIndex = new Map([
  [200, 8],
  [204, 9],
  [206, 10],
  [304, 11],
  [400, 12],
  [404, 13],
  [500, 14],
]);

/** Indexes of entries that are sent as they are. */
export const staticEntry = {
  methodGet: 2,
  methodPost: 3,
  pathRoot: 4,
  schemeHttp: 6,
  schemeHttps: 7,
  status200: 8,
} as const;

/** Indexes of names for literals. */
export const staticName = { authority: 1, method: 2, path: 4, status: 8, contentLength: 28, contentType: 31 } as const;

function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x09;
}

/** Room at first. */
const roomBytes = 4096;
/** Room that is kept: twice a usual long block. */
const mostKeptBytes = 32 * 1024;

/** Puts header blocks together in a buffer that grows. A worker has one and copies what must outlive the call. */
export class BlockWriter {
  bytes = Buffer.allocUnsafeSlow(roomBytes);
  length = 0;

  /** Forgets what was put, and gives room back that a long block needed. */
  clear(): void {
    this.length = 0;
    if (this.bytes.length > mostKeptBytes) this.bytes = Buffer.allocUnsafeSlow(roomBytes);
  }

  /** An entry of the static table with its value. */
  indexed(index: number): void {
    this.#reserve(1);
    this.bytes[this.length++] = 0x80 | index;
  }

  /** A value for a name of the static table. */
  named(index: number, bytes: Uint8Array, start: number, end: number): void {
    this.#reserve(end - start + 12);
    this.#number(0, 0x0f, index);
    this.#string(bytes, start, end);
  }

  namedText(index: number, text: string): void {
    const bytes = Buffer.from(text, "latin1");
    this.named(index, bytes, 0, bytes.length);
  }

  /** As `named`, a whole number, 0 or more, in decimal. */
  namedNumber(index: number, value: number): void {
    this.#reserve(32);
    this.#number(0, 0x0f, index);
    this.#digits(value);
  }

  /** As `named`, the value in two parts. */
  namedJoined(
    index: number,
    first: Uint8Array,
    firstStart: number,
    firstEnd: number,
    rest: Uint8Array,
    restStart: number,
    restEnd: number,
  ): void {
    const valueBytes = firstEnd - firstStart + restEnd - restStart;
    this.#reserve(valueBytes + 12);
    this.#number(0, 0x0f, index);
    this.#number(0, 0x7f, valueBytes);
    this.#put(first, firstStart, firstEnd);
    this.#put(rest, restStart, restEnd);
  }

  /** Whole field lines, `name: value` and CRLF each, names in any case. */
  lines(bytes: Uint8Array, start: number, end: number): void {
    while (start < end) {
      let nameEnd = start;
      while (bytes[nameEnd] !== colon) nameEnd++;
      let valueStart = nameEnd + 2;
      let lineEnd = valueStart;
      while (bytes[lineEnd] !== cr) lineEnd++;
      // A value with white space around it makes a message malformed (RFC 9113 §8.2.1).
      let valueEnd = lineEnd;
      while (valueStart < valueEnd && isBlank(bytes[valueStart]!)) valueStart++;
      while (valueStart < valueEnd && isBlank(bytes[valueEnd - 1]!)) valueEnd--;
      this.field(bytes, start, nameEnd, valueStart, valueEnd, 0);
      start = lineEnd + 2;
    }
  }

  /** A field of a message: its name is put in lower case. `neverIndexed` 1: the sender forbade to index it. */
  field(
    bytes: Uint8Array,
    nameStart: number,
    nameEnd: number,
    valueStart: number,
    valueEnd: number,
    neverIndexed: number,
  ): void {
    this.#reserve(nameEnd - nameStart + valueEnd - valueStart + 18);
    const index = staticNameIndex(bytes, nameStart, nameEnd);
    const first = neverIndexed === 1 ? neverIndexedBit : 0;
    if (index > 0) {
      this.#number(first, 0x0f, index);
    } else {
      this.bytes[this.length++] = first;
      this.#name(bytes, nameStart, nameEnd);
    }
    this.#string(bytes, valueStart, valueEnd);
  }

  /** A field of our own: name in lower case, value in ASCII. */
  fieldText(name: string, value: string): void {
    const bytes = Buffer.from(name + value, "latin1");
    this.field(bytes, 0, name.length, name.length, bytes.length, 0);
  }

  /** :status, 100..599. */
  status(code: number): void {
    const index = statusIndex.get(code);
    if (index === undefined) this.namedText(staticName.status, String(code));
    else this.indexed(index);
  }

  /** A field of our own with a name that is not in the static table, in lower case. */
  own(name: Buffer, bytes: Uint8Array, start: number, end: number): void {
    this.name(name);
    this.string(bytes, start, end);
  }

  /** The name of a field of our own, to be followed by its value. */
  name(name: Buffer): void {
    this.#reserve(name.length + 6);
    this.bytes[this.length++] = 0;
    this.#string(name, 0, name.length);
  }

  /** The value of a field whose name was written. */
  string(bytes: Uint8Array, start: number, end: number): void {
    this.#reserve(end - start + 6);
    this.#string(bytes, start, end);
  }

  /** As `own`, a whole number, 0 or more, in decimal. */
  ownNumber(name: Buffer, value: number): void {
    this.#reserve(name.length + 32);
    this.bytes[this.length++] = 0;
    this.#string(name, 0, name.length);
    this.#digits(value);
  }

  /** As `raw`, with the value of its last name: a whole number, 0 or more, in decimal. */
  rawNumber(block: Buffer, value: number): void {
    this.#reserve(block.length + 32);
    this.#put(block, 0, block.length);
    this.#digits(value);
  }

  /** `block[start..end)`, which somebody has encoded without reference to a dynamic table. */
  raw(block: Buffer, start = 0, end = block.length): void {
    this.#reserve(end - start);
    this.#put(block, start, end);
  }

  /** The fields of a list whose numbers stand in `passing[0..count)`, in order: runs that came encoded are copied as they are. */
  fields(list: FieldList, passing: Int32Array, count: number): void {
    const { bytes, fields, neverIndexed, encoded } = list;
    let runStart = -1;
    let runEnd = -1;
    for (let i = 0; i < count; i++) {
      const field = passing[i]!;
      const start = encoded === null ? -1 : encoded.starts[field]!;
      if (start >= 0 && start === runEnd) {
        runEnd = encoded!.ends[field]!;
        continue;
      }
      if (runStart >= 0) this.raw(encoded!.block, runStart, runEnd);
      runStart = start;
      if (start >= 0) {
        runEnd = encoded!.ends[field]!;
        continue;
      }
      runEnd = -1;
      const slot = field * 4;
      this.field(
        bytes,
        fields[slot]!,
        fields[slot + 1]!,
        fields[slot + 2]!,
        fields[slot + 3]!,
        neverIndexed === null ? 0 : neverIndexed[field]!,
      );
    }
    if (runStart >= 0) this.raw(encoded!.block, runStart, runEnd);
  }

  /** A copy of the block. */
  copy(): Buffer {
    return Buffer.from(this.bytes.subarray(0, this.length));
  }

  #reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(2 * (this.length + count));
    this.bytes.copy(larger, 0, 0, this.length);
    this.bytes = larger;
  }

  #name(bytes: Uint8Array, start: number, end: number): void {
    this.#number(0, 0x7f, end - start);
    for (; start < end; start++) {
      const byte = bytes[start]!;
      this.bytes[this.length++] = byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
    }
  }

  #string(bytes: Uint8Array, start: number, end: number): void {
    this.#number(0, 0x7f, end - start);
    this.#put(bytes, start, end);
  }

  #put(from: Uint8Array, start: number, end: number): void {
    const { bytes } = this;
    let { length } = this;
    if (end - start >= loopBytes) length += (from as Buffer).copy(bytes, length, start, end);
    else while (start < end) bytes[length++] = from[start++]!;
    this.length = length;
  }

  #digits(value: number): void {
    let digits = 1;
    for (let power = 10; value >= power; power *= 10) digits++;
    this.bytes[this.length++] = digits;
    let at = this.length + digits;
    this.length = at;
    do {
      const rest = Math.floor(value / 10);
      this.bytes[--at] = 0x30 + value - rest * 10;
      value = rest;
    } while (--digits > 0);
  }

  /** A number behind the bits of `first` (RFC 7541 §5.1). */
  #number(first: number, prefix: number, value: number): void {
    if (value < prefix) {
      this.bytes[this.length++] = first | value;
      return;
    }
    this.bytes[this.length++] = first | prefix;
    for (value -= prefix; value >= 0x80; value >>>= 7) this.bytes[this.length++] = (value & 0x7f) | 0x80;
    this.bytes[this.length++] = value;
  }
}
