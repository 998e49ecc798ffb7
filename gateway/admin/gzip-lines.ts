// The lines of sample-lines.ts, compressed while they are made: what a line shares with the one before, or with the same line of the series before, is a copy, and only
// numbers and what differs between names are written. At 10,000 deployments a scrape is 2.5 MB instead of 36, of which the kernel copies each byte twice.
import { shifted, shiftOf, withByte, withBytes } from './crc32.ts';
import type { Shift } from './crc32.ts';
import { copyRoom, GzipText, leastCopy, mostDistance } from './gzip-text.ts';
import { digitsOf } from './sample-lines.ts';
import type { Lines, Words } from './sample-lines.ts';
import type { StreamedText } from './streamed-text.ts';

const nowhere = Number.NEGATIVE_INFINITY;
const lineFeed = 0x0a;
const digitRoom = 64;
const mostAscii = 0x7f;

export class GzipLines implements Lines {
  readonly #gzip: GzipText;
  readonly #names: readonly Words[];
  /** Where each Words was written last, by id. */
  readonly #written: number[] = [];
  /** Of the next line; null: as of the one before. */
  #next: readonly string[] | null = null;
  /** Of the labels that were written last: values, where each label ends, and the sum up to there. */
  #values: readonly string[] = [];
  readonly #ends: Int32Array;
  readonly #sums: Int32Array;
  #labelsAt = nowhere;
  #labelsBytes = 0;
  /** Of the last line: where it is, its head, and of head and labels the length, the sum and what they do to what is before. */
  #lineAt = nowhere;
  #head: Words | null = null;
  #lineBytes = 0;
  #lineSum = 0;
  #lineShift: Shift = shiftOf(0);

  /** `names`: what stands before the value of each label: `,role="`. */
  constructor(text: StreamedText, names: readonly Words[]) {
    this.#gzip = new GzipText(text);
    this.#names = names;
    this.#ends = new Int32Array(names.length);
    this.#sums = new Int32Array(names.length);
  }

  write(bytes: Uint8Array): void {
    this.#gzip.write(bytes);
  }

  of(values: readonly string[]): void {
    this.#next = values;
  }

  count(head: Words, tail: Words, count: number): void {
    this.#begin(head, tail);
    if (count < 10) this.#byte(0x30 + count);
    else this.#digits(String(count));
    this.#byte(lineFeed);
  }

  seconds(head: Words, tail: Words, seconds: number): void {
    this.#begin(head, tail);
    this.#digits(digitsOf(seconds));
    this.#byte(lineFeed);
  }

  end(): void {
    this.#gzip.end();
  }

  #begin(head: Words, tail: Words): void {
    const gzip = this.#gzip;
    const values = this.#next;
    gzip.text.room((head.bytes.length + this.#labelsBytes) * 2 + copyRoom * 2);
    const lineAt = gzip.at;
    if (values === null && head === this.#head && lineAt - this.#lineAt <= mostDistance) {
      gzip.copy(this.#lineAt, this.#lineBytes);
      this.#written[head.id] = lineAt;
    } else {
      this.#words(head);
      if (values !== null) this.#labels(values);
      else if (gzip.at - this.#labelsAt <= mostDistance) gzip.copy(this.#labelsAt, this.#labelsBytes);
      else this.#labels(this.#values);
      this.#next = null;
      this.#head = head;
      this.#lineBytes = gzip.at - lineAt;
      this.#labelsBytes = this.#lineBytes - head.bytes.length;
      this.#lineSum = shifted(head.sum, shiftOf(this.#labelsBytes)) ^ this.#sums[this.#sums.length - 1]!;
      this.#lineShift = shiftOf(this.#lineBytes);
    }
    this.#lineAt = lineAt;
    this.#labelsAt = lineAt + head.bytes.length;
    gzip.text.room(tail.bytes.length * 2 + copyRoom + digitRoom);
    this.#words(tail);
    gzip.sum = shifted(shifted(gzip.sum, this.#lineShift) ^ this.#lineSum, tail.shift) ^ tail.sum;
  }

  #mostOf(values: readonly string[]): number {
    let most = 0;
    // At most three bytes a character, and two for each of them.
    for (let index = 0; index < values.length; index++) most += this.#names[index]!.bytes.length * 2 + values[index]!.length * 6 + copyRoom;
    return most;
  }

  /** A copy of where they stood last, where that is near. */
  #words({ bytes, id }: Words): void {
    const gzip = this.#gzip;
    const { at } = gzip;
    const before = this.#written[id];
    if (before !== undefined && at - before <= mostDistance && bytes.length >= leastCopy) gzip.copy(before, bytes.length);
    else gzip.literals(bytes, 0, bytes.length);
    this.#written[id] = at;
  }

  /** Writes labels as copies of what they share with those before, and what differs. */
  #labels(values: readonly string[]): void {
    const gzip = this.#gzip;
    const before = this.#labelsAt;
    const most = this.#mostOf(values);
    gzip.text.room(most);
    // No copy of them reaches further, however many bytes of the new ones come between.
    const isNear = gzip.at + most - before <= mostDistance;
    const start = gzip.at;
    let sum = 0;
    let isSame = isNear;
    /** Of the labels before: from here on they are the same, and not written yet. */
    let sameFrom = 0;
    let labelFrom = 0;
    for (let index = 0; index < values.length; index++) {
      const { bytes, sum: nameSum, shift } = this.#names[index]!;
      const value = values[index]!;
      const labelEnd = this.#ends[index]!;
      if (isNear && value === this.#values[index]) {
        sum = isSame ? this.#sums[index]! : sumOf(value, shifted(sum, shift) ^ nameSum);
        labelFrom = labelEnd;
        this.#ends[index] = gzip.at - start + labelEnd - sameFrom;
      } else {
        isSame = false;
        const shared = isNear ? sharedStart(value, this.#values[index]!) : 0;
        if (isNear) gzip.copy(before + sameFrom, labelFrom + bytes.length + shared - sameFrom);
        else gzip.literals(bytes, 0, bytes.length);
        this.#characters(value, shared);
        sum = sumOf(value, shifted(sum, shift) ^ nameSum);
        sameFrom = labelFrom = labelEnd;
        this.#ends[index] = gzip.at - start;
      }
      this.#sums[index] = sum;
    }
    // Names are longer than the shortest copy.
    if (isNear && labelFrom > sameFrom) gzip.copy(before + sameFrom, labelFrom - sameFrom);
    this.#values = values;
  }

  /** Writes a value from a character on. */
  #characters(value: string, from: number): void {
    const gzip = this.#gzip;
    for (let index = from; index < value.length; index++) {
      const code = value.charCodeAt(index);
      if (code > mostAscii) {
        const bytes = Buffer.from(value.slice(index));
        gzip.literals(bytes, 0, bytes.length);
        return;
      }
      gzip.literal(code);
    }
  }

  #digits(digits: string): void {
    for (let index = 0; index < digits.length; index++) this.#byte(digits.charCodeAt(index));
  }

  #byte(byte: number): void {
    const gzip = this.#gzip;
    gzip.literal(byte);
    gzip.sum = withByte(gzip.sum, byte);
  }
}

/** How many of the first characters are the same, and one byte each. */
function sharedStart(one: string, other: string): number {
  const most = Math.min(one.length, other.length);
  let shared = 0;
  for (; shared < most; shared++) {
    const code = one.charCodeAt(shared);
    if (code !== other.charCodeAt(shared) || code > mostAscii) return shared;
  }
  return shared;
}

/** Of a value, behind what `sum` is of. */
function sumOf(value: string, sum: number): number {
  let all = sum;
  for (let index = 0; index < value.length; index++) {
    const code = value.charCodeAt(index);
    if (code > mostAscii) {
      const bytes = Buffer.from(value.slice(index));
      return withBytes(all, bytes, 0, bytes.length);
    }
    all = withByte(all, code);
  }
  return all;
}
