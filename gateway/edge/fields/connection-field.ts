// The Connection field: tokens for this hop, and the names of fields that go no further (RFC 9110 §7.6.1).
import { comma, isToken, space, tab } from "./characters.ts";
import { kind, kindOf } from "./field-kind.ts";
import { isWord, type FieldList } from "./fields.ts";

/** What Connection said, bits. */
export const says = { close: 1, keepAlive: 2, upgrade: 4, refused: 8 } as const;

/** Tokens in all Connection fields of one head: each is compared with every field. */
export const mostConnectionTokens = 32;

/** Bits below this one are `says`; above them stands how many tokens were read. */
const oneToken = 16;

/**
 * Reads one Connection field, and marks the fields that it nominates as hop-by-hop. `before`: what this returned for the field before it in the same head;
 * 0 for the first. Returns bits of `says` of all of them, and above these how many tokens they had. Refused: more than `mostConnectionTokens`, what is no list
 * of tokens, and nominations of fields that frame, route or vouch for a request: with these a client would strip what a proxy in front of this one said.
 */
export function readConnectionField(list: FieldList, field: number, before: number): number {
  const { bytes, fields } = list;
  const end = fields[field * 4 + 3]!;
  let bits = before;
  for (let at = fields[field * 4 + 2]!; at < end; at++) {
    while (at < end && (bytes[at] === space || bytes[at] === tab)) at++;
    const start = at;
    while (at < end && isToken[bytes[at]!] === 1) at++;
    const tokenEnd = at;
    while (at < end && (bytes[at] === space || bytes[at] === tab)) at++;
    if (at < end && bytes[at] !== comma) return bits | says.refused;
    if (tokenEnd === start) continue;
    bits += oneToken;
    if (bits >= (mostConnectionTokens + 1) * oneToken) return bits | says.refused;
    if (isWord(bytes, start, tokenEnd, "close")) bits |= says.close;
    else if (isWord(bytes, start, tokenEnd, "keep-alive")) bits |= says.keepAlive;
    else if (isWord(bytes, start, tokenEnd, "upgrade")) bits |= says.upgrade;
    else bits |= nominate(list, start, tokenEnd);
  }
  return bits;
}

function nominate(list: FieldList, start: number, end: number): number {
  const { bytes, fields, kinds, fieldCount } = list;
  switch (kindOf(bytes, start, end)) {
    case kind.hop:
    case kind.te:
    case kind.underscoreAlias:
      return 0;
    case kind.other:
    case kind.trailer:
      break;
    default:
      return says.refused;
  }
  for (let field = 0; field < fieldCount; field++) {
    const name = fields[field * 4]!;
    if (fields[field * 4 + 1]! - name === end - start && sameName(bytes, name, start, end - start))
      kinds[field] = kind.hop;
  }
  return 0;
}

function sameName(bytes: Uint8Array, a: number, b: number, length: number): boolean {
  for (let i = 0; i < length; i++) {
    if ((bytes[a + i]! | 0x20) !== (bytes[b + i]! | 0x20)) return false;
  }
  return true;
}
