// The path of one value in a JSON document, as RFC 9535 writes it: `$.truth.clicked`, `$.truth.data.ndarray[0]`, `$["user.id"]`.
import { visible } from "./visible.ts";

/** From the outside in: a key of an object, or an index of a list. */
export type JsonPath = readonly (string | number)[];

/** Of a text, in characters. */
export const maxPathLength = 256;
export const maxPathKeys = 16;
/** Characters of one key. */
export const maxKeyLength = 64;

const dotted = /\.([\p{L}\p{N}_-]+)/uy;
const indexed = /\[(0|[1-9]\d{0,5})\]/y;
const inDoubleQuotes = /\[("(?:[^"\\]|\\.)*")\]/uy;
const inSingleQuotes = /\['([^'\\]*)'\]/uy;
/** What names several values, or none by itself. */
const several = /^(?:\.\.|\.?\*|\[\s*(?:\*|\?|-|\d*:|\d+,))/;
/** Characters that stand in a quoted key as they are: others might end a clause or a word of the text around it. */
const unescaped = /[^\p{L}\p{N}_.\-/@]/gu;

/**
 * At most `maxPathKeys` keys and indexes of at most 999999, and at least one. A path names one value, so it has no wildcard, slice or filter.
 * `mistake`: one clear sentence, with what to write.
 */
export function readJsonPath(text: string): { readonly path: JsonPath } | { readonly mistake: string } {
  const mistake = (why: string): { readonly mistake: string } => ({ mistake: `the path ${why}` });
  if (text.length > maxPathLength) return mistake(`has more than ${maxPathLength} characters; write a shorter one`);
  if (!text.startsWith("$"))
    return mistake(
      `does not begin with "$"; write ${shown(`$${text.startsWith("[") ? "" : "."}${text || "truth.clicked"}`)}`,
    );
  const path: (string | number)[] = [];
  for (let at = 1; at < text.length;) {
    const found = segmentAt(text, at);
    if (found === null) {
      const rest = text.slice(at);
      return several.test(rest)
        ? mistake(`names several values at ${shown(rest)}; write one without "..", "*", ":" and "?"`)
        : mistake(`is not understood from ${shown(rest)} on; write it as $.truth.clicked, $.items[0] or $["user.id"]`);
    }
    const [key, end] = found;
    if (typeof key === "string" && key.length > maxKeyLength)
      return mistake(`has a key of more than ${maxKeyLength} characters; name another value`);
    if (path.length === maxPathKeys) return mistake(`has more than ${maxPathKeys} keys; name a value less deep`);
    path.push(key);
    at = end;
  }
  return path.length === 0 ? mistake("names the whole document; write the keys, as in $.truth.clicked") : { path };
}

/** The text that reads as the same path, without spaces, commas and semicolons. */
export function printJsonPath(path: JsonPath): string {
  return `$${path
    .map((key) => {
      if (typeof key === "number") return `[${key}]`;
      return /^[\p{L}\p{N}_-]+$/u.test(key)
        ? `.${key}`
        : `["${key.replace(unescaped, (one) => Array.from({ length: one.length }, (_, at) => escaped(one.charCodeAt(at))).join(""))}"]`;
    })
    .join("")}`;
}

function escaped(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, "0")}`;
}

/** The key that stands there, and where it ends; null: none does. */
function segmentAt(text: string, at: number): readonly [key: string | number, end: number] | null {
  const found = (form: RegExp): string | null => {
    form.lastIndex = at;
    return form.exec(text)?.[1] ?? null;
  };
  const name = found(dotted);
  if (name !== null) return [name, dotted.lastIndex];
  const index = found(indexed);
  if (index !== null) return [Number(index), indexed.lastIndex];
  const quoted = found(inDoubleQuotes);
  if (quoted === null) {
    const plain = found(inSingleQuotes);
    return plain === null ? null : [plain, inSingleQuotes.lastIndex];
  }
  try {
    return [JSON.parse(quoted) as string, inDoubleQuotes.lastIndex];
  } catch {
    return null;
  }
}

/** A text of a tenant inside a sentence: escaped, in quotes, cut after 40 characters. */
function shown(text: string): string {
  return `"${visible(text.length > 40 ? `${text.slice(0, 39)}…` : text)}"`;
}
