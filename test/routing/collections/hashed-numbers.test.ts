import * as fc from "fast-check";
import { expect, test } from "vitest";
import { HashedNumbers } from "../../../routing/collections/hashed-numbers.ts";
import { NumberLists } from "../../../routing/collections/number-lists.ts";

// Next to each other, one hash twice as often, and both ends of a table of 64.
const hashes = [0, 1, 1, 2, 62, 63, 64, 127, -1, -2, 0x7fff_ffff, -0x8000_0000];

test("a number is found by its hash and by what it stands for, whatever comes and goes", () => {
  const step = fc.record({ hash: fc.constantFrom(...hashes), number: fc.nat(300), isAdded: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 400 }), (steps) => {
      const index = new HashedNumbers();
      const held = new Map<number, number>();
      for (const { hash, number, isAdded } of steps) {
        const before = held.get(number);
        if (isAdded && before === undefined) {
          held.set(number, hash);
          index.add(hash, number);
        } else if (!isAdded && before !== undefined) {
          held.delete(number);
          index.remove(before, number);
        }
        for (const known of hashes)
          expect(index.find(known, (one) => one === number)).toBe(held.get(number) === known ? number : -1);
      }
      for (const [number, hash] of held) expect(index.find(hash, (one) => one === number)).toBe(number);
    }),
    { numRuns: 200 },
  );
});

test("it grows and shrinks with what is in it, and throws where there is nothing to take away", () => {
  const index = new HashedNumbers();
  for (let number = 0; number < 5000; number++) index.add(number * 77, number);
  for (let number = 0; number < 5000; number++) expect(index.find(number * 77, (one) => one === number)).toBe(number);
  for (let number = 0; number < 4990; number++) index.remove(number * 77, number);
  for (let number = 4990; number < 5000; number++) expect(index.find(number * 77, () => true)).toBe(number);
  expect(() => index.remove(0, 0)).toThrow("number 0 is not in the index");
});

test("lists have what was added and not taken away", () => {
  const step = fc.record({
    list: fc.nat(5),
    numbers: fc.uniqueArray(fc.nat(20), { maxLength: 5 }),
    isAdded: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const lists = new NumberLists();
      const held = new Map<number, Set<number>>();
      for (const { list, numbers, isAdded } of steps) {
        const before = held.get(list) ?? new Set();
        if (isAdded) for (const number of numbers) if (!before.has(number)) lists.add(list, number);
        if (!isAdded) lists.remove(list, new Set(numbers));
        held.set(list, isAdded ? before.union(new Set(numbers)) : before.difference(new Set(numbers)));
        for (const [one, expected] of held) {
          expect([...lists.of(one)].toSorted((a, b) => a - b)).toEqual([...expected].toSorted((a, b) => a - b));
          expect(lists.isEmpty(one)).toBe(expected.size === 0);
        }
      }
    }),
    { numRuns: 200 },
  );
});
