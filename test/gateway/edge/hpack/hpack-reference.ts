// A second HPACK encoder for tests: simple, with a dynamic table and Huffman, choosing its representation at random.
import { pseudoNames } from "../../../../gateway/edge/hpack/field-meaning.ts";
import type { HeaderList } from "../../../../gateway/edge/hpack/header-list.ts";
import { decodeHuffman } from "../../../../gateway/edge/hpack/huffman.ts";

export type Field = [name: string, value: string];

/** The fields of a list as text, pseudo headers first. */
export function fieldsOf(list: HeaderList): Field[] {
  const fields: Field[] = [];
  for (let number = 0; number < pseudoNames.length; number++) {
    const start = list.pseudo[number * 2]!;
    if (start >= 0)
      fields.push([pseudoNames[number]!, list.bytes.toString("latin1", start, list.pseudo[number * 2 + 1])]);
  }
  for (let field = 0; field < list.fieldCount; field++) {
    const [nameStart, nameEnd, valueStart, valueEnd] = list.fields.subarray(field * 4, field * 4 + 4);
    fields.push([
      list.bytes.toString("latin1", nameStart, nameEnd),
      list.bytes.toString("latin1", valueStart, valueEnd),
    ]);
  }
  return fields;
}

export class ReferenceEncoder {
  #state: number;
  #entries: Field[] = [];
  #limit = 4096;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** At random. `resize`: a size update first. */
  encode(fields: readonly Field[], resize: number | null): Buffer {
    const parts: Buffer[] = [];
    if (resize !== null) {
      this.#limit = resize;
      this.#evict(0);
      parts.push(number(0x20, 5, resize));
    }
    for (const [name, value] of fields) {
      const whole = this.#entries.findIndex((entry) => entry[0] === name && entry[1] === value);
      const named = this.#entries.findIndex((entry) => entry[0] === name);
      const draw = this.#draw(4);
      if (whole >= 0 && draw > 0) {
        parts.push(number(0x80, 7, 62 + whole));
      } else if (draw < 3) {
        parts.push(this.#literal(0x40, 6, named, name, value));
        this.#insert(name, value);
      } else {
        parts.push(this.#literal(this.#draw(2) * 0x10, 4, named, name, value));
      }
    }
    return Buffer.concat(parts);
  }

  /** Every field inserted. */
  encodeIndexed(fields: readonly Field[]): Buffer {
    return Buffer.concat(
      fields.map(([name, value]) => {
        const whole = this.#entries.findIndex((entry) => entry[0] === name && entry[1] === value);
        if (whole >= 0) return number(0x80, 7, 62 + whole);
        const part = Buffer.concat([Buffer.from([0x40]), plain(name), plain(value)]);
        this.#insert(name, value);
        return part;
      }),
    );
  }

  /** Literals alone. */
  encodePlain(fields: readonly Field[]): Buffer {
    return Buffer.concat(fields.map(([name, value]) => Buffer.concat([Buffer.from([0]), plain(name), plain(value)])));
  }

  #literal(first: number, bits: number, named: number, name: string, value: string): Buffer {
    if (named >= 0 && this.#draw(2) === 1) return Buffer.concat([number(first, bits, 62 + named), this.#string(value)]);
    return Buffer.concat([number(first, bits, 0), this.#string(name), this.#string(value)]);
  }

  #string(text: string): Buffer {
    return this.#draw(2) === 0 ? plain(text) : huffman(text);
  }

  #insert(name: string, value: string): void {
    this.#evict(name.length + value.length + 32);
    if (name.length + value.length + 32 <= this.#limit) this.#entries.unshift([name, value]);
  }

  #evict(needed: number): void {
    const size = (): number => this.#entries.reduce((sum, [name, value]) => sum + name.length + value.length + 32, 0);
    while (this.#entries.length > 0 && size() + needed > this.#limit) this.#entries.pop();
  }

  #draw(below: number): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * below);
  }
}

function number(first: number, bits: number, value: number): Buffer {
  const most = 2 ** bits - 1;
  if (value < most) return Buffer.from([first | value]);
  const bytes = [first | most];
  value -= most;
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push((value % 128) | 128);
  return Buffer.from([...bytes, value]);
}

function plain(text: string): Buffer {
  return Buffer.concat([number(0, 7, text.length), Buffer.from(text, "latin1")]);
}

/** Codes of all bytes, found by asking the decoder: the shortest bit strings that give one symbol. Filled on first use. */
const codes: string[] = [];

export function huffman(text: string): Buffer {
  if (codes.length === 0) findCodes("", 0);
  let bits = [...Buffer.from(text, "latin1")].map((byte) => codes[byte]!).join("");
  bits = bits.padEnd(Math.ceil(bits.length / 8) * 8, "1");
  const bytes = Buffer.from(bits.match(/.{8}/g)?.map((octet) => Number.parseInt(octet, 2)) ?? []);
  return Buffer.concat([number(0x80, 7, bytes.length), bytes]);
}

function findCodes(prefix: string, depth: number): void {
  const symbol = symbolOf(prefix);
  if (symbol !== null) {
    codes[symbol] = prefix;
    return;
  }
  if (depth === 30) return;
  findCodes(`${prefix}0`, depth + 1);
  findCodes(`${prefix}1`, depth + 1);
}

/** The one symbol that these bits are the whole code of, or null: then a `0` behind them (five zero bits) is read as such. */
function symbolOf(bits: string): number | null {
  const code = `${bits}00000`;
  const padded = code.padEnd(Math.ceil(code.length / 8) * 8, "1");
  const bytes = Buffer.from(padded.match(/.{8}/g)!.map((octet) => Number.parseInt(octet, 2)));
  const into = Buffer.alloc(8);
  return bits.length >= 5 && decodeHuffman(bytes, 0, bytes.length, into, 0, 8) === 2 && into[1] === 0x30
    ? into[0]!
    : null;
}
