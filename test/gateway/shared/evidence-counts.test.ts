import { expect, test } from "vitest";
import { EvidenceCounts, maxEvidenceSlots } from "../../../gateway/shared/evidence-counts.ts";
import { latencyBucket, latencyBuckets } from "../../../routing/release/statistics/latency-bounds.ts";

test("counts by slot and bucket, and says once that there is something to hand over", () => {
  let said = 0;
  const evidence = new EvidenceCounts(() => (said += 1));
  for (const ms of [3, 3, 70_000]) evidence.take(7, false, ms);
  evidence.take(7, true, 1);
  evidence.take(7, false, null);
  evidence.take(8, false, 1);
  expect(said).toBe(1);
  const { slots, leftOut } = evidence.drain();
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
  expect(evidence.drain()).toEqual({ slots: [], leftOut: 0 });
  evidence.take(7, false, 3);
  expect(said).toBe(2);
});

test.each([
  [maxEvidenceSlots - 1, 0],
  [maxEvidenceSlots, 0],
  [maxEvidenceSlots + 1, 1],
])("of %d slots %d is left out, and counted", (slots, leftOut) => {
  const evidence = new EvidenceCounts(() => undefined);
  for (let slot = 0; slot < slots; slot++) evidence.take(slot, false, 5);
  const drained = evidence.drain();
  expect([drained.slots.length, drained.leftOut]).toEqual([Math.min(slots, maxEvidenceSlots), leftOut]);
});

test("what has no slot is left out", () => {
  const evidence = new EvidenceCounts(() => undefined);
  evidence.take(-1, false, 5);
  expect(evidence.drain()).toEqual({ slots: [], leftOut: 1 });
});
