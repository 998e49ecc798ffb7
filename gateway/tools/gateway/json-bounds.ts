// JSON of a port that may not be an admin port: its values take many times the memory of its text.

export interface JsonBounds {
  readonly depth: number;
  readonly values: number;
}

/** Many times what an answer of the admin port has. */
export const jsonBounds: JsonBounds = { depth: 100, values: 4_000_000 };

const [quote, backslash, comma] = [0x22, 0x5c, 0x2c];
const openings: readonly number[] = [0x5b, 0x7b];
const closings: readonly number[] = [0x5d, 0x7d];

/** Is this text, if it is JSON, nested at most this deep, with at most this many values? */
export function isWithinBounds(text: string, bounds = jsonBounds): boolean {
  let [depth, values] = [0, 1];
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === quote) at = endOfString(text, at + 1);
    else if (unit === comma) values++;
    else if (openings.includes(unit)) {
      depth++;
      values++;
    } else if (closings.includes(unit)) depth--;
    if (depth > bounds.depth || values > bounds.values) return false;
  }
  return true;
}

function endOfString(text: string, from: number): number {
  let at = from;
  while (at < text.length && text.charCodeAt(at) !== quote) at += text.charCodeAt(at) === backslash ? 2 : 1;
  return at;
}
