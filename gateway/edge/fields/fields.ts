// The field lines of a head or of a trailer section: one strict pass over the bytes, positions into typed arrays.
//
// Bytes are followed by one zero byte (a sentinel) that the caller has put there, so the scan needs no bound check: zero is in no table.
import { colon, comma, cr, isToken, isValue, lf, lowered, space, tab } from "./characters.ts";
import { kindOf } from "./field-kind.ts";

/** More bytes are needed. */
export const more = -1;
/** Not HTTP/1.1 by the letter. */
export const malformed = -2;
/** More fields than allowed. */
export const tooMany = -3;

/** Room for fields: 100 by default, and what an operator may set. */
export const fieldRoom = 1024;

/** Where fields stand in the header block that brought them (RFC 7541): what passes unchanged is copied from there, whole runs at once. */
export interface EncodedFields {
  block: Buffer;
  /** Of each field; −1: it cannot be copied, since it means something to the connection it came on alone. */
  readonly starts: Int32Array;
  readonly ends: Int32Array;
}

/** Where the fields of one head are. */
export interface FieldList {
  bytes: Uint8Array;
  fieldCount: number;
  /** Four numbers a field: name start, name end, value start, value end. The line begins at the name and ends where the next line begins. */
  fields: Int32Array;
  /** `kind` of each field. */
  kinds: Uint8Array;
  /** 1: the sender forbids to index the field, on every hop (RFC 7541 §7.1.3). null: HTTP/1.1, which has no such thing. */
  neverIndexed: Uint8Array | null;
  /** null: HTTP/1.1, or the block is no longer there. */
  encoded: EncodedFields | null;
  /** Position of the blank line that ends the fields; after a fault: of the byte that shows it. */
  fieldsEnd: number;
}

/**
 * Reads field lines from `at` to the blank line. Returns the position after the blank line, or `more`, `malformed`, `tooMany`.
 * Refused: bare CR or LF, obs-fold, a space before the colon, an empty name, CTL in a value (RFC 9112 §5, §2.2).
 */
export function readFields(list: FieldList, bytes: Uint8Array, at: number, end: number, mostFields: number): number {
  const { fields, kinds } = list;
  let count = 0;
  for (;;) {
    const nameStart = at;
    let byte = bytes[at]!;
    while (isToken[byte] === 1) byte = bytes[++at]!;
    if (byte !== colon || at === nameStart) {
      if (byte === cr && at === nameStart) {
        if (bytes[at + 1] === lf) break;
        return fault(list, at + 1, end, malformed);
      }
      return fault(list, at, end, malformed);
    }
    const nameEnd = at;
    do byte = bytes[++at]!;
    while (byte === space || byte === tab);
    const valueStart = at;
    while (isValue[bytes[at]!] === 1) at++;
    if (bytes[at] !== cr) return fault(list, at, end, malformed);
    if (bytes[at + 1] !== lf) return fault(list, at + 1, end, malformed);
    let valueEnd = at;
    while (valueEnd > valueStart && (bytes[valueEnd - 1] === space || bytes[valueEnd - 1] === tab)) valueEnd--;
    if (count >= mostFields) return fault(list, at + 1, end, tooMany);
    const slot = count * 4;
    fields[slot] = nameStart;
    fields[slot + 1] = nameEnd;
    fields[slot + 2] = valueStart;
    fields[slot + 3] = valueEnd;
    kinds[count++] = kindOf(bytes, nameStart, nameEnd);
    at += 2;
  }
  list.bytes = bytes;
  list.fieldCount = count;
  list.fieldsEnd = at;
  return at + 2;
}

/** The byte at `at` is not what must stand there: it is another, or it has not come. */
function fault(list: FieldList, at: number, end: number, code: number): number {
  list.fieldsEnd = at;
  return at >= end ? more : code;
}

/** Is `bytes[start..end)` the token `text` (lower case), in any case? */
export function isWord(bytes: Uint8Array, start: number, end: number, text: string): boolean {
  if (end - start !== text.length) return false;
  for (let i = 0; i < text.length; i++) {
    if (lowered[bytes[start + i]!] !== text.charCodeAt(i)) return false;
  }
  return true;
}

/** Does the word (lower case) stand anywhere in `bytes[start..end)`, in any case? */
export function holdsWord(bytes: Uint8Array, start: number, end: number, text: string): boolean {
  const first = text.charCodeAt(0);
  for (let at = start; at <= end - text.length; at++) {
    if (lowered[bytes[at]!] === first && isWord(bytes, at, at + text.length, text)) return true;
  }
  return false;
}

/** Is the word (lower case) one element of the list `bytes[start..end)`, in any case? */
export function holdsElement(bytes: Uint8Array, start: number, end: number, text: string): boolean {
  for (let at = start; at < end; at++) {
    while (at < end && (bytes[at] === space || bytes[at] === tab)) at++;
    const first = at;
    while (at < end && bytes[at] !== comma) at++;
    let last = at;
    while (last > first && (bytes[last - 1] === space || bytes[last - 1] === tab)) last--;
    if (isWord(bytes, first, last, text)) return true;
  }
  return false;
}

/** A Content-Length: decimal digits alone, below 2^53 (RFC 9110 §8.6). −1 for anything else: a sign, a list, hexadecimal, empty. */
export function readLength(bytes: Uint8Array, start: number, end: number): number {
  if (start >= end || end - start > 16) return -1;
  let length = 0;
  for (let at = start; at < end; at++) {
    const digit = bytes[at]! - 0x30;
    if (digit < 0 || digit > 9) return -1;
    length = length * 10 + digit;
  }
  return length <= Number.MAX_SAFE_INTEGER ? length : -1;
}
