// Plain YAML inside one line: lists and maps in brackets, and what stands in quotes.
import {
  backslash,
  closeBrace,
  closeBracket,
  codeAt,
  comma,
  doubleQuote,
  newline,
  openBrace,
  openBracket,
  singleQuote,
  space,
} from "./plain-characters.ts";
import { flowPart, isNewKey, keyEnd, resolved, startsScalar, uses, type Scalar } from "./plain-scalars.ts";

export type Value = Scalar | Value[] | { [key: string]: Value };
/** undefined: it is not plain, and nothing that was read so far counts. */
export type Found = Value | undefined;

/** Brackets inside each other. */
const deepest = 40;

export class PlainFlow {
  readonly #text: string;
  #at = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** The value that begins at `at`. */
  read(at: number): Found {
    this.#at = at;
    return this.#value();
  }

  /** Behind the value that was read. */
  get end(): number {
    return this.#at;
  }

  /** Without an escape and in one line. */
  #quoted(mark: number): string | undefined {
    const text = this.#text;
    const start = this.#at + 1;
    let at = start;
    for (; ; at++) {
      const code = codeAt(this.#text, at);
      if (code === mark) break;
      if (code === newline || (code === backslash && mark === doubleQuote)) return undefined;
    }
    if (codeAt(this.#text, at + 1) === mark) return undefined;
    this.#at = at + 1;
    return text.slice(start, at);
  }

  #value(): Found {
    const first = codeAt(this.#text, this.#at);
    if (first === doubleQuote || first === singleQuote) return this.#quoted(first);
    if (first !== openBrace && first !== openBracket) return this.#scalar();
    if (this.#depth === deepest) return undefined;
    this.#depth += 1;
    const value = first === openBrace ? this.#map() : this.#list();
    this.#depth -= 1;
    return value;
  }

  #list(): Found {
    const list: Value[] = [];
    this.#skip(1);
    if (codeAt(this.#text, this.#at) !== closeBracket) {
      for (;;) {
        const item = this.#value();
        if (item === undefined) return undefined;
        list.push(item);
        this.#skip(0);
        if (codeAt(this.#text, this.#at) !== comma) break;
        this.#skip(1);
      }
      if (codeAt(this.#text, this.#at) !== closeBracket) return undefined;
    }
    this.#at += 1;
    return list;
  }

  #map(): Found {
    const map: { [key: string]: Value } = {};
    this.#skip(1);
    if (codeAt(this.#text, this.#at) !== closeBrace) {
      for (;;) {
        const end = keyEnd(this.#text, this.#at);
        if (end < 0) return undefined;
        const key = this.#text.slice(this.#at, end);
        if (!isNewKey(map, key)) return undefined;
        this.#at = end;
        this.#skip(1);
        const value = this.#value();
        if (value === undefined) return undefined;
        map[key] = value;
        this.#skip(0);
        if (codeAt(this.#text, this.#at) !== comma) break;
        this.#skip(1);
      }
      if (codeAt(this.#text, this.#at) !== closeBrace) return undefined;
    }
    this.#at += 1;
    return map;
  }

  #skip(characters: number): void {
    this.#at += characters;
    while (codeAt(this.#text, this.#at) === space) this.#at += 1;
  }

  /** One word; with spaces or a colon inside it is not plain here, but a colon that begins the `//` of an address. */
  #scalar(): Found {
    const text = this.#text;
    const start = this.#at;
    if (!startsScalar(this.#text, start)) return undefined;
    let at = start + 1;
    while (at < text.length && ((uses[text.charCodeAt(at)]! & flowPart) !== 0 || text.startsWith("://", at))) at += 1;
    this.#at = at;
    return resolved(text.slice(start, at));
  }
}
