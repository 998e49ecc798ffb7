// Documents of a YAML stream, cut before parsing, so that each has its own bound and an error in one leaves the others.

export interface ManifestDocument {
  readonly text: string;
  /** Line of the file, from 1, that the text starts with. */
  readonly line: number;
  /** Line of the first thing in it that is neither white space, comment, directive nor marker. */
  readonly contentLine: number;
}

/** `---` or `...` at the start of a line, which YAML 1.2 §9.1.2 allows inside no scalar. */
const marker = /(?:^|\n)(---|\.\.\.)(?=[ \t\r\n]|$)/g;

/** Only comments, directives and white space: what may stand before a `---` and belongs to the document that it starts. */
const preamble = /^(?:[ \t]*(?:#[^\n]*)?\r?\n|%[^\n]*\n)*$/;

/** The lines before a document's first value. */
const lead = /^(?:[ \t]*(?:#[^\n]*)?\r?\n|%[^\n]*\n|---[ \t]*(?:#[^\n]*)?\r?\n)*/;

/** Cuts a stream at its markers. The texts joined give the input; a document may be empty. */
export function* splitDocuments(text: string): Generator<ManifestDocument> {
  let start = 0;
  let line = 1;
  for (const end of cuts(text)) {
    const part = text.slice(start, end);
    yield { text: part, line, contentLine: line + countLines(lead.exec(part)?.[0] ?? "") };
    line += countLines(part);
    start = end;
  }
}

/** Ends of the documents, rising; the last is the end of the text. */
function* cuts(text: string): Generator<number> {
  let start = 0;
  for (const match of text.matchAll(marker)) {
    const at = match.index + match[0].length - 3;
    let end = at;
    if (match[1] === "---") {
      if (preamble.test(text.slice(start, at))) continue;
    } else {
      end = text.indexOf("\n", at) + 1;
      if (end === 0) break;
    }
    yield end;
    start = end;
  }
  if (start < text.length) yield text.length;
}

/**
 * Cuts a text of one or more JSON values into those values. Where it stops being JSON, the rest is one document, whose reader says what is wrong.
 * `most`: characters up to which a text is taken for one value without looking.
 */
export function* splitJson(text: string, most: number): Generator<ManifestDocument> {
  if (text.length <= most && isJson(text))
    return yield { text, line: 1, contentLine: 1 + countLines(/^\s*/.exec(text)![0]) };
  let start = 0;
  let line = 1;
  while (start < text.length) {
    const end = jsonValueEnd(text, start);
    const part = text.slice(start, end ?? text.length);
    if (part.trim() !== "") yield { text: part, line, contentLine: line + countLines(/^\s*/.exec(part)![0]) };
    line += countLines(part);
    start += part.length;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** End of the map or list that begins at `start`, after white space; null: it does not end, or something else begins there. */
function jsonValueEnd(text: string, start: number): number | null {
  let at = start;
  while (at < text.length && " \t\r\n".includes(text[at]!)) at++;
  if (text[at] !== "{" && text[at] !== "[") return null;
  let depth = 0;
  let inText = false;
  for (; at < text.length; at++) {
    const character = text[at];
    if (character === '"') inText = !inText;
    else if (inText) at += character === "\\" ? 1 : 0;
    else if (character === "{" || character === "[") depth += 1;
    else if (character === "}" || character === "]") depth -= 1;
    if (depth === 0 && !inText) return at + 1;
  }
  return null;
}

function countLines(text: string): number {
  let count = 0;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) count++;
  return count;
}
