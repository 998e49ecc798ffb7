// A header block that is larger than its list may be, and must be read to its end all the same, since the table of the connection must stay in
// step for everybody else's: field by field, of which nothing is kept but what the table keeps.
import { PartialRead } from "../io/partial-read.ts";
import type { HeaderList } from "./header-list.ts";
import type { HpackDecoder } from "./hpack-decode.ts";

/** A string of so many bytes is longer than any entry of the table, whatever its Huffman code (30 bits for a byte at most). */
const hugeBytes = 16 * 1024;
/** As in the decoder: a number of five bytes or more after its prefix. */
const mostNumberShift = 28;

const needsMore = -1;
const malformed = -2;
const noBytes: Buffer = Buffer.alloc(0);

export class LongBlock {
  readonly #decoder: HpackDecoder;
  readonly #list: HeaderList;
  /** The start of a field that is not complete: two strings that are not huge, at most. */
  readonly #rest = new PartialRead();
  /** Fields, size updates not counted, of which two may come before the first field (RFC 7541 §4.2). */
  #fields = 0;
  #updates = 0;
  // Of a field with a huge string.
  #skipBytes = 0;
  /** Strings that follow what is skipped. */
  #strings = 0;
  #inserts = false;
  /** Where reading of a number stands. */
  #at = 0;

  constructor(decoder: HpackDecoder, list: HeaderList) {
    this.#decoder = decoder;
    this.#list = list;
  }

  /** Reads on. False: this is not HPACK, and the connection is lost. */
  add(bytes: Buffer): boolean {
    // The list is everybody's between two reads.
    this.#list.begin(noBytes);
    this.#list.tooLarge = true;
    const rest = this.#rest;
    if (rest.length === 0) {
      const at = this.#read(bytes, 0, bytes.length);
      if (at >= 0 && at < bytes.length) rest.append(bytes, at, bytes.length);
      return at >= 0;
    }
    rest.append(bytes, 0, bytes.length);
    const at = this.#read(rest.bytes, rest.start, rest.end);
    if (at > rest.start) rest.consume(at);
    return at >= 0;
  }

  /** Reads fields: where the first begins that is not complete, or `malformed`. */
  #read(bytes: Buffer, start: number, end: number): number {
    const block = bytes.subarray(0, end);
    let at = start;
    while (at < end) {
      const next = this.#skipBytes > 0 || this.#strings > 0 ? this.#skip(block, at) : this.#field(block, at);
      if (next === malformed) return malformed;
      if (next === needsMore) return at;
      at = next;
    }
    return at;
  }

  /** The block has ended. False: in the middle of a field. */
  get complete(): boolean {
    return this.#rest.length === 0 && this.#skipBytes === 0 && this.#strings === 0;
  }

  /** Reads one field, or begins to skip it: where it stands after that. */
  #field(block: Buffer, start: number): number {
    const byte = block[start]!;
    const isLiteral = byte < 0x80 && (byte >= 0x40 || byte < 0x20);
    const isUpdate = !isLiteral && byte < 0x80;
    const index = this.#number(block, start, byte >= 0x80 ? 0x7f : byte >= 0x40 ? 0x3f : isUpdate ? 0x1f : 0x0f);
    if (index < 0) return index;
    if (!isUpdate) this.#fields += 1;
    else if (this.#fields > 0 || ++this.#updates > 2) return malformed;
    let at = this.#at;
    for (let strings = isLiteral ? (index === 0 ? 2 : 1) : 0; strings > 0; strings--) {
      if (at >= block.length) return this.#again();
      const length = this.#number(block, at, 0x7f);
      if (length === needsMore) return this.#again();
      if (length < 0) return length;
      if (length > hugeBytes) {
        this.#inserts = byte >= 0x40;
        this.#strings = strings - 1;
        this.#skipBytes = length;
        return this.#skip(block, this.#at);
      }
      at = this.#at + length;
    }
    if (at > block.length) return this.#again();
    return this.#decoder.decodeMore(block, start, at, this.#list) ? at : malformed;
  }

  /** The field is read again from its start when more of it has come. */
  #again(): number {
    this.#fields -= 1;
    return needsMore;
  }

  /** Skips of a field with a huge string what has come. Such an entry empties the table (RFC 7541 §4.4). */
  #skip(block: Buffer, start: number): number {
    let at = start;
    for (;;) {
      const skipped = Math.min(this.#skipBytes, block.length - at);
      this.#skipBytes -= skipped;
      at += skipped;
      if (this.#skipBytes > 0) return at;
      if (this.#strings === 0) break;
      if (at >= block.length) return at;
      const length = this.#number(block, at, 0x7f);
      // The bytes of a number that is not complete are kept; what was skipped before them is not.
      if (length === needsMore && at > start) return at;
      if (length < 0) return length;
      at = this.#at;
      this.#strings -= 1;
      this.#skipBytes = length;
    }
    if (this.#inserts) this.#decoder.table.clear();
    return at;
  }

  /** Reads a number (RFC 7541 §5.1) and leaves `#at` behind it. */
  #number(block: Buffer, start: number, prefix: number): number {
    let at = start;
    let value = block[at++]! & prefix;
    if (value === prefix) {
      for (let shift = 0; ; shift += 7) {
        if (shift >= mostNumberShift) return malformed;
        if (at >= block.length) return needsMore;
        const byte = block[at++]!;
        value += (byte & 0x7f) * 2 ** shift;
        if (byte < 0x80) break;
      }
    }
    this.#at = at;
    return value;
  }
}
