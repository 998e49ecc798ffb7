// JsonValues: some texts, numbers and truth values of a JSON document, found by their paths as its bytes pass: nothing of it is kept but what is asked for, and a long document costs its
// length. What is no JSON gives nothing from the place on where it shows.
import type { JsonPath } from "../../../routing/text/json-path.ts";

/** Deeper documents give nothing. */
export const maxDepth = 128;
/** Bytes of a key or a value, as they are written; longer ones are none. */
export const maxValueBytes = 512;

/** What is found: a text, a number that is finite, or a truth value. */
export type Found = string | number | boolean;

/** Paths by their common beginnings. */
interface Node {
  readonly next: Map<string | number, Node>;
  /** Numbers of the paths that end here. */
  readonly ends: number[];
  /** Numbers of the paths that end here or lead through. */
  readonly all: number[];
}

const states = { value: 0, firstKey: 1, key: 2, colon: 3, after: 4, text: 5, keyText: 6, word: 7, done: 8, wrong: 9 };
type State = (typeof states)[keyof typeof states];

const [quote, backslash, comma, colon] = [0x22, 0x5c, 0x2c, 0x3a];
const [openObject, closeObject, openList, closeList] = [0x7b, 0x7d, 0x5b, 0x5d];

const isSpace = tableOf(" \t\r\n");
/** Of numbers, and of `true`, `false` and `null`. */
const isWord = tableOf("0123456789+-.abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

function tableOf(characters: string): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => (characters.includes(String.fromCharCode(byte)) ? 1 : 0));
}

export class JsonValues {
  readonly #root: Node = { next: new Map(), ends: [], all: [] };
  /** By path; null: nothing was found. Of a key that is there twice the last one, as parsers have it. */
  readonly found: (Found | null)[];
  #state: State = states.value;
  readonly #isObject = new Uint8Array(maxDepth);
  /** By depth: what is looked for inside; null: nothing. */
  readonly #inside: (Node | null)[] = [];
  /** By depth: of a list, the index of the value under way. */
  readonly #index = new Float64Array(maxDepth);
  #depth = 0;
  /** Where the value under way leads; null: nowhere. */
  #node: Node | null = this.#root;
  /** Of the key, text or word under way, if it is wanted. */
  readonly #kept = Buffer.allocUnsafe(maxValueBytes);
  #keptBytes = 0;
  #isKept = false;
  #isEscaped = false;

  constructor(paths: readonly JsonPath[]) {
    this.found = paths.map(() => null);
    for (const [at, path] of paths.entries()) {
      let node = this.#root;
      for (const key of path) {
        if (!node.next.has(key)) node.next.set(key, { next: new Map(), ends: [], all: [] });
        node = node.next.get(key)!;
        node.all.push(at);
      }
      node.ends.push(at);
    }
  }

  /** It came to its end, and is whole. */
  get isWhole(): boolean {
    return this.#state === states.done;
  }

  /** The next bytes, `bytes[start..end)`. */
  take(bytes: Uint8Array, start: number, end: number): void {
    let at = start;
    while (at < end) {
      const state = this.#state;
      if (state === states.wrong) return;
      if (state === states.text || state === states.keyText) at = this.#inText(bytes, at, end);
      else if (state === states.word) at = this.#inWord(bytes, at, end);
      else {
        const byte = bytes[at++]!;
        if (isSpace[byte] === 0) this.#state = this.#between(state, byte);
      }
    }
  }

  #between(state: State, byte: number): State {
    switch (state) {
      case states.value:
        return this.#value(byte);
      case states.firstKey:
      case states.key:
        if (byte === closeObject && state === states.firstKey) return this.#close();
        return byte === quote ? this.#begin(states.keyText, this.#inside[this.#depth - 1] !== null) : states.wrong;
      case states.colon:
        return byte === colon ? states.value : states.wrong;
      case states.after: {
        const isObject = this.#isObject[this.#depth - 1] === 1;
        if (byte === comma) {
          this.#node = isObject ? null : this.#atIndex(this.#index[this.#depth - 1]! + 1);
          return isObject ? states.key : states.value;
        }
        return byte === (isObject ? closeObject : closeList) ? this.#close() : states.wrong;
      }
      default:
        return states.wrong;
    }
  }

  #value(byte: number): State {
    const isWanted = this.#node !== null && this.#node.ends.length > 0;
    // Whatever stands there now holds, and nothing of what stood there before.
    if (this.#node !== null) for (const one of this.#node.all) this.found[one] = null;
    if (byte === quote) return this.#begin(states.text, isWanted);
    if (byte === openObject || byte === openList) {
      if (this.#depth === maxDepth) return states.wrong;
      const isObject = byte === openObject;
      this.#isObject[this.#depth] = isObject ? 1 : 0;
      this.#inside[this.#depth++] = this.#node;
      this.#node = isObject ? null : this.#atIndex(0);
      return isObject ? states.firstKey : states.value;
    }
    if (byte === closeList && this.#depth > 0 && this.#isObject[this.#depth - 1] === 0) return this.#close();
    if (isWord[byte] === 0) return states.wrong;
    this.#begin(states.word, isWanted);
    this.#keep(byte);
    return states.word;
  }

  /** The value of this index comes next in the innermost list. */
  #atIndex(index: number): Node | null {
    this.#index[this.#depth - 1] = index;
    return this.#inside[this.#depth - 1]?.next.get(index) ?? null;
  }

  #close(): State {
    this.#depth -= 1;
    this.#inside[this.#depth] = null;
    return this.#depth === 0 ? states.done : states.after;
  }

  #begin(state: State, isKept: boolean): State {
    this.#isKept = isKept;
    this.#keptBytes = 0;
    this.#isEscaped = false;
    return state;
  }

  #keep(byte: number): void {
    if (!this.#isKept) return;
    if (this.#keptBytes === maxValueBytes) this.#isKept = false;
    else this.#kept[this.#keptBytes++] = byte;
  }

  #inText(bytes: Uint8Array, start: number, end: number): number {
    for (let at = start; at < end; at++) {
      const byte = bytes[at]!;
      if (this.#isEscaped) this.#isEscaped = false;
      else if (byte === quote) {
        this.#textEnded();
        return at + 1;
      } else if (byte === backslash) this.#isEscaped = true;
      this.#keep(byte);
    }
    return end;
  }

  #textEnded(): void {
    const text = this.#isKept ? textOf(this.#kept.toString("utf8", 0, this.#keptBytes)) : null;
    if (this.#state === states.keyText) {
      this.#node = text === null ? null : (this.#inside[this.#depth - 1]?.next.get(text) ?? null);
      this.#state = states.colon;
      return;
    }
    this.#put(text);
  }

  #inWord(bytes: Uint8Array, start: number, end: number): number {
    for (let at = start; at < end; at++) {
      const byte = bytes[at]!;
      if (isWord[byte] === 0) {
        this.#put(this.#isKept ? wordOf(this.#kept.toString("latin1", 0, this.#keptBytes)) : null);
        return at;
      }
      this.#keep(byte);
    }
    return end;
  }

  #put(value: Found | null): void {
    if (this.#node !== null) for (const path of this.#node.ends) this.found[path] = value;
    this.#state = this.#depth === 0 ? states.done : states.after;
  }
}

/** null: it is none. */
function textOf(written: string): string | null {
  try {
    return JSON.parse(`"${written}"`) as string;
  } catch {
    return null;
  }
}

/** null: it is neither a truth value nor a number that a double holds. */
function wordOf(written: string): number | boolean | null {
  if (written === "true" || written === "false") return written === "true";
  if (!/^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(written)) return null;
  const value = Number(written);
  return Number.isFinite(value) ? value : null;
}
