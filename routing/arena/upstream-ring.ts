// The ring of Upstreams that changed, by number: what a reader that has made something of an Upstream must look at when it takes the next table.
// The last `ringWords` of them are in the ring. A reader that was away for longer looks at all its Upstreams.
import { ringUnit, ringWords, unitWords, type Arena } from "./arena.ts";

const start = ringUnit * unitWords;
/**
 * More than this in one go is as good as any, and is neither written nor read: so no write, not even one that is never published, writes over what a
 * reader of the table before it still looks for. A reader that lags behind by more finds it out when it takes the next table.
 */
export const maxAtOnce = ringWords / 4;

/** Tells of Upstreams that change in one write; `count` were ever told before. */
export function tellChanged({ words }: Arena, count: number, numbers: readonly number[]): void {
  if (numbers.length > maxAtOnce) return;
  for (const [index, number] of numbers.entries()) words[start + (((count + index) >>> 0) % ringWords)] = number;
}

/** A reader's place in the ring. */
export class ChangedUpstreams {
  readonly #words: Int32Array;
  #seen = 0;

  constructor({ words }: Arena) {
    this.#words = words;
  }

  /** Numbers that were told since the last call, `count` of them ever; null: too many to know. A number may come more than once. */
  until(count: number): readonly number[] | null {
    const from = this.#seen;
    this.#seen = count;
    const told = (count - from) | 0;
    if (told < 0 || told > maxAtOnce) return null;
    const numbers: number[] = [];
    for (let at = 0; at < told; at++) numbers.push(this.#words[start + (((from + at) >>> 0) % ringWords)]!);
    return numbers;
  }
}
