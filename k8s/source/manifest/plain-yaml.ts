// Plain YAML: the part of YAML that nearly every manifest keeps to, read four times as fast as by a parser of the whole language. It reads nothing
// differently: what it does not know for certain to mean the same to js-yaml, it leaves to that.
import {
  bar,
  codeAt,
  colon,
  dash,
  doubleQuote,
  hash,
  newline,
  openBrace,
  openBracket,
  singleQuote,
  space,
} from "./plain-characters.ts";
import { PlainFlow, type Found, type Value } from "./plain-flow.ts";
import { isNewKey, keyEnd, resolved, startsScalar } from "./plain-scalars.ts";

/**
 * Longest text that is read here, characters. So a value too many, or one nested too deep, cannot come of it: there are no aliases, and a value
 * takes two characters at least.
 */
export const plainCharacters = 128 * 1024;

/** Maps and lists inside each other. */
const deepest = 50;

/** Everything but ASCII that can be printed and line feeds: tabs, carriage returns, byte order marks, letters of the world. */
const notPlain = /[^\n -~]/;

/** The one value of the document; undefined: read it with js-yaml, which may find another value, none, several or an error. */
export function readPlainYaml(text: string): unknown {
  return text.length > plainCharacters || notPlain.test(text) ? undefined : new PlainReader(text).document();
}

/** Reads line by line; `#at` is the first character that was not taken. */
class PlainReader {
  readonly #text: string;
  readonly #flow: PlainFlow;
  #at = 0;
  /** Column of the first character of the line that is read now, or of a map behind a dash in it; -1: there are no more lines. */
  #indent = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
    this.#flow = new PlainFlow(text);
  }

  document(): Found {
    this.#nextLine();
    if (this.#indent === 0 && this.#text.startsWith("---", this.#at)) {
      this.#at += 3;
      if (!this.#endLine()) return undefined;
    }
    if (this.#indent < 0) return undefined;
    const value = this.#node();
    return this.#indent < 0 ? value : undefined;
  }

  /** From the start of a line to the first one that holds something. */
  #nextLine(): void {
    const text = this.#text;
    for (let start = this.#at; start < text.length;) {
      let at = start;
      while (at < text.length && text.charCodeAt(at) === space) at += 1;
      const first = codeAt(this.#text, at);
      if (first !== newline && first !== hash) {
        this.#at = at;
        this.#indent = at - start;
        return;
      }
      start = this.#lineEnd(at) + 1;
    }
    this.#at = text.length;
    this.#indent = -1;
  }

  /** false: something stands behind what was read. */
  #endLine(): boolean {
    let at = this.#at;
    while (codeAt(this.#text, at) === space) at += 1;
    const first = codeAt(this.#text, at);
    if (first !== newline && (first !== hash || at === this.#at)) return false;
    this.#at = this.#lineEnd(at) + 1;
    this.#nextLine();
    return true;
  }

  #lineEnd(from: number): number {
    const end = this.#text.indexOf("\n", from);
    return end < 0 ? this.#text.length : end;
  }

  // ---- blocks

  /** What begins with the line at `#at`. Each of these leaves `#at` at the next line that is not its own. */
  #node(): Found {
    if (this.#depth === deepest) return undefined;
    this.#depth += 1;
    const first = codeAt(this.#text, this.#at);
    const value =
      first === openBrace || first === openBracket ? this.#closedLine() : this.#isDash() ? this.#list() : this.#map();
    this.#depth -= 1;
    return value;
  }

  #isDash(): boolean {
    if (codeAt(this.#text, this.#at) !== dash) return false;
    const next = codeAt(this.#text, this.#at + 1);
    return next === space || next === newline;
  }

  #list(): Found {
    const column = this.#indent;
    const list: Value[] = [];
    do {
      const dashAt = this.#at;
      let at = dashAt + 1;
      while (codeAt(this.#text, at) === space) at += 1;
      this.#at = at;
      let item: Found;
      if (this.#isEnd(at)) item = this.#below(column, false);
      else if (keyEnd(this.#text, at) >= 0) {
        this.#indent = column + at - dashAt;
        item = this.#node();
      } else item = this.#inline(column);
      if (item === undefined) return undefined;
      list.push(item);
    } while (this.#indent === column && this.#isDash());
    return this.#indent > column ? undefined : list;
  }

  #map(): Found {
    const column = this.#indent;
    const map: { [key: string]: Value } = {};
    do {
      const end = keyEnd(this.#text, this.#at);
      if (end < 0) return undefined;
      const key = this.#text.slice(this.#at, end);
      if (!isNewKey(map, key)) return undefined;
      let at = end + 1;
      while (codeAt(this.#text, at) === space) at += 1;
      this.#at = at;
      const value = this.#isEnd(at) ? this.#below(column, true) : this.#inline(column);
      if (value === undefined) return undefined;
      map[key] = value;
    } while (this.#indent === column);
    return this.#indent > column ? undefined : map;
  }

  /** `at` is the end of a line or begins a comment; white space stands before. */
  #isEnd(at: number): boolean {
    const code = codeAt(this.#text, at);
    return code === newline || (code === hash && codeAt(this.#text, at - 1) === space);
  }

  /** The value in the lines below a key or dash in `column`, or null where there is none. */
  #below(column: number, inMap: boolean): Found {
    if (!this.#endLine()) return undefined;
    if (this.#indent > column || (inMap && this.#indent === column && this.#isDash())) return this.#node();
    return null;
  }

  /** The value in the line of its key or dash. What goes on in a deeper line is not plain. */
  #inline(column: number): Found {
    const first = codeAt(this.#text, this.#at);
    if (first === bar) return this.#literal(column);
    const value =
      first === openBrace || first === openBracket || first === doubleQuote || first === singleQuote
        ? this.#closedLine()
        : this.#scalarLine();
    return this.#indent > column ? undefined : value;
  }

  #scalarLine(): Found {
    const text = this.#text;
    const start = this.#at;
    if (!startsScalar(this.#text, start)) return undefined;
    const stop = this.#lineEnd(start);
    let end = start;
    for (let at = start; at < stop; at++) {
      const code = text.charCodeAt(at);
      if (code === colon && (at + 1 === stop || text.charCodeAt(at + 1) === space)) return undefined;
      if (code === hash && text.charCodeAt(at - 1) === space) break;
      if (code !== space) end = at + 1;
    }
    this.#at = stop + 1;
    this.#nextLine();
    return resolved(text.slice(start, end));
  }

  /** `|` or `|-`, and lines without an empty one between them. */
  #literal(column: number): Found {
    const text = this.#text;
    const isStripped = codeAt(this.#text, this.#at + 1) === dash;
    let start = this.#at + (isStripped ? 2 : 1);
    if (codeAt(this.#text, start) !== newline) return undefined;
    start += 1;
    let indent = -1;
    let value = "";
    while (start < text.length) {
      let at = start;
      while (codeAt(this.#text, at) === space) at += 1;
      if (codeAt(this.#text, at) === newline) return undefined;
      if (indent < 0) {
        if (at - start <= column) return undefined;
        indent = at - start;
      } else if (at - start < indent) {
        break;
      } else {
        value += "\n";
      }
      const end = this.#lineEnd(at);
      value += text.slice(start + indent, end);
      start = end + 1;
    }
    if (indent < 0) return undefined;
    this.#at = start;
    this.#nextLine();
    if (this.#indent > column) return undefined;
    return isStripped ? value : `${value}\n`;
  }

  /** What its last character ends: brackets, or quotes. */
  #closedLine(): Found {
    const value = this.#flow.read(this.#at);
    this.#at = this.#flow.end;
    return value !== undefined && this.#endLine() ? value : undefined;
  }
}
