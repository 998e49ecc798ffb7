import { expect, test } from "vitest";
import { seededRandom } from "../../../load/peers/random.ts";
import { binomial, normal, poisson } from "../../../load/releases/draws.ts";
import { tally } from "../../../load/releases/rollout.ts";
import { scenarios } from "../../../load/releases/scenarios.ts";

/** So few rollouts that a part of one in a hundred hardly shows: what comes more often is wrong. */
const runs = 8;

test("no service without a fault is rolled back, and no fault is promoted", () => {
  const wrong = scenarios
    .filter(({ untilMs, bound }) => untilMs <= 3_600_000 && bound !== null)
    .flatMap((scenario) => {
      const { promoted, aborted } = tally(scenario, runs);
      const count = scenario.faultFrom === null ? aborted : promoted;
      return count > 0 ? [`${scenario.name}: ${count} of ${runs}`] : [];
    });
  expect(wrong).toEqual([]);
});

test("draws have the mean and the variance of what they are named after", () => {
  const draw = seededRandom(3);
  const momentsOf = (one: () => number): readonly [number, number] => {
    const drawn = Array.from({ length: 20_000 }, one);
    const mean = drawn.reduce((sum, value) => sum + value, 0) / drawn.length;
    return [mean, drawn.reduce((sum, value) => sum + (value - mean) ** 2, 0) / drawn.length];
  };
  for (const [trials, chance] of [
    [10, 0.3],
    [400, 0.001],
    [400, 0.9],
    [5000, 0.2],
  ] as const) {
    const [mean, variance] = momentsOf(() => binomial(trials, chance, draw));
    expect(mean / (trials * chance)).toBeCloseTo(1, 1);
    expect(variance / (trials * chance * (1 - chance))).toBeCloseTo(1, 1);
  }
  for (const expected of [0.01, 3, 200]) {
    const [mean, variance] = momentsOf(() => poisson(expected, draw));
    expect(mean / expected).toBeCloseTo(1, expected < 1 ? 0 : 1);
    expect(variance / expected).toBeCloseTo(1, expected < 1 ? 0 : 1);
  }
  const [mean, variance] = momentsOf(() => normal(draw));
  expect(mean).toBeCloseTo(0, 1);
  expect(variance).toBeCloseTo(1, 1);
  expect([binomial(0, 0.5, draw), binomial(5, 0, draw), binomial(5, 1, draw)]).toEqual([0, 0, 5]);
});
