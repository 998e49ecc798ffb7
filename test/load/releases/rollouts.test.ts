import { expect, test } from "vitest";
import { seededRandom } from "../../../load/peers/random.ts";
import { binomial, normal, poisson } from "../../../load/releases/draws.ts";
import { tally } from "../../../load/releases/rollouts.ts";
import { scenarios } from "../../../load/releases/scenarios.ts";

test("a small simulation of a fixed seed: no false roll-back, no missed fault, so many requests that met one", () => {
  const rows = scenarios
    .filter(({ lookMs, rate, part }) => lookMs === 2000 && rate === 200 && part >= 0.1)
    .map((scenario) => {
      const { promoted, aborted, waiting, metFault } = tally(scenario, 40, 24);
      return `${scenario.name}: ${promoted} promoted, ${aborted} rolled back, ${waiting} wait; met: ${metFault.map(Math.round).join(", ")}`;
    });
  expect(rows).toMatchInlineSnapshot(`
    [
      "no fault: 40 promoted, 0 rolled back, 0 wait; met: 0, 0, 0",
      "no fault: main and canary together fail 5 % and take twice as long, 10 s of each minute: 40 promoted, 0 rolled back, 0 wait; met: 0, 0, 0",
      "no fault: agreement 99.5 %, of at least 99 %: 40 promoted, 0 rolled back, 0 wait; met: 0, 0, 0",
      "errors of main 1 %, of canary 5 %: 0 promoted, 40 rolled back, 0 wait; met: 338, 979, 1018",
      "errors of main 0.1 %, of canary 2 %: 0 promoted, 40 rolled back, 0 wait; met: 316, 873, 919",
      "errors of main 0.1 %, of canary 5 %, from 70 s on: 0 promoted, 40 rolled back, 0 wait; met: 301, 560, 605",
      "p99 twice main's: 0 promoted, 40 rolled back, 0 wait; met: 314, 643, 682",
      "hangs: each request times out after 3 s: 0 promoted, 40 rolled back, 0 wait; met: 62, 76, 78",
      "fails each request: 0 promoted, 40 rolled back, 0 wait; met: 20, 33, 34",
      "fast and wrong: agreement 95 %, of at least 99 %: 0 promoted, 40 rolled back, 0 wait; met: 293, 531, 531",
    ]
  `);
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
