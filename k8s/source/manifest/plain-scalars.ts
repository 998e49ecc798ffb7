// Scalars and keys of plain YAML: which characters they may have, and what they mean (YAML 1.2 §10.3.2, the core schema).
import { floatCoreTag, intCoreTag, NOT_RESOLVED } from "js-yaml";
import { codeAt, colon, dash, newline, space } from "./plain-characters.ts";

export type Scalar = string | number | boolean | null;

/** What YAML 1.2 §10.3 resolves to something else than text. */
const words: ReadonlyMap<string, boolean | null> = new Map<string, boolean | null>([
  ...["null", "Null", "NULL"].map((word) => [word, null] as const),
  ...["true", "True", "TRUE"].map((word) => [word, true] as const),
  ...["false", "False", "FALSE"].map((word) => [word, false] as const),
]);

/** Of a character: it may begin a key, stand in one, begin a scalar without quotes, stand in one inside brackets. */
const [keyStart, keyPart, scalarStart] = [1, 2, 4];
export const flowPart = 8;
/** By character, ASCII. */
export const uses = new Uint8Array(128);
for (const letter of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_")
  uses[letter.charCodeAt(0)] = keyStart | keyPart | scalarStart | flowPart;
for (const character of "0123456789./") uses[character.charCodeAt(0)] = keyPart | scalarStart | flowPart;
uses["-".charCodeAt(0)] = keyPart | flowPart;
uses["+".charCodeAt(0)] = scalarStart | flowPart;
for (const character of "=()^$;~") uses[character.charCodeAt(0)] = flowPart;

const dot = 0x2e;
const zero = 0x30;
const nine = 0x39;
const lowerCase = 0x20;
const letterF = 0x66;
const letterN = 0x6e;
const letterT = 0x74;
/** Digits of a whole number that is exact. */
const exactDigits = 15;

/** End of a key without quotes whose colon is followed by white space; -1: there is none. */
export function keyEnd(text: string, start: number): number {
  if ((uses[codeAt(text, start)]! & keyStart) === 0) return -1;
  let at = start + 1;
  while (at < text.length && (uses[text.charCodeAt(at)]! & keyPart) !== 0) at += 1;
  if (codeAt(text, at) !== colon) return -1;
  const next = codeAt(text, at + 1);
  return next === space || next === newline ? at : -1;
}

export function startsScalar(text: string, at: number): boolean {
  const code = codeAt(text, at);
  return (uses[code]! & scalarStart) !== 0 || (code === dash && (uses[codeAt(text, at + 1)]! & scalarStart) !== 0);
}

/** false: the key says something else than its letters, or stands in the map already. */
export function isNewKey(map: object, key: string): boolean {
  return !Object.hasOwn(map, key) && key !== "__proto__" && wordOf(key) === undefined;
}

/** undefined: it is text. */
function wordOf(text: string): boolean | null | undefined {
  if (text.length < 4 || text.length > 5) return undefined;
  const first = text.charCodeAt(0) | lowerCase;
  return first === letterN || first === letterT || first === letterF ? words.get(text) : undefined;
}

/** What a scalar without quotes is that begins with a character of `scalarStart`, or with a dash before one. */
export function resolved(text: string): Scalar {
  const first = text.charCodeAt(0);
  if (first > nine) {
    const word = wordOf(text);
    return word === undefined ? text : word;
  }
  let number = text.length <= exactDigits ? 0 : -1;
  for (let at = 0; at < text.length && number >= 0; at++) {
    const code = text.charCodeAt(at);
    number = code >= zero && code <= nine ? number * 10 + code - zero : -1;
  }
  if (number >= 0) return number;
  if (first !== dot) {
    const integer = intCoreTag.resolve(text, false, intCoreTag.tagName);
    if (integer !== NOT_RESOLVED) return integer;
  }
  const float = floatCoreTag.resolve(text, false, floatCoreTag.tagName);
  return float === NOT_RESOLVED ? text : float;
}
