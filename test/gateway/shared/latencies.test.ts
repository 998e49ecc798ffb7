import { expect, test } from "vitest";
import { Latencies, maxLatencySlots } from "../../../gateway/shared/latencies.ts";
import { latencyBucket, latencyBuckets } from "../../../release/statistics/latency-bounds.ts";

test("counts by slot and bucket, and says once that there is something to hand over", () => {
  let said = 0;
  const latencies = new Latencies(() => (said += 1));
  for (const ms of [3, 3, 70_000]) latencies.take(7, false, ms);
  latencies.take(7, true, 1);
  latencies.take(7, false, null);
  latencies.take(8, false, 1);
  expect(said).toBe(1);
  const { slots, leftOut } = latencies.drain();
  expect(leftOut).toBe(0);
  expect(slots.map(({ slot, requests, failed }) => [slot, requests, failed])).toEqual([
    [7, 5, 1],
    [8, 1, 0],
  ]);
  const [{ latency }] = slots as [(typeof slots)[number]];
  expect([
    latency[latencyBucket(3)],
    latency[latencyBuckets - 1],
    latency.reduce((sum, count) => sum + count, 0),
  ]).toEqual([2, 1, 4]);
  expect(latencies.drain()).toEqual({ slots: [], leftOut: 0 });
  latencies.take(7, false, 3);
  expect(said).toBe(2);
});

test.each([
  [maxLatencySlots - 1, 0],
  [maxLatencySlots, 0],
  [maxLatencySlots + 1, 1],
])("of %d slots %d is left out, and counted", (slots, leftOut) => {
  const latencies = new Latencies(() => undefined);
  for (let slot = 0; slot < slots; slot++) latencies.take(slot, false, 5);
  const drained = latencies.drain();
  expect([drained.slots.length, drained.leftOut]).toEqual([Math.min(slots, maxLatencySlots), leftOut]);
});

test("what has no slot is left out", () => {
  const latencies = new Latencies(() => undefined);
  latencies.take(-1, false, 5);
  expect(latencies.drain()).toEqual({ slots: [], leftOut: 1 });
});
