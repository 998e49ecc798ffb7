import * as fc from "fast-check";
import { expect, it } from "vitest";
import { arenaOn, minArenaBytes, ringWords } from "../../../routing/arena/arena.ts";
import { ChangedUpstreams, maxAtOnce, tellChanged } from "../../../routing/arena/upstream-ring.ts";

/** A ring, and all that was ever told in it. */
class Told {
  readonly arena = arenaOn(new ArrayBuffer(minArenaBytes));
  readonly numbers: number[] = [];
  /** Where the count begins, modulo 2^32. */
  readonly first: number;

  constructor(first = 0) {
    this.first = first;
  }

  get count(): number {
    return (this.first + this.numbers.length) | 0;
  }

  write(length: number): void {
    const numbers = Array.from({ length }, (_, index) => this.numbers.length + index);
    tellChanged(this.arena, this.count, numbers);
    this.numbers.push(...numbers);
  }

  /** A write that is never published. */
  abandon(length: number): void {
    tellChanged(
      this.arena,
      this.count,
      Array.from({ length }, () => -1),
    );
  }
}

it("a reader hears of every Upstream that was told since it looked last, or that it must look at all of them", () => {
  const lengths = fc.oneof(
    fc.integer({ min: 0, max: 40 }),
    fc.integer({ min: 0, max: 2 * ringWords }),
    fc.constantFrom(maxAtOnce - 1, maxAtOnce, maxAtOnce + 1, ringWords),
  );
  fc.assert(
    fc.property(
      fc.array(fc.tuple(lengths, fc.constantFrom("read", "read", "away", "abandoned")), { maxLength: 30 }),
      fc.constantFrom(0, 2 ** 31 - 20_000, -3),
      (steps, first) => {
        const told = new Told(first);
        const reader = new ChangedUpstreams(told.arena);
        reader.until(first);
        let seen = 0;
        for (const [length, then] of steps) {
          told.write(length);
          if (then === "abandoned") told.abandon(length);
          if (then !== "read") continue;
          const heard = reader.until(told.count);
          const missed = told.numbers.slice(seen);
          expect(heard === null).toBe(missed.length > maxAtOnce);
          if (heard !== null) expect(heard).toEqual(missed);
          seen = told.numbers.length;
        }
      },
    ),
    { numRuns: 200 },
  );
});

it("no write that comes meanwhile takes anything from what a reader of the table before looks for", () => {
  const told = new Told();
  told.write(ringWords);
  const reader = new ChangedUpstreams(told.arena);
  reader.until(told.count);
  told.write(maxAtOnce);
  const { count } = told;
  // The next table is being written when the reader takes this one.
  told.abandon(maxAtOnce);
  told.abandon(2 * ringWords);
  expect(reader.until(count)).toEqual(told.numbers.slice(ringWords));
});

it("a reader that takes an old table while others are written hears of all with the next", () => {
  const told = new Told();
  const reader = new ChangedUpstreams(told.arena);
  told.write(100);
  const { count } = told;
  for (let written = 0; written < ringWords; written += 1000) told.write(1000);
  // Numbers of later tables: nobody can know.
  reader.until(count);
  expect(reader.until(told.count)).toBeNull();
});
