// Lines of the text format of Prometheus, as bytes: a series of many lines says its labels in each, so they are encoded once and copied, and numbers
// become digits without a text between. At 10,000 deployments a scrape is 260,000 lines; as texts they were 0.2 s of CPU and as much garbage as text.
import type { StreamedText } from "./streamed-text.ts";

/** A part of lines that is the same in many, encoded once. ASCII, and short. */
export type Words = Uint8Array;

export function wordsOf(text: string): Words {
  return Buffer.from(text, "latin1");
}

const mostDigits = 24;
const digitZero = 0x30;
const point = 0x2e;
const lineFeed = 0x0a;
const noWords: Words = new Uint8Array(0);
/** Larger numbers are written by `String`. */
const mostCount = 2 ** 31;
const nanosASecond = 1e9;

/** Of one series after the other: `head` labels `tail` number. */
export class SampleLines {
  readonly #text: StreamedText;
  readonly #names: readonly Words[];
  #values: readonly string[] = [];
  /** The piece with the last line of the series; null: there is none. */
  #piece: Buffer | null = null;
  #head: Words = noWords;
  /** Where the labels are there. */
  #at = 0;
  #bytes = 0;

  /** `names`: what stands before the value of each label: `,role="`. */
  constructor(text: StreamedText, names: readonly Words[]) {
    this.#text = text;
    this.#names = names;
  }

  /** Of whom the next lines are: a value for each label, escaped. The list is read until the next one. */
  of(values: readonly string[]): void {
    this.#values = values;
    this.#piece = null;
  }

  /** `count`: a whole number. */
  count(head: Words, tail: Words, count: number): void {
    this.#begin(head, tail);
    const text = this.#text;
    if (count < mostCount) text.used = putDigits(text.piece, text.used, count);
    else this.#number(count);
    text.piece[text.used++] = lineFeed;
  }

  /** To the nanosecond. */
  seconds(head: Words, tail: Words, seconds: number): void {
    this.#begin(head, tail);
    const text = this.#text;
    const whole = Math.floor(seconds);
    const nanos = Math.round((seconds - whole) * nanosASecond);
    if (whole >= 0 && whole < mostCount && nanos < nanosASecond)
      text.used = putDecimals(text.piece, putDigits(text.piece, text.used, whole), nanos);
    else this.#number(seconds);
    text.piece[text.used++] = lineFeed;
  }

  #begin(head: Words, tail: Words): void {
    const text = this.#text;
    text.room(head.length + (this.#piece === null ? this.#mostBytes() : this.#bytes) + tail.length + mostDigits + 1);
    const { piece, used } = text;
    const at = used + head.length;
    if (piece === this.#piece && head === this.#head)
      piece.copyWithin(used, this.#at - head.length, this.#at + this.#bytes);
    else {
      putWords(piece, used, head);
      if (piece === this.#piece) piece.copyWithin(at, this.#at, this.#at + this.#bytes);
      else this.#encode(piece, at);
    }
    this.#head = head;
    this.#at = at;
    text.used = putWords(piece, at + this.#bytes, tail);
  }

  #mostBytes(): number {
    let most = 0;
    // At most three bytes a character.
    for (let index = 0; index < this.#names.length; index++)
      most += this.#names[index]!.length + this.#values[index]!.length * 3;
    return most;
  }

  #encode(piece: Buffer, at: number): void {
    let used = at;
    for (let index = 0; index < this.#names.length; index++) {
      used = putWords(piece, used, this.#names[index]!);
      used += piece.write(this.#values[index]!, used);
    }
    this.#piece = piece;
    this.#bytes = used - at;
  }

  #number(value: number): void {
    const text = this.#text;
    text.used += text.piece.write(String(value), text.used, "latin1");
  }
}

/** Gives where they end, as the others here do. */
function putWords(piece: Uint8Array, at: number, words: Words): number {
  for (let index = 0; index < words.length; index++) piece[at + index] = words[index]!;
  return at + words.length;
}

/** 0 ≤ `value` < 2³¹, whole. */
function putDigits(piece: Uint8Array, at: number, value: number): number {
  let digits = 1;
  for (let power = 10; power <= value; power *= 10) digits++;
  let left = value | 0;
  for (let index = at + digits - 1; index >= at; index--) {
    const tenth = (left / 10) | 0;
    piece[index] = digitZero + left - tenth * 10;
    left = tenth;
  }
  return at + digits;
}

/** Nothing for 0, else `.5` and the like. */
function putDecimals(piece: Uint8Array, at: number, nanos: number): number {
  if (nanos === 0) return at;
  piece[at] = point;
  let end = at + 1;
  for (let left = nanos, unit = nanosASecond / 10; left > 0; unit /= 10) {
    const digit = (left / unit) | 0;
    piece[end++] = digitZero + digit;
    left -= digit * unit;
  }
  return end;
}
