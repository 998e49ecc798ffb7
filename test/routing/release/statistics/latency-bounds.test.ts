import { expect, test } from "vitest";
import {
  latencyBoundsMs,
  latencyBucket,
  latencyBuckets,
} from "../../../../routing/release/statistics/latency-bounds.ts";

test("buckets go from 1 ms to 60 s, none more than 12 % above the one before", () => {
  expect(latencyBoundsMs[0]).toBe(1);
  expect(latencyBoundsMs.at(-1)).toBeCloseTo(60_000, 6);
  for (let at = 1; at < latencyBoundsMs.length; at += 1) {
    const ratio = latencyBoundsMs[at]! / latencyBoundsMs[at - 1]!;
    expect(ratio).toBeGreaterThan(1);
    expect(ratio).toBeLessThanOrEqual(1.12);
  }
});

test("a latency counts in the first bucket whose bound is not below it", () => {
  for (const [at, bound] of latencyBoundsMs.entries()) {
    expect(latencyBucket(bound)).toBe(at);
    expect(latencyBucket(bound * 1.000001)).toBe(at + 1);
  }
  expect(latencyBucket(0)).toBe(0);
  expect(latencyBucket(-1)).toBe(0);
  expect(latencyBucket(Number.NaN)).toBe(0);
  expect(latencyBucket(Infinity)).toBe(latencyBuckets - 1);
});
