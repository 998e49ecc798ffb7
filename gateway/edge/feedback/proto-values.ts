// ProtoValues: some fields of a protobuf message, found by their paths as its bytes pass: nothing of it is kept but what is asked for. What is no protobuf gives nothing from the place
// on where it shows.

/** Bytes of a field that is kept; longer ones are none. */
export const maxFieldBytes = 512;

/** Field numbers from the outside in. */
export type ProtoPath = readonly number[];

const [varintType, fixed64, delimited, fixed32] = [0, 1, 2, 5];

const states = { tag: 0, length: 1, skippedNumber: 2, content: 3, wrong: 4 } as const;

export class ProtoValues {
  readonly #paths: readonly ProtoPath[];
  /** By path, the last one of several: content of a field of bytes or of fixed width; null: there is none. */
  readonly found: (Buffer | null)[];
  #state: (typeof states)[keyof typeof states] = states.tag;
  /** How much of the message has passed. */
  #at = 0;
  /** Where the messages end that it stands in, the outermost first; and their field numbers, but for the outermost. */
  readonly #ends: number[];
  readonly #numbers: number[] = [];
  #number = 0;
  /** Of the number under way. */
  #value = 0;
  #digits = 0;
  /** Bytes of the content that are left, and where they are kept; −1: nowhere. */
  #left = 0;
  #path = -1;
  readonly #kept = Buffer.allocUnsafe(maxFieldBytes);
  #keptBytes = 0;

  /** `length`: of the message. */
  constructor(paths: readonly ProtoPath[], length: number) {
    this.#paths = paths;
    this.found = paths.map(() => null);
    this.#ends = [length];
  }

  /** The message came to its end, and is whole. */
  get isWhole(): boolean {
    return this.#state === states.tag && this.#ends.length === 1 && this.#at === this.#ends[0];
  }

  /** The next bytes, `bytes[start..end)`. What stands behind the message is not read. */
  take(bytes: Uint8Array, start: number, end: number): void {
    const last = Math.min(end, start + this.#ends[0]! - this.#at);
    for (let at = start; at < last && this.#state !== states.wrong;) {
      if (this.#state !== states.content) {
        this.#at += 1;
        this.#digit(bytes[at++]!);
        continue;
      }
      const count = Math.min(this.#left, last - at);
      if (this.#path >= 0) for (let i = 0; i < count; i++) this.#kept[this.#keptBytes++] = bytes[at + i]!;
      at += count;
      this.#at += count;
      this.#left -= count;
      if (this.#left === 0) this.#contentEnded();
    }
  }

  /** A byte of a tag, a length or a number. */
  #digit(byte: number): void {
    this.#value += (byte & 0x7f) * 2 ** (7 * this.#digits++);
    if (byte >= 0x80) {
      if (this.#digits === 10 || this.#at === this.#ends.at(-1)) this.#state = states.wrong;
      return;
    }
    const value = this.#value;
    this.#value = 0;
    this.#digits = 0;
    if (this.#state === states.tag) this.#tag(Math.floor(value / 8), value % 8);
    else if (this.#state === states.length) this.#content(value, true);
    else this.#fieldEnded();
  }

  #tag(number: number, type: number): void {
    this.#number = number;
    if (number === 0) this.#state = states.wrong;
    else if (type === varintType) this.#need(states.skippedNumber);
    else if (type === delimited) this.#need(states.length);
    else if (type === fixed64) this.#content(8, false);
    else if (type === fixed32) this.#content(4, false);
    else this.#state = states.wrong;
  }

  /** A number follows. */
  #need(state: typeof states.length | typeof states.skippedNumber): void {
    this.#state = this.#at === this.#ends.at(-1) ? states.wrong : state;
  }

  #content(length: number, mayNest: boolean): void {
    if (length > this.#ends.at(-1)! - this.#at) {
      this.#state = states.wrong;
      return;
    }
    const path = this.#paths.findIndex((one) => this.#isAt(one) && one.length === this.#numbers.length + 1);
    if (path < 0 && mayNest && this.#paths.some((one) => this.#isAt(one))) {
      this.#ends.push(this.#at + length);
      this.#numbers.push(this.#number);
      this.#fieldEnded();
      return;
    }
    this.#path = path >= 0 && length <= maxFieldBytes ? path : -1;
    if (path >= 0) this.found[path] = null;
    this.#keptBytes = 0;
    this.#left = length;
    this.#state = states.content;
    if (length === 0) this.#contentEnded();
  }

  /** Does the path lead through, or to, the field that has begun? */
  #isAt(path: ProtoPath): boolean {
    const depth = this.#numbers.length;
    return path[depth] === this.#number && this.#numbers.every((number, at) => path[at] === number);
  }

  #contentEnded(): void {
    if (this.#path >= 0) this.found[this.#path] = Buffer.from(this.#kept.subarray(0, this.#keptBytes));
    this.#fieldEnded();
  }

  #fieldEnded(): void {
    this.#state = states.tag;
    while (this.#ends.length > 1 && this.#at === this.#ends.at(-1)) {
      this.#ends.pop();
      this.#numbers.pop();
    }
  }
}
