import { array, assert, integer, nat, property } from "fast-check";
import { expect, test } from "vitest";
import { firstPlace } from "../../../routing/text/bisect.ts";

test("the first place that is past, and the count where none is", () => {
  assert(
    property(array(integer({ min: 0, max: 20 }), { maxLength: 40 }), nat(21), (values, limit) => {
      const sorted = values.toSorted((a, b) => a - b);
      const found = sorted.findIndex((value) => value >= limit);
      expect(firstPlace(sorted.length, (place) => sorted[place]! >= limit)).toBe(found < 0 ? sorted.length : found);
    }),
  );
});

test("it looks a number of times that grows with the bits of the count", () => {
  let looks = 0;
  firstPlace(1_000_000, (place) => {
    looks += 1;
    return place >= 777_777;
  });
  expect(looks).toBeLessThanOrEqual(20);
});
