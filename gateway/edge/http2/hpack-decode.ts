// HPACK decoding (RFC 7541): static and dynamic table, Huffman, size updates. A list that is too large is still read to its end, since the
// dynamic table must stay in step, but nothing more is copied: a block of references to one large entry costs its bytes, not theirs.
import { DynamicTable } from './dynamic-table.ts';
import { copyBytes, lineExtraBytes } from './field-lines.ts';
import { isFieldValue, malformedField, meaningBits, meaningOfName, pseudoField } from './field-meaning.ts';
import type { HeaderList } from './header-list.ts';
import { decodeHuffman, huffmanMalformed, huffmanTooLong } from './huffman.ts';
import { staticCount, staticLines, staticMeaning, staticNameBytes, staticStart, staticValueBytes } from './static-table.ts';

const colon = 0x3a;
const space = 0x20;
const cr = 0x0d;
const lf = 0x0a;

/** A number of five bytes or more after its prefix is refused: nothing here is that large. */
const mostNumberShift = 28;

/** The string does not fit the list. */
const stringTooLong = -2;

/** Decoder of one connection. */
export class HpackDecoder {
  readonly table: DynamicTable;
  /** The last block referred to entries of the dynamic table, or changed their size limit: it means something else on another day. */
  referred = false;
  /** Where reading stands. */
  #at = 0;

  constructor(tableBytes: number) {
    this.table = new DynamicTable(tableBytes);
  }

  /** Decodes a complete block to `list`. False: COMPRESSION_ERROR, and the connection is lost, since the tables are out of step. */
  decode(block: Buffer, start: number, end: number, list: HeaderList): boolean {
    list.clear();
    this.referred = false;
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
        // Only at the start of a block; two are enough for the smallest and the last size (§4.2).
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
    const index = this.#number(block, end, 0x7f);
    if (index <= 0) return false;
    if (index <= staticCount) {
      list.addCopy(staticLines, staticStart[index]!, staticNameBytes[index]!, staticValueBytes[index]!, staticMeaning[index]!);
      return true;
    }
    const { table } = this;
    if (index - staticCount > table.count) return false;
    this.referred = true;
    const slot = table.slot(index - staticCount - 1);
    list.addCopy(table.lines, table.start(slot), table.nameBytes(slot), table.valueBytes(slot), table.meaning(slot));
    return true;
  }

  #literal(block: Buffer, end: number, list: HeaderList, prefix: number, inserts: boolean, neverIndexed: number): boolean {
    const { table } = this;
    const index = this.#number(block, end, prefix);
    if (index < 0 || index - staticCount > table.count) return false;
    // Of a list that is too large only what goes into the table is kept, in the room that the list has for that.
    const at = list.tooLarge ? 0 : list.length;
    const { bytes } = list;
    const limit = bytes.length - lineExtraBytes;
    let nameEnd: number;
    let meaning: number;
    if (index === 0) {
      nameEnd = this.#string(block, end, bytes, at, limit);
      if (nameEnd === huffmanMalformed) return false;
      meaning = nameEnd < 0 ? 0 : meaningOfName(bytes, at, nameEnd);
    } else if (index <= staticCount) {
      const start = staticStart[index]!;
      meaning = staticMeaning[index]!;
      nameEnd = at + staticNameBytes[index]! > limit ? stringTooLong : copyBytes(staticLines, start, start + staticNameBytes[index]!, bytes, at);
    } else {
      this.referred = true;
      const slot = table.slot(index - staticCount - 1);
      const start = table.start(slot);
      // The value is another one: whether it is allowed is found anew, but a bad name stays one.
      meaning = nameMeaning(table, slot);
      nameEnd = at + table.nameBytes(slot) > limit ? stringTooLong : copyBytes(table.lines, start, start + table.nameBytes(slot), bytes, at);
    }
    if (nameEnd < 0) {
      // The value is read only to be skipped; an entry of this size empties the table.
      if (this.#string(block, end, bytes, 0, 0) === huffmanMalformed) return false;
      list.tooLarge = true;
      if (inserts) table.clear();
      return true;
    }
    bytes[nameEnd] = colon;
    bytes[nameEnd + 1] = space;
    const valueStart = nameEnd + 2;
    const valueEnd = this.#string(block, end, bytes, valueStart, limit);
    if (valueEnd === huffmanMalformed) return false;
    if (valueEnd < 0) {
      list.tooLarge = true;
      if (inserts) table.clear();
      return true;
    }
    bytes[valueEnd] = cr;
    bytes[valueEnd + 1] = lf;
    if (!isFieldValue(bytes, valueStart, valueEnd)) meaning |= malformedField;
    if (inserts) table.insert(bytes, at, nameEnd - at, valueEnd - valueStart, meaning);
    if (list.tooLarge) return true;
    list.length = valueEnd + 2;
    list.add(at, nameEnd - at, valueEnd - valueStart, meaning, neverIndexed);
    return true;
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
    return at + length > limit ? huffmanTooLong : copyBytes(block, start, start + length, into, at);
  }

  /** Reads a number (§5.1); −1: it does not end in the block, or is too large. */
  #number(block: Buffer, end: number, prefix: number): number {
    let value = block[this.#at++]! & prefix;
    if (value < prefix) return value;
    for (let shift = 0; ; shift += 7) {
      if (this.#at >= end || shift >= mostNumberShift) return -1;
      const byte = block[this.#at++]!;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  }
}

/** The meaning of an entry's name alone. */
function nameMeaning(table: DynamicTable, slot: number): number {
  const meaning = table.meaning(slot);
  if ((meaning & malformedField) === 0) return meaning;
  const start = table.start(slot);
  return meaningOfName(table.lines, start, start + table.nameBytes(slot)) & (meaningBits | pseudoField | malformedField);
}
