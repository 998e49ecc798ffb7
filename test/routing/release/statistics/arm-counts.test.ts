import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  ArmCounts,
  armCounts,
  addedCounts,
  callerBuckets,
  hasGrown,
  maxSum,
  noCounts,
  printArmCounts,
  readArmCounts,
} from "../../../../routing/release/statistics/arm-counts.ts";
import { latencyBuckets } from "../../../../routing/release/statistics/latency-bounds.ts";
import { anyCounts } from "./any-counts.ts";

test("counts are read back from their JSON, in which a quiet bucket costs nothing", () => {
  fc.assert(
    fc.property(anyCounts, (one) => {
      expect(readArmCounts(JSON.parse(JSON.stringify(printArmCounts(one))))).toEqual(one);
    }),
  );
  expect(JSON.stringify(printArmCounts(noCounts))).toBe("{}");
  const failed = Array.from({ length: callerBuckets }, (_, at) => (at === 63 ? 2 : 0));
  const counts = armCounts({ requests: 2, callers: { requests: failed, failed } });
  expect(JSON.stringify(printArmCounts(counts))).toBe(
    '{"requests":2,"callers":{"requests":{"63":2},"failed":{"63":2}}}',
  );
});

test("what was added is what grew", () => {
  fc.assert(
    fc.property(anyCounts, anyCounts, (one, other) => {
      const both = addedCounts(one, other);
      expect(hasGrown(one, both)).toBe(true);
      const grown = new ArmCounts();
      grown.grow(both, one);
      expect(grown).toEqual(other);
    }),
  );
});

const good = { requests: 3, failed: 2 };
const many = (size: number, count: number): number[] => Array.from({ length: size }, () => count);
const wrong: readonly unknown[] = [
  null,
  7,
  [],
  { ...good, requests: -1 },
  { ...good, requests: Number.NaN },
  { ...good, requests: "3" },
  { ...good, requests: Number.MAX_SAFE_INTEGER + 1 },
  { ...good, failed: 4 },
  { ...good, refused: 2 },
  { ...good, latency: [1] },
  { ...good, latency: { 0: -1 } },
  { ...good, latency: { [latencyBuckets]: 1 } },
  { ...good, latency: { constructor: 1 } },
  { ...good, latency: null },
  { ...good, rewards: null },
  { ...good, rewards: { count: 1, sum: Infinity, sumSquares: 1 } },
  { ...good, rewards: { count: 1, sum: 1, sumSquares: null } },
  { ...good, rewards: { count: 1, sum: 1, sumSquares: maxSum * 1.01 } },
  { ...good, rewards: { count: 1, sum: -maxSum * 1.01, sumSquares: 1 } },
  { ...good, compared: { pairs: 1, agreed: 2 } },
  { ...good, callers: { requests: { 64: 1 } } },
  { ...good, callers: { requests: { 0: 1 }, failed: { 0: 1 }, refused: { 0: 1 } } },
  { ...good, callers: { refused: { 0: 1 } } },
  { ...good, callers: { failed: { 0: 1 }, refused: { 63: 1 }, requests: { 0: 1 } } },
];
test.each(wrong.map((bad) => ({ bad })))("counts of others are none that are not of this shape: $bad", ({ bad }) => {
  expect(readArmCounts(bad)).toBeNull();
});

test("counts of others at their limits", () => {
  expect(readArmCounts({ requests: 3, failed: 2, refused: 1, ["__proto__"]: 1 })).toEqual(
    armCounts({ ...good, refused: 1 }),
  );
  expect(readArmCounts({ requests: Number.MAX_SAFE_INTEGER })?.requests).toBe(Number.MAX_SAFE_INTEGER);
  expect(readArmCounts({ latency: { [latencyBuckets - 1]: 1 } })?.latency.at(-1)).toBe(1);
  expect(readArmCounts({ callers: { requests: { 63: 2 }, failed: { 63: 1 }, refused: { 63: 1 } } })).not.toBeNull();
  for (const [sumSquares, read] of [
    [1e18, 1e18],
    [maxSum, maxSum],
    [-1e-9, 0],
  ] as const)
    expect(readArmCounts({ rewards: { count: 1, sum: -1e9, sumSquares } })?.rewards).toEqual({
      count: 1,
      sum: -1e9,
      sumSquares: read,
    });
});

test("counts that fell, or of which a part grew by more than its whole, are those of a process that began again", () => {
  const at63 = (count: number): number[] => [...many(callerBuckets - 1, 0), count];
  const before = armCounts({
    requests: 100,
    latency: many(latencyBuckets, 1),
    compared: { pairs: 10, agreed: 0 },
    callers: { requests: at63(1), failed: [] },
  });
  expect(hasGrown(before, armCounts({ callers: { requests: at63(2), failed: at63(1) } }, before))).toBe(true);
  for (const now of [
    armCounts({ requests: 99 }, before),
    armCounts({ requests: 101, failed: 5 }, before),
    armCounts({ compared: { pairs: 11, agreed: 6 } }, before),
    armCounts({ latency: many(latencyBuckets, 0) }, before),
    armCounts({ callers: { requests: at63(0), failed: at63(1) } }, before),
    armCounts({ rewards: { count: 1, sum: Number.NaN, sumSquares: 1 } }, before),
  ])
    expect(hasGrown(before, now), JSON.stringify(now)).toBe(false);
});
