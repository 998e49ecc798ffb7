// Packed text: numbers and texts one behind the other in one text. V8 keeps it in a byte a character, where objects take dozens of bytes each.

/** A character holds seven bits of a number, and the eighth where more follow. */
const more = 128;
const characters = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code));

export class PackedWriter {
  readonly #parts: string[] = [];

  /** A whole number, 0 or more. */
  number(value: number): void {
    let rest = value;
    while (rest >= more) {
      this.#parts.push(characters[more + (rest % more)]!);
      rest = Math.floor(rest / more);
    }
    this.#parts.push(characters[rest]!);
  }

  text(value: string): void {
    this.number(value.length);
    this.#parts.push(value);
  }

  /** A known text by its place in the list; another one as it is. */
  oneOf(known: readonly string[], value: string): void {
    const place = known.indexOf(value);
    this.number(place + 1);
    if (place < 0) this.text(value);
  }

  /** All that was written, in one piece. */
  get packed(): string {
    return this.#parts.join("");
  }
}

/** Reads what a PackedWriter wrote, in the same order. */
export class PackedReader {
  readonly #packed: string;
  #at = 0;

  constructor(packed: string) {
    this.#packed = packed;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#packed.length;
  }

  number(): number {
    let value = 0;
    for (let unit = 1; ; unit *= more) {
      const code = this.#packed.charCodeAt(this.#at++);
      if (code < more) return value + code * unit;
      value += (code - more) * unit;
    }
  }

  text(): string {
    const length = this.number();
    this.#at += length;
    return this.#packed.slice(this.#at - length, this.#at);
  }

  oneOf(known: readonly string[]): string {
    const place = this.number();
    return place === 0 ? this.text() : known[place - 1]!;
  }
}
