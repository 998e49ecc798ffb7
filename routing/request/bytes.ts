// Bytes of a request against text of a Mapping, without making strings.
//
// Declared text is held as "byte text": a string with one character for each byte of its UTF-8 form. For ASCII, which is nearly all there is,
// that is the text itself, so it costs no memory; and comparing `charCodeAt` with a byte needs no typed array per Route.
import type { RequestHead } from "./head.ts";

const decoder = new TextDecoder();
const slash = 0x2f;
const beyondAscii = /[^\0-\x7f]/;

/** One character per UTF-8 byte; ASCII text is returned as it is. */
export function byteText(text: string): string {
  if (!beyondAscii.test(text)) return text;
  return Buffer.from(text).toString("latin1");
}

/** The bytes of a text, for what every request is compared with: reading a typed array costs a third of `charCodeAt` (load/bench). */
export function bytesOf(text: string): Uint8Array {
  const ascii = byteText(text);
  const bytes = new Uint8Array(ascii.length);
  for (let i = 0; i < ascii.length; i++) bytes[i] = ascii.charCodeAt(i);
  return bytes;
}

/** Are the `length` bytes of `expected` from `from` on those of `bytes` from `start` on? The caller has checked that the range is long enough. */
export function sameBytes(
  bytes: Uint8Array,
  start: number,
  expected: Uint8Array,
  from: number,
  length: number,
): boolean {
  // From the end: paths of one namespace differ there.
  for (let i = length - 1; i >= 0; i--) {
    if (bytes[(start + i) | 0] !== expected[(from + i) | 0]) return false;
  }
  return true;
}

/** As `sameBytes`, ASCII letters in any case; `expected` is in lower case. */
export function sameFoldedBytes(
  bytes: Uint8Array,
  start: number,
  expected: Uint8Array,
  from: number,
  length: number,
): boolean {
  for (let i = length - 1; i >= 0; i--) {
    if (lowerByte(bytes[start + i]!) !== expected[from + i]) return false;
  }
  return true;
}

/** The text of a range, for regexes: RE2 reads UTF-8, what is not UTF-8 becomes U+FFFD. */
export function textOf(bytes: Uint8Array, start: number, end: number): string {
  return decoder.decode(bytes.subarray(start, end));
}

/** ASCII letters to lower case; every other byte as it is. */
export function lowerByte(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte;
}

/** Does `text` stand at `start`? The caller has checked that the range is long enough. */
export function standsAt(bytes: Uint8Array, start: number, text: string): boolean {
  // From the end: paths and names differ there more often.
  for (let i = text.length - 1; i >= 0; i--) {
    if (bytes[start + i] !== text.charCodeAt(i)) return false;
  }
  return true;
}

/** As `standsAt`, ASCII letters in any case; `text` is in lower case. */
export function standsFoldedAt(bytes: Uint8Array, start: number, text: string): boolean {
  for (let i = text.length - 1; i >= 0; i--) {
    if (lowerByte(bytes[start + i]!) !== text.charCodeAt(i)) return false;
  }
  return true;
}

/** Is the range exactly `text`? */
export function isText(bytes: Uint8Array, start: number, end: number, text: string): boolean {
  return end - start === text.length && standsAt(bytes, start, text);
}

// Hash: FNV-1a with bit 5 of each byte set, so that text in any case has one hash and case-insensitive paths live in the same index.
// Rolling: the hash of a prefix is the state after its last byte. A hit is always confirmed by comparing bytes. It begins with the seed of a table
// (routing/arena/root.ts), which nobody can guess: of names that tenants choose no more have one hash than by chance, but for the case of their letters.

/** The next state of the rolling hash. */
export function hashStep(hash: number, byte: number): number {
  return step(hash, byte);
}

// Not exported: what a module exports is read from its cell, and compared with what was compiled in, at every use, so for every byte of a loop (Node 26).
function step(hash: number, byte: number): number {
  return Math.imul(hash ^ (byte | 0x20), 0x01000193);
}

/** The state of the rolling hash after the bytes from `start` to `end`. */
export function hashRange(bytes: Uint8Array, start: number, end: number, seed: number): number {
  let hash = seed;
  for (let i = start; i < end; i++) hash = step(hash, bytes[i]!);
  return hash;
}

/** Where the slash is that comes first from `start` on, before `end`; `end` where there is none. */
export function slashAt(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && bytes[at] !== slash) at = (at + 1) | 0;
  return at;
}

/** Hash of byte text. */
export function hashText(text: string, seed: number): number {
  let hash = seed;
  for (let i = 0; i < text.length; i++) hash = hashStep(hash, text.charCodeAt(i));
  return hash;
}

/** Index in `head.fields` of the first field called `name` (lower case) at or after field number `from`, as a field number; −1: none. */
export function fieldNamed(head: RequestHead, name: string, from: number): number {
  const { bytes, fields, fieldCount } = head;
  const length = name.length;
  for (let field = from; field < fieldCount; field++) {
    const start = fields[field * 4]!;
    if (fields[field * 4 + 1]! - start === length && standsFoldedAt(bytes, start, name)) return field;
  }
  return -1;
}

/** Is the value of `name`, several lines joined with `,`, exactly `text`? `first` is the number of its first field. */
export function fieldIs(head: RequestHead, name: string, first: number, text: string): boolean {
  const { bytes, fields } = head;
  let at = 0;
  for (let field = first; field >= 0; field = fieldNamed(head, name, field + 1)) {
    if (field !== first && text.charCodeAt(at++) !== 0x2c) return false;
    for (let i = fields[field * 4 + 2]!; i < fields[field * 4 + 3]!; i++) {
      if (bytes[i] !== text.charCodeAt(at++)) return false;
    }
  }
  return at === text.length;
}

/** The hash after the value of `name`, several lines joined with `,`. */
export function fieldHash(head: RequestHead, name: string, first: number, seed: number): number {
  const { bytes, fields } = head;
  let hash = seed;
  for (let field = first; field >= 0; field = fieldNamed(head, name, field + 1)) {
    if (field !== first) hash = hashStep(hash, 0x2c);
    for (let i = fields[field * 4 + 2]!; i < fields[field * 4 + 3]!; i++) hash = hashStep(hash, bytes[i]!);
  }
  return hash;
}

/** Bytes of the value of `name`, several lines joined with `,`. */
export function fieldBytes(head: RequestHead, name: string, first: number): number {
  const { fields } = head;
  let bytes = -1;
  for (let field = first; field >= 0; field = fieldNamed(head, name, field + 1))
    bytes += 1 + fields[field * 4 + 3]! - fields[field * 4 + 2]!;
  return bytes;
}

/** The value of `name` as text, several lines joined with `,`. */
export function fieldText(head: RequestHead, name: string, first: number): string {
  const { bytes, fields } = head;
  let text = "";
  for (let field = first; field >= 0; field = fieldNamed(head, name, field + 1)) {
    if (field !== first) text += ",";
    text += textOf(bytes, fields[field * 4 + 2]!, fields[field * 4 + 3]!);
  }
  return text;
}
