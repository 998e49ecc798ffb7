import { expect, test } from "vitest";
import { Latencies, maxLatencySlots } from "../../../gateway/shared/latencies.ts";
import { latencyBucket, latencyBuckets } from "../../../release/statistics/latency-bounds.ts";

test("counts by slot and bucket, and says once that there is something to hand over", () => {
  let said = 0;
  const latencies = new Latencies(() => (said += 1));
  for (const ms of [3, 3, 70_000]) latencies.take(7, ms);
  latencies.take(8, 1);
  expect(said).toBe(1);
  const { slots, leftOut } = latencies.drain();
  expect(leftOut).toBe(0);
  expect(slots.map(({ slot }) => slot)).toEqual([7, 8]);
  const [{ counts }] = slots as [(typeof slots)[number]];
  expect([counts[latencyBucket(3)], counts[latencyBuckets - 1], counts.reduce((sum, count) => sum + count, 0)]).toEqual(
    [2, 1, 3],
  );
  expect(latencies.drain()).toEqual({ slots: [], leftOut: 0 });
  latencies.take(7, 3);
  expect(said).toBe(2);
});

test.each([
  [maxLatencySlots - 1, 0],
  [maxLatencySlots, 0],
  [maxLatencySlots + 1, 1],
])("of %d slots %d is left out, and counted", (slots, leftOut) => {
  const latencies = new Latencies(() => undefined);
  for (let slot = 0; slot < slots; slot++) latencies.take(slot, 5);
  const drained = latencies.drain();
  expect([drained.slots.length, drained.leftOut]).toEqual([Math.min(slots, maxLatencySlots), leftOut]);
});

test("what has no slot is left out", () => {
  const latencies = new Latencies(() => undefined);
  latencies.take(-1, 5);
  expect(latencies.drain()).toEqual({ slots: [], leftOut: 1 });
});
