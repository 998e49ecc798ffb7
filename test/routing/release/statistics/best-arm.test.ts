import * as fc from "fast-check";
import { expect, test } from "vitest";
import { type Belief, probabilitiesBest } from "../../../../routing/release/statistics/best-arm.ts";

const beta = (successes: number, failures: number): Belief => ({ kind: "beta", successes, failures });

test("the chance to be best where it is known", () => {
  // Of two uniform means and one Beta(2, 1): 1/4, 1/4, 1/2.
  const three = probabilitiesBest([beta(1, 1), beta(1, 1), beta(2, 1)]);
  for (const [at, chance] of [0.25, 0.25, 0.5].entries()) expect(three[at]).toBeCloseTo(chance, 3);
  const normal = probabilitiesBest([
    { kind: "normal", mean: 0, deviation: 3 },
    { kind: "normal", mean: 5, deviation: 4 },
  ]);
  expect(normal[1]).toBeCloseTo(0.841345, 3);
  // A million rewards beside none: the share of the uniform above 0.9.
  expect(probabilitiesBest([beta(900_001, 100_001), beta(1, 1)])[1]).toBeCloseTo(0.1, 3);
});

test("of 32 arms the chances are those of a fine integration, by few steps", () => {
  const alike = Array.from({ length: 31 }, () => beta(50, 50));
  expect(probabilitiesBest([beta(60, 40), beta(50, 50)])[0]).toBeCloseTo(0.923538, 3);
  const chances = probabilitiesBest([...alike, beta(60, 40)]);
  expect(chances[31]).toBeCloseTo(0.493439, 3);
  expect(Math.max(...chances.slice(0, 31)) - Math.min(...chances.slice(0, 31))).toBeLessThan(1e-9);
  let calls = 0;
  const { exp } = Math;
  Math.exp = (value) => {
    calls += 1;
    return exp(value);
  };
  probabilitiesBest(Array.from({ length: 32 }, (_, at) => beta(1 + at * 7, 300 - at * 7)));
  Math.exp = exp;
  expect(calls).toBeLessThan(60_000);
});

test("chances are at least 0 and sum to 1, whatever is believed", () => {
  const beliefs = fc.oneof(
    fc
      .tuple(fc.integer({ min: 1, max: 1e7 }), fc.integer({ min: 1, max: 1e7 }))
      .map(([one, other]) => beta(one, other)),
    fc
      .tuple(fc.double({ min: -1e6, max: 1e6, noNaN: true }), fc.double({ min: 0, max: 1e6, noNaN: true }))
      .map(([mean, deviation]): Belief => ({ kind: "normal", mean, deviation })),
  );
  fc.assert(
    fc.property(fc.array(beliefs, { minLength: 1, maxLength: 12 }), (all) => {
      const chances = probabilitiesBest(all);
      expect(chances).toHaveLength(all.length);
      for (const chance of chances) expect(chance).toBeGreaterThanOrEqual(0);
      expect(chances.reduce((sum, chance) => sum + chance, 0)).toBeCloseTo(1, 9);
    }),
    { numRuns: 50 },
  );
});
