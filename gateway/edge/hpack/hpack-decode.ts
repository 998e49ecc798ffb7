// HPACK decoding (RFC 7541): static and dynamic table, Huffman, size updates. A list that is too large is still read to its end, since the
// dynamic table must stay in step, but nothing more is copied: a block of references to one large entry costs its bytes, not theirs.
import { DynamicTable } from "./dynamic-table.ts";
import { copyBytes, copyVisible, keptViewOf, lineExtraBytes } from "./field-lines.ts";
import { isFieldValue, malformedField, meaningBits, meaningOfName, pseudoField } from "./field-meaning.ts";
import type { HeaderList } from "./header-list.ts";
import { decodeHuffman, huffmanMalformed, huffmanTooLong } from "./huffman.ts";
import { knownMeaning, notKnown } from "./known-names.ts";
import {
  staticCount,
  staticLines,
  staticMeaning,
  staticNameBytes,
  staticStart,
  staticValueBytes,
  staticView,
} from "./static-table.ts";

const colon = 0x3a;
const space = 0x20;
const cr = 0x0d;
const lf = 0x0a;

/** A number of five bytes or more after its prefix is refused: nothing here is that large. */
const mostNumberShift = 28;

/** Strings whose length is one byte, without Huffman code, are shorter. */
const mostShortBytes = 0x7f;

/** The string does not fit the list. */
const stringTooLong = -2;

/** Decoder of one connection. */
export class HpackDecoder {
  readonly table: DynamicTable;
  /** The last block referred to entries of the dynamic table, or changed their size limit: it means something else on another day. */
  referred = false;
  /** Where reading stands. */
  #at = 0;
  /** A number of the literal is longer than it need be. */
  #padded = false;
  /** Of the literal's name. */
  #meaning = 0;
  /** Its value may be one. */
  #valid = true;

  constructor(tableBytes: number) {
    this.table = new DynamicTable(tableBytes);
  }

  /** Decodes a complete block to `list`. False: COMPRESSION_ERROR, and the connection is lost, since the tables are out of step. */
  decode(block: Buffer, start: number, end: number, list: HeaderList): boolean {
    list.begin(block);
    this.referred = false;
    return this.decodeMore(block, start, end, list);
  }

  /** Decodes on: whole fields of a block that comes in pieces. Size updates are allowed at the start of each piece. */
  decodeMore(block: Buffer, start: number, end: number, list: HeaderList): boolean {
    this.#at = start;
    let updates = 0;
    let fields = 0;
    while (this.#at < end) {
      const byte = block[this.#at]!;
      if (byte >= 0x80) {
        fields++;
        if (!this.#indexed(block, end, list)) return false;
      } else if (byte >= 0x40) {
        fields++;
        if (!this.#literal(block, end, list, 0x3f, true, 0)) return false;
      } else if (byte >= 0x20) {
        // Only at the start of a block; two are enough for the smallest and the last size (RFC 7541 §4.2).
        if (fields > 0 || ++updates > 2) return false;
        const bytes = this.#number(block, end, 0x1f);
        this.referred = true;
        if (bytes < 0 || !this.table.resize(bytes)) return false;
      } else {
        fields++;
        if (!this.#literal(block, end, list, 0x0f, false, byte >= 0x10 ? 1 : 0)) return false;
      }
    }
    return true;
  }

  #indexed(block: Buffer, end: number, list: HeaderList): boolean {
    const encodedAt = this.#at;
    const index = this.#number(block, end, 0x7f);
    if (index <= 0) return false;
    if (index <= staticCount) {
      list.addCopy(
        staticLines,
        staticView,
        staticStart[index]!,
        staticNameBytes[index]!,
        staticValueBytes[index]!,
        staticMeaning[index]!,
        encodedAt,
      );
      return true;
    }
    const { table } = this;
    if (index - staticCount > table.count) return false;
    this.referred = true;
    const slot = table.slot(index - staticCount - 1);
    list.addCopy(
      table.lines,
      table.view,
      table.start(slot),
      table.nameBytes(slot),
      table.valueBytes(slot),
      table.meaning(slot),
      -1,
    );
    return true;
  }

  #literal(
    block: Buffer,
    end: number,
    list: HeaderList,
    prefix: number,
    inserts: boolean,
    neverIndexed: number,
  ): boolean {
    const { table } = this;
    const encodedStart = this.#at;
    this.#padded = false;
    const index = this.#number(block, end, prefix);
    if (index < 0 || index - staticCount > table.count) return false;
    // Of a list that is too large only what goes into the table is kept, in the room that the list has for that.
    const at = list.tooLarge ? 0 : list.length;
    const { bytes } = list;
    const limit = bytes.length - lineExtraBytes;
    const nameEnd = this.#name(block, end, index, list, at, limit);
    if (nameEnd === huffmanMalformed) return false;
    if (nameEnd < 0) {
      // The value is read only to be skipped; an entry of this size empties the table.
      if (this.#string(block, end, bytes, 0, 0) === huffmanMalformed) return false;
      list.tooLarge = true;
      if (inserts) table.clear();
      return true;
    }
    let meaning = this.#meaning;
    bytes[nameEnd] = colon;
    bytes[nameEnd + 1] = space;
    const valueStart = nameEnd + 2;
    const valueEnd = this.#value(block, end, list, valueStart, limit);
    if (valueEnd === huffmanMalformed) return false;
    if (valueEnd < 0) {
      list.tooLarge = true;
      if (inserts) table.clear();
      return true;
    }
    bytes[valueEnd] = cr;
    bytes[valueEnd + 1] = lf;
    if (!this.#valid) meaning |= malformedField;
    if (inserts) table.insert(bytes, list.view, at, nameEnd - at, valueEnd - valueStart, meaning);
    if (list.tooLarge) return true;
    list.length = valueEnd + 2;
    // What another decoder might refuse, or take for something else, is not passed on as it is: whose upstream that ends is others' too.
    const isPlain = !inserts && !this.#padded && index <= staticCount;
    list.add(at, nameEnd - at, valueEnd - valueStart, meaning, neverIndexed, isPlain ? encodedStart : -1, this.#at);
    return true;
  }

  /** Writes a literal's name to the list at `at`, and what it means to `#meaning`: its end, or a code as `#string` gives. */
  #name(block: Buffer, end: number, index: number, list: HeaderList, at: number, limit: number): number {
    const { bytes, view } = list;
    if (index === 0) {
      const length = this.#at < end ? block[this.#at]! : 0;
      const start = this.#at + 1;
      if (length > 0 && length < mostShortBytes && start + length <= end && at + length <= limit) {
        const blockView = keptViewOf(block);
        const known = knownMeaning(block, blockView, start, length);
        if (known !== notKnown) {
          this.#meaning = known;
          this.#at = start + length;
          return copyBytes(block, blockView, start, this.#at, bytes, view, at);
        }
      }
      const nameEnd = this.#string(block, end, bytes, at, limit);
      this.#meaning = nameEnd < 0 ? 0 : meaningOfName(bytes, at, nameEnd);
      return nameEnd;
    }
    if (index <= staticCount) {
      const start = staticStart[index]!;
      this.#meaning = staticMeaning[index]!;
      return at + staticNameBytes[index]! > limit
        ? stringTooLong
        : copyBytes(staticLines, staticView, start, start + staticNameBytes[index]!, bytes, view, at);
    }
    const { table } = this;
    this.referred = true;
    const slot = table.slot(index - staticCount - 1);
    const start = table.start(slot);
    // The value is another one: whether it is allowed is found anew, but a bad name stays one.
    this.#meaning = nameMeaning(table, slot);
    return at + table.nameBytes(slot) > limit
      ? stringTooLong
      : copyBytes(table.lines, table.view, start, start + table.nameBytes(slot), bytes, view, at);
  }

  /** Writes a literal's value to the list at `at`, and whether it may be one to `#valid`: its end, or a code as `#string` gives. */
  #value(block: Buffer, end: number, list: HeaderList, at: number, limit: number): number {
    const { bytes, view } = list;
    const length = this.#at < end ? block[this.#at]! : mostShortBytes;
    if (length < mostShortBytes && at + length <= limit) {
      const start = this.#at + 1;
      if (start + length > end) return huffmanMalformed;
      this.#at = start + length;
      const isVisible =
        copyVisible(block, keptViewOf(block), start, this.#at, bytes, view, at) &&
        (length === 0 || (bytes[at] !== space && bytes[at + length - 1] !== space));
      this.#valid = isVisible || isFieldValue(bytes, at, at + length);
      return at + length;
    }
    const valueEnd = this.#string(block, end, bytes, at, limit);
    this.#valid = valueEnd < 0 || isFieldValue(bytes, at, valueEnd);
    return valueEnd;
  }

  /** Reads a string to `into`: its end, `huffmanMalformed` (COMPRESSION_ERROR), or `stringTooLong`. */
  #string(block: Buffer, end: number, into: Buffer, at: number, limit: number): number {
    if (this.#at >= end) return huffmanMalformed;
    const huffman = block[this.#at]! >= 0x80;
    const length = this.#number(block, end, 0x7f);
    const start = this.#at;
    if (length < 0 || length > end - start) return huffmanMalformed;
    this.#at = start + length;
    if (huffman) return decodeHuffman(block, start, start + length, into, at, limit);
    return at + length > limit ? huffmanTooLong : at + block.copy(into, at, start, start + length);
  }

  /** Reads a number (RFC 7541 §5.1); −1: it does not end in the block, or is too large. */
  #number(block: Buffer, end: number, prefix: number): number {
    let value = block[this.#at++]! & prefix;
    if (value < prefix) return value;
    for (let shift = 0; ; shift += 7) {
      if (this.#at >= end || shift >= mostNumberShift) return -1;
      const byte = block[this.#at++]!;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte >= 0x80) continue;
      if (byte === 0 && shift > 0) this.#padded = true;
      return value;
    }
  }
}

/** The meaning of an entry's name alone. */
function nameMeaning(table: DynamicTable, slot: number): number {
  const meaning = table.meaning(slot);
  if ((meaning & malformedField) === 0) return meaning;
  const start = table.start(slot);
  return (
    meaningOfName(table.lines, start, start + table.nameBytes(slot)) & (meaningBits | pseudoField | malformedField)
  );
}
