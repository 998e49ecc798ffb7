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
const preamble = /^(?:[ \t]*(?:#.*)?\r?\n|%.*\n)*$/;

/** The lines before a document's first value. */
const lead = /^(?:[ \t]*(?:#.*)?\r?\n|%.*\n|---[ \t]*(?:#.*)?\r?\n)*/;

/** Cuts a stream at its markers. The texts joined give the input; a document may be empty. */
export function* splitDocuments(text: string): Generator<ManifestDocument> {
  let start = 0;
  let line = 1;
  for (const end of cuts(text)) {
    const part = text.slice(start, end);
    yield { text: part, line, contentLine: line + countLines(lead.exec(part)?.[0] ?? '') };
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
    if (match[1] === '---') {
      if (preamble.test(text.slice(start, at))) continue;
    } else {
      end = text.indexOf('\n', at) + 1;
      if (end === 0) break;
    }
    yield end;
    start = end;
  }
  if (start < text.length) yield text.length;
}

function countLines(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count++;
  return count;
}
