import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { addDigest, digestOf, noDigest } from "../../../routing/collections/digest.ts";
import { differenceOf, sameValue } from "../../../routing/text/diff.ts";
import { mapping, prefix } from "../build.ts";

/** The same value with the keys of its objects in the reverse order. */
function turned(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((one) => turned(one));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, one]) => [key, turned(one)]),
  );
}

describe("equality", () => {
  it("is by content, whatever the order of keys, and so is the digest", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(sameValue(value, turned(structuredClone(value)))).toBe(true);
        expect(digestOf(turned(value))).toEqual(digestOf(value));
      }),
    );
  });

  it("tells different values apart, and so does the digest", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (a, b) => {
        const same = JSON.stringify(a) === JSON.stringify(b);
        if (same || sameValue(a, b)) return;
        expect(digestOf(a)).not.toEqual(digestOf(b));
      }),
    );
    expect(sameValue({ a: 1 }, { a: 1, b: 2 })).toBe(false);
    expect(sameValue({ a: 1, b: 2 }, { a: 1, c: 2 })).toBe(false);
    expect(sameValue([], {})).toBe(false);
    expect(sameValue([1, 2], [2, 1])).toBe(false);
  });
});

it("sums of digests do not depend on order, and what is taken away is gone", () => {
  const [a, b] = [digestOf("a"), digestOf("b")];
  expect(addDigest(addDigest(noDigest, a, 1), b, 1)).toEqual(addDigest(addDigest(noDigest, b, 1), a, 1));
  expect(addDigest(addDigest(addDigest(noDigest, a, 1), b, 1), a, -1)).toEqual(b);
});

it("the difference of two sets by id", () => {
  const one = mapping("one", prefix("/1/"));
  const two = mapping("two", prefix("/2/"));
  const changed = mapping("two", prefix("/3/"));
  const before = new Map([
    ["one", one],
    ["two", two],
    ["gone", two],
  ]);
  const after = new Map([
    ["two", changed],
    ["one", structuredClone(one)],
    ["new", two],
  ]);
  expect(differenceOf(before, after)).toEqual({ changed: [changed, two], removed: ["gone"] });
});
