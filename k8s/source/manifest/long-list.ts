// Long Lists: what `kubectl get … -o yaml` gives is one document, however many objects it holds. Its items are cut out of the text, so that each is
// read, bounded and waited for by itself.
import type { ManifestDocument } from "../objects/documents.ts";
import type { Work } from "../objects/work.ts";

export interface LongList {
  /** The document without its items: `items: []`. */
  readonly envelope: string;
  readonly items: readonly ManifestDocument[];
  /** YAML: each item is the text of a list of one. JSON: of a value. */
  readonly notation: "yaml" | "json";
  /** There are more items than were cut. */
  readonly more: boolean;
}

/** Characters that are looked at between two pauses. */
const slice = 256 * 1024;

/** Cuts at most `most` items; null: the document has no `items` of its own in block style, or as JSON. */
export function* cutList(document: ManifestDocument, most: number): Work<LongList | null> {
  return yield* /^(?:\s|#.*\n|---[ \t]*\n)*\{/.test(document.text.slice(0, slice))
    ? cutJson(document, most)
    : cutYaml(document, most);
}

/**
 * In block style nothing inside an item stands as far left as its dash, so that the next dash there begins the next item, and anything else there
 * ends the list (YAML 1.2 §8.2).
 */
function* cutYaml({ text, line: firstLine }: ManifestDocument, most: number): Work<LongList | null> {
  const key = /^items:[ \t]*(?:#.*)?\r?\n/m.exec(text);
  if (key === null) return null;
  const from = key.index + key[0].length;
  let line = firstLine + linesIn(text.slice(0, from));
  let paused = from;
  let indent = -1;
  let end = text.length;
  const starts: { readonly at: number; readonly line: number }[] = [];
  for (let at = from; at < text.length; line += 1) {
    const next = text.indexOf("\n", at) < 0 ? text.length : text.indexOf("\n", at) + 1;
    let first = at;
    while (first < next && text[first] === " ") first += 1;
    const column = first - at;
    if (column <= indent || indent < 0) {
      if (isDash(text, first) && (indent < 0 || column === indent)) {
        indent = column;
        if (starts.length > most) break;
        starts.push({ at, line });
      } else if (!"\t\r\n#".includes(text[first] ?? "\n")) {
        end = at;
        break;
      }
    }
    at = next;
    if (at - paused < slice) continue;
    paused = at;
    yield;
  }
  if (starts.length === 0) return null;
  const items = starts.slice(0, most).map((start, index) => ({
    text: text.slice(start.at, starts[index + 1]?.at ?? end),
    line: start.line,
    contentLine: start.line,
  }));
  return {
    envelope: `${text.slice(0, key.index)}items: []\n${text.slice(end)}`,
    items,
    notation: "yaml",
    more: starts.length > most,
  };
}

function isDash(text: string, at: number): boolean {
  return text[at] === "-" && (at + 1 === text.length || " \t\r\n".includes(text[at + 1]!));
}

/** The elements of the `items` that stands in the outermost map. */
function* cutJson({ text, line: firstLine }: ManifestDocument, most: number): Work<LongList | null> {
  const items: ManifestDocument[] = [];
  let [depth, from, end, line, itemLine, paused] = [0, -1, -1, firstLine, firstLine, 0];
  let [word, key] = ["", ""];
  const close = (at: number): void => {
    const item = text.slice(from, at);
    if (item.trim() !== "")
      items.push({ text: item, line: itemLine, contentLine: itemLine + linesIn(/^\s*/.exec(item)![0]) });
    [from, itemLine] = [at + 1, line];
  };
  let begin = -1;
  for (let at = 0; at < text.length && items.length <= most; at++) {
    const character = text[at];
    if (character === "\n") line += 1;
    else if (character === '"') {
      const start = at + 1;
      for (at = start; at < text.length && text[at] !== '"'; at++) if (text[at] === "\\") at += 1;
      if (depth === 1) word = text.slice(start, Math.min(at, start + 8));
    } else if (character === ":" && depth === 1) key = word;
    else if (character === "," && depth === 1) key = "";
    else if (character === "," && depth === 2 && begin >= 0 && end < 0) close(at);
    else if (character === "{" || character === "[") {
      depth += 1;
      if (depth === 2 && character === "[" && key === "items" && begin < 0)
        [begin, from, itemLine] = [at, at + 1, line];
    } else if (character === "}" || character === "]") {
      if (depth === 2 && begin >= 0 && end < 0) {
        close(at);
        end = at;
      }
      depth -= 1;
    }
    if (at - paused < slice) continue;
    paused = at;
    yield;
  }
  if (begin < 0) return null;
  if (items.length > most) return { envelope: "", items: items.slice(0, most), notation: "json", more: true };
  return end < 0
    ? null
    : { envelope: `${text.slice(0, begin + 1)}${text.slice(end)}`, items, notation: "json", more: false };
}

function linesIn(text: string): number {
  let count = 0;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) count++;
  return count;
}
