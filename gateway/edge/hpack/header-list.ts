// A decoded header list: pseudo headers in places of their own, the other fields as HTTP/1.1's field list has them.
import type { EncodedFields, FieldList } from "../fields/fields.ts";
import { copyBytes, lineExtraBytes, viewOf } from "./field-lines.ts";
import { malformedField, meaningBits, pseudoField, pseudoNames } from "./field-meaning.ts";

/** Limits of a list. */
export interface ListLimits {
  /** Names, values and 32 bytes a field, as SETTINGS_MAX_HEADER_LIST_SIZE counts. */
  readonly bytes: number;
  /** Fields, pseudo headers not counted. */
  readonly fields: number;
}

/** Room for a literal that must be read to keep the dynamic table in step, though its list is too large. */
const scratchBytes = 8 * 1024;
/** Fields that this side adds: the Host, and a Cookie put together from pieces. */
const addedFields = 2;

/** What RFC 7541 §4.1 adds to an entry's size. */
export const entryExtraBytes = 32;

const cookieJoin = Buffer.from("; ");
const cr = 0x0d;
const lf = 0x0a;
const noBytes = Buffer.alloc(0);

export class HeaderList implements FieldList {
  readonly limits: ListLimits;
  /** Lines of all fields, pseudo headers too. */
  readonly bytes: Buffer;
  readonly view: DataView;
  /** End of what is used of `bytes`. */
  length = 0;
  fieldCount = 0;
  readonly fields: Int32Array;
  readonly kinds: Uint8Array;
  fieldsEnd = 0;
  /** 1: the sender forbids to index the field, on every hop (RFC 7541 §7.1.3). */
  readonly neverIndexed: Uint8Array;
  readonly encoded: EncodedFields;
  /** Start and end of each pseudo header's value; −1: absent. */
  readonly pseudo: Int32Array = new Int32Array(2 * pseudoNames.length);
  /** It breaks RFC 9113 §8.2 or §8.3 in a way that holds for requests, responses and trailers alike. */
  malformed = false;
  tooLarge = false;
  #listBytes = 0;

  constructor(limits: ListLimits) {
    this.limits = limits;
    // Twice: what is added repeats values that were received.
    this.bytes = Buffer.allocUnsafeSlow(
      2 * limits.bytes + lineExtraBytes * (limits.fields + pseudoNames.length) + scratchBytes,
    );
    this.view = viewOf(this.bytes);
    const most = limits.fields + addedFields;
    this.fields = new Int32Array(4 * most);
    this.kinds = new Uint8Array(most);
    this.neverIndexed = new Uint8Array(most);
    this.encoded = { block: noBytes, starts: new Int32Array(most), ends: new Int32Array(most) };
  }

  /** Forgets what is in it. What is added stands in `block`. */
  begin(block: Buffer): void {
    this.encoded.block = block;
    this.length = 0;
    this.fieldCount = 0;
    this.fieldsEnd = 0;
    this.malformed = false;
    this.tooLarge = false;
    this.#listBytes = 0;
    // Less than half of what fill() costs.
    for (let i = 0; i < this.pseudo.length; i++) this.pseudo[i] = -1;
  }

  get hasPseudo(): boolean {
    for (let i = 0; i < this.pseudo.length; i += 2) if (this.pseudo[i] !== -1) return true;
    return false;
  }

  /** Adds a field whose line stands in another buffer; `encodedAt`: where it is one byte of the block; −1: it cannot be copied from there. */
  addCopy(
    from: Buffer,
    fromView: DataView,
    start: number,
    nameBytes: number,
    valueBytes: number,
    meaning: number,
    encodedAt: number,
  ): void {
    if (this.tooLarge) return;
    const lineBytes = nameBytes + valueBytes + lineExtraBytes;
    if (this.length + lineBytes > this.bytes.length) {
      this.tooLarge = true;
      return;
    }
    const at = this.length;
    this.length = copyBytes(from, fromView, start, start + lineBytes, this.bytes, this.view, at);
    this.add(at, nameBytes, valueBytes, meaning, 0, encodedAt, encodedAt + 1);
  }

  /** Adds the field whose line was written to `bytes` at `at`. `encodedStart` −1: it cannot be copied from the block. */
  add(
    at: number,
    nameBytes: number,
    valueBytes: number,
    meaning: number,
    neverIndexed: number,
    encodedStart: number,
    encodedEnd: number,
  ): void {
    this.#listBytes += nameBytes + valueBytes + entryExtraBytes;
    if (this.#listBytes > this.limits.bytes) this.tooLarge = true;
    if (this.tooLarge) return;
    if ((meaning & (malformedField | pseudoField)) !== 0) {
      const valueStart = at + nameBytes + 2;
      this.#addUnusual(meaning, valueStart, valueStart + valueBytes);
    } else if (this.fieldCount >= this.limits.fields) {
      this.tooLarge = true;
    } else {
      this.#addField(at, nameBytes, valueBytes, meaning & meaningBits, neverIndexed, encodedStart, encodedEnd);
    }
  }

  /** Adds a field of this side, whose value is `bytes[start..end)`. `name` has its `: `. */
  addOwn(name: Buffer, start: number, end: number, fieldKind: number, neverIndexed: number): void {
    const at = this.length;
    const valueStart = this.#put(name, at);
    this.#addWritten(at, valueStart, this.#repeat(start, end, valueStart), fieldKind, neverIndexed);
  }

  /** As `addOwn`, the value made of ranges, joined by `; `. */
  addJoined(
    name: Buffer,
    ranges: readonly (readonly [start: number, end: number])[],
    fieldKind: number,
    neverIndexed: number,
  ): void {
    const at = this.length;
    const valueStart = this.#put(name, at);
    let end = valueStart;
    for (const [index, [start, stop]] of ranges.entries()) {
      if (index > 0) end = this.#put(cookieJoin, end);
      end = this.#repeat(start, stop, end);
    }
    this.#addWritten(at, valueStart, end, fieldKind, neverIndexed);
  }

  /** A few bytes of our own. */
  #put(text: Buffer, at: number): number {
    for (let i = 0; i < text.length; i++) this.bytes[at++] = text[i]!;
    return at;
  }

  #repeat(start: number, end: number, at: number): number {
    return copyBytes(this.bytes, this.view, start, end, this.bytes, this.view, at);
  }

  #addWritten(at: number, valueStart: number, valueEnd: number, fieldKind: number, neverIndexed: number): void {
    this.bytes[valueEnd] = cr;
    this.bytes[valueEnd + 1] = lf;
    this.length = valueEnd + 2;
    this.#addField(at, valueStart - 2 - at, valueEnd - valueStart, fieldKind, neverIndexed, -1, -1);
  }

  #addField(
    at: number,
    nameBytes: number,
    valueBytes: number,
    fieldKind: number,
    neverIndexed: number,
    encodedStart: number,
    encodedEnd: number,
  ): void {
    const nameEnd = at + nameBytes;
    const valueStart = nameEnd + 2;
    const field = this.fieldCount;
    const slot = field * 4;
    this.fields[slot] = at;
    this.fields[slot + 1] = nameEnd;
    this.fields[slot + 2] = valueStart;
    this.fields[slot + 3] = valueStart + valueBytes;
    this.kinds[field] = fieldKind;
    this.neverIndexed[field] = neverIndexed;
    this.encoded.starts[field] = encodedStart;
    this.encoded.ends[field] = encodedEnd;
    this.fieldCount = field + 1;
    this.fieldsEnd = this.length;
  }

  #addUnusual(meaning: number, valueStart: number, valueEnd: number): void {
    const number = (meaning & meaningBits) * 2;
    // Twice, or behind a field that is none (RFC 9113 §8.3).
    if ((meaning & malformedField) !== 0 || this.pseudo[number] !== -1 || this.fieldCount > 0) {
      this.malformed = true;
      return;
    }
    this.pseudo[number] = valueStart;
    this.pseudo[number + 1] = valueEnd;
  }
}
