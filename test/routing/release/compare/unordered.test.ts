// Arrays whose order says nothing: the same values in any order agree, and arrays in each other cost no more than their values.
import { expect, test } from "vitest";
import {
  compareValues,
  maxOrderLength,
  maxUnordered,
  type Pair,
} from "../../../../routing/release/compare/compare-values.ts";
import { PathTree } from "../../../../routing/release/compare/path-tree.ts";
import { maxDepth } from "../../../../routing/release/compare/read-json.ts";
import { plainRules } from "../../../../routing/release/compare/rules.ts";

function agrees(primary: unknown, shadow: unknown): boolean {
  const tree = new PathTree({ ...plainRules, unordered: ["a"] });
  const pair: Pair = { number: 1, agrees: true, differences: [] };
  compareValues(tree.root.child("a"), primary, shadow, pair);
  return pair.agrees;
}

test("reads of the innermost array do not grow with the arrays around it", () => {
  let reads = 0;
  const innermost = (): unknown =>
    new Proxy(
      Array.from({ length: 1000 }, (_, at) => (at % 2 === 0 ? at : `${at}`)),
      { get: (values, key) => ((reads += 1), Reflect.get(values, key) as unknown) },
    );
  const readsAt = (depth: number): number => {
    const nested = (): unknown => {
      let value = innermost();
      for (let at = 0; at < depth; at++) value = [value, "x"];
      return value;
    };
    reads = 0;
    expect(agrees(nested(), nested())).toBe(true);
    return reads;
  };
  const [one, many] = [readsAt(1), readsAt(maxDepth - 2)];
  expect(one).toBeGreaterThan(2000);
  // Of each level the beginning alone is looked at.
  expect(many - one).toBeLessThan(2 * maxDepth * 2 * maxOrderLength);
  expect(many).toBeLessThan(20 * one);
});

test.each([maxOrderLength - 1, maxOrderLength, maxOrderLength + 1])(
  "values that differ after %d characters have their place by what is before",
  (length) => {
    const [low, high] = ["a", "b"].map((first) => ({ [`${first}${"k".repeat(length)}`]: 1, z: first }));
    expect(agrees([low, high], [high, low])).toBe(true);
    expect(agrees([low, high], [high, high])).toBe(false);
  },
);

test.each([
  [maxUnordered - 1, true],
  [maxUnordered, true],
  [maxUnordered + 1, false],
])("arrays of %d values agree in any order: %s", (count, expected) => {
  const values = Array.from({ length: count }, (_, at) => (at % 3 === 0 ? at : { name: `${at}` }));
  expect(agrees(values, values.toReversed())).toBe(expected);
  expect(agrees(values, values)).toBe(true);
});
