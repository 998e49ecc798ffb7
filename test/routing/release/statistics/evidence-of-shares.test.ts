import * as fc from "fast-check";
import { expect, test } from "vitest";
import { seededRandom } from "../../../../load/peers/random.ts";
import {
  logEvidenceAbove,
  logEvidenceBelow,
  logEvidenceOfRatio,
} from "../../../../routing/release/statistics/binomial.ts";
import {
  latencyBoundsMs,
  latencyBucket,
  latencyBuckets,
} from "../../../../routing/release/statistics/latency-bounds.ts";
import {
  logEvidenceBelowMean,
  logEvidenceBelowTimes,
  meanOf,
  normalBelow,
  varianceOf,
} from "../../../../routing/release/statistics/means.ts";
import { quantileOf, slowerThan, totalOf, upperQuantile } from "../../../../routing/release/statistics/quantile.ts";

const counts = fc.tuple(fc.nat(2000), fc.nat(2000)).map(([hits, misses]) => [hits, hits + misses] as const);
const bounds = fc.double({ min: 1e-5, max: 0.9999, noNaN: true });

test("the expected evidence of one more request is no more than before, at and below the bound: it is an e-process", () => {
  fc.assert(
    fc.property(counts, bounds, fc.double({ min: 0, max: 1, noNaN: true }), ([hits, total], bound, part) => {
      const before = logEvidenceAbove(hits, total, bound);
      const chance = bound * part;
      const next =
        chance * Math.exp(logEvidenceAbove(hits + 1, total + 1, bound) - before) +
        (1 - chance) * Math.exp(logEvidenceAbove(hits, total + 1, bound) - before);
      expect(next).toBeLessThanOrEqual(1 + 1e-9);
    }),
  );
});

test("more hits are more evidence, more requests without one less, and below mirrors above", () => {
  fc.assert(
    fc.property(counts, bounds, ([hits, total], bound) => {
      const now = logEvidenceAbove(hits, total, bound);
      expect(logEvidenceAbove(hits + 1, total + 1, bound)).toBeGreaterThan(now);
      expect(logEvidenceAbove(hits, total + 1, bound)).toBeLessThan(now === 0 ? 1e-9 : now);
      expect(logEvidenceBelow(total - hits, total, 1 - bound)).toBeCloseTo(logEvidenceAbove(hits, total, bound), 6);
    }),
  );
});

test("ends of the scale", () => {
  expect(logEvidenceAbove(0, 0, 0.5)).toBe(0);
  expect(logEvidenceAbove(5, 5, 1)).toBe(0);
  expect(logEvidenceAbove(1, 5, 0)).toBe(Infinity);
  expect(logEvidenceAbove(0, 5, 0)).toBe(0);
  expect(logEvidenceAbove(Number.NaN, Number.NaN, 0.1)).toBe(0);
  expect(logEvidenceOfRatio({ hits: 9, total: 9 }, { hits: 0, total: 0 }, 1.5)).toBe(0);
  // All of a handful: certain.
  expect(logEvidenceAbove(5, 5, 0.01)).toBeGreaterThan(18);
  expect(logEvidenceOfRatio({ hits: 5, total: 5 }, { hits: 0, total: 495 }, 1.5)).toBeGreaterThan(15);
});

test("of 2,000 runs at the very bound, looked at after each of 5,000 requests, fewer than 1 in 100 ever reach 1/0.01", () => {
  const draw = seededRandom(24);
  const runs = 2000;
  let [above, ratio] = [0, 0];
  for (let run = 0; run < runs; run += 1) {
    let [hits, total] = [0, 0];
    const first = { hits: 0, total: 0 };
    const second = { hits: 0, total: 0 };
    let [wrongAbove, wrongRatio] = [false, false];
    for (let at = 0; at < 5000; at += 1) {
      total += 1;
      if (draw() < 0.02) hits += 1;
      const isFirst = draw() < 0.1;
      const arm = isFirst ? first : second;
      arm.total += 1;
      // The rate of both goes up and down together.
      const rate = 0.02 * (1 + Math.sin(at / 300));
      if (draw() < (isFirst ? 1.5 * rate : rate)) arm.hits += 1;
      if (at % 10 !== 0) continue;
      wrongAbove ||= logEvidenceAbove(hits, total, 0.02) >= Math.log(100);
      wrongRatio ||= logEvidenceOfRatio(first, second, 1.5) >= Math.log(100);
    }
    if (wrongAbove) above += 1;
    if (wrongRatio) ratio += 1;
  }
  // At most 20 are allowed; these runs are of a fixed seed.
  expect([above, ratio]).toEqual([8, 9]);
});

test("quantiles lie in their bucket, and grow with what is asked", () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0.1, max: 59_000, noNaN: true }), { minLength: 1 }), (latencies) => {
      const histogram = histogramOf(latencies);
      const sorted = latencies.toSorted((a, b) => a - b);
      for (const quantile of [0.5, 0.9, 0.99]) {
        const exact = sorted[Math.ceil(quantile * sorted.length) - 1]!;
        const bucket = latencyBucket(exact);
        const found = quantileOf(histogram, quantile)!;
        expect(found).toBeGreaterThanOrEqual(latencyBoundsMs[bucket - 1] ?? 0);
        expect(found).toBeLessThanOrEqual(latencyBoundsMs[bucket]!);
      }
      expect(slowerThan(histogram, sorted[0]!)).toBeLessThanOrEqual(sorted.length);
      for (const bound of [5, 50, 500])
        expect(slowerThan(histogram, bound)).toBeLessThanOrEqual(sorted.filter((latency) => latency > bound).length);
    }),
  );
  expect(quantileOf([], 0.99)).toBeNull();
  expect(upperQuantile([], 0.99, 5)).toBeNull();
  expect(quantileOf(histogramOf([1e9]), 0.5)).toBe(60_000);
});

test("an upper bound of p99 needs enough requests, is above the true one, and comes nearer with more", () => {
  const draw = seededRandom(7);
  const uniform = (count: number): number[] => Array.from({ length: count }, () => draw() * 1000);
  expect(upperQuantile(histogramOf(uniform(500)), 0.99, 8)).toBeNull();
  const some = upperQuantile(histogramOf(uniform(5000)), 0.99, 8)!;
  const many = upperQuantile(histogramOf(uniform(100_000)), 0.99, 8)!;
  expect(some).toBeGreaterThanOrEqual(990);
  expect(many).toBeGreaterThanOrEqual(990);
  expect(many).toBeLessThanOrEqual(some);
  expect(many).toBeLessThan(990 * 1.21);
  expect(totalOf(histogramOf(uniform(5)))).toBe(5);
});

test("means: no evidence without a difference, much with one, none the other way, and none of arms that say always the same", () => {
  const of = (count: number, mean: number): { count: number; sum: number; sumSquares: number } => ({
    count,
    sum: count * mean,
    sumSquares: count * mean,
  });
  expect(logEvidenceBelowTimes(of(500, 0.5), of(5000, 0.5), 1)).toBeLessThan(0);
  expect(logEvidenceBelowTimes(of(500, 0.4), of(5000, 0.5), 1)).toBeGreaterThan(5);
  expect(logEvidenceBelowTimes(of(500, 0.4), of(5000, 0.5), 0.8)).toBeLessThan(1);
  expect(logEvidenceBelowTimes(of(500, 0.6), of(5000, 0.5), 1)).toBeLessThan(0);
  expect(logEvidenceBelowTimes(of(50, 0), of(5000, 1), 1)).toBeGreaterThan(20);
  expect(logEvidenceBelowTimes(of(50, 1), of(50, 1), 1)).toBe(0);
  expect(logEvidenceBelowMean(of(500, 0.4), 0.5)).toBeGreaterThan(5);
  expect(logEvidenceBelowMean(of(500, 0.6), 0.5)).toBeLessThan(0);
  expect(logEvidenceBelowMean(of(1, 0), 0.5)).toBe(0);
  expect([meanOf(of(0, 0)), varianceOf(of(1, 1))]).toEqual([0, 0]);
  expect(normalBelow(1.959964)).toBeCloseTo(0.975, 6);
  expect(normalBelow(-1.959964)).toBeCloseTo(0.025, 6);
});

test("of 2,000 runs with equal means, looked at after each reward from 50 on, at most 1 in 100 ever reach 1/0.01", () => {
  const draw = seededRandom(11);
  let wrong = 0;
  for (let run = 0; run < 2000; run += 1) {
    const [first, second] = [
      { count: 0, sum: 0, sumSquares: 0 },
      { count: 0, sum: 0, sumSquares: 0 },
    ];
    let isWrong = false;
    for (let at = 0; at < 2000; at += 1) {
      const arm = draw() < 0.2 ? first : second;
      const reward = draw() < 0.3 ? 1 : 0;
      arm.count += 1;
      arm.sum += reward;
      arm.sumSquares += reward;
      if (first.count >= 50 && at % 5 === 0) isWrong ||= logEvidenceBelowTimes(first, second, 1) >= Math.log(100);
    }
    if (isWrong) wrong += 1;
  }
  expect(wrong).toBe(4);
});

function histogramOf(latencies: readonly number[]): number[] {
  const histogram = Array.from({ length: latencyBuckets }, () => 0);
  for (const latency of latencies) histogram[latencyBucket(latency)]! += 1;
  return histogram;
}
