// What a header field means to HTTP/2: found once, when its literal is read, and kept with the entry of the dynamic table, so that an
// indexed field costs no look at its bytes. One byte: a pseudo header's number, or the `kind` that HTTP/1.1 uses, and whether it is allowed.
import { isToken, isValue, space, tab } from "../fields/characters.ts";
import { kindOf } from "../fields/field-kind.ts";

/** The field breaks RFC 9113 §8.2: a name that is empty, no token or has capitals; a value with CTL or with white space around it. */
export const malformedField = 0x80;
/** A pseudo header: the low bits are its number. */
export const pseudoField = 0x40;
/** The low bits: a `kind` of fields/field-kind.ts, or a number of `pseudo`. */
export const meaningBits = 0x3f;

/** Pseudo headers (RFC 9113 §8.3). */
export const pseudo = { authority: 0, method: 1, path: 2, scheme: 3, status: 4 } as const;
export const pseudoNames: readonly string[] = [":authority", ":method", ":path", ":scheme", ":status"];

const colon = 0x3a;
const pseudoBytes = pseudoNames.map((name) => Buffer.from(name));

/** Name bytes: tokens without capitals. */
const isLowerToken = isToken.map((allowed, byte) => (byte >= 0x41 && byte <= 0x5a ? 0 : allowed));

/** What the name `bytes[start..end)` means. */
export function meaningOfName(bytes: Uint8Array, start: number, end: number): number {
  if (bytes[start] === colon && end > start) return meaningOfPseudo(bytes, start, end);
  if (start === end) return malformedField;
  for (let i = start; i < end; i++) if (isLowerToken[bytes[i]!] !== 1) return malformedField;
  return kindOf(bytes, start, end);
}

function meaningOfPseudo(bytes: Uint8Array, start: number, end: number): number {
  for (let number = 0; number < pseudoBytes.length; number++) {
    const name = pseudoBytes[number]!;
    if (name.length !== end - start) continue;
    let i = 1;
    while (i < name.length && bytes[start + i] === name[i]) i++;
    if (i === name.length) return pseudoField | number;
  }
  return malformedField;
}

/** May this be a field's value? */
export function isFieldValue(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (isValue[bytes[i]!] !== 1) return false;
  if (start === end) return true;
  const first = bytes[start]!;
  const last = bytes[end - 1]!;
  return first !== space && first !== tab && last !== space && last !== tab;
}
