import { expect, test } from "vitest";
import {
  EvidenceCounts,
  maxEvidenceSlots,
  type EvidenceOwner,
  type SlotEvidence,
} from "../../../gateway/shared/evidence-counts.ts";
import { withoutRoomProblems } from "../../../gateway/control/releases/without-room.ts";
import type { PlannedRelease } from "../../../k8s/translate/model/release.ts";
import { EvidenceBySlot, leftOutMs } from "../../../gateway/control/measured/evidence-by-slot.ts";
import { latencyBucket, latencyBuckets } from "../../../routing/release/statistics/latency-bounds.ts";

const owner = (slot: number, namespace = "prod", deployment = `sd-${slot}`): EvidenceOwner => ({
  slot,
  namespace,
  deployment,
});

test("counts by slot, bucket of latency and bucket of callers, and says once that there is something to hand over", () => {
  let said = 0;
  const evidence = new EvidenceCounts(() => (said += 1));
  for (const ms of [3, 3, 70_000]) evidence.take(owner(7), "answered", ms, 63);
  evidence.take(owner(7), "failed", 1, 63);
  evidence.take(owner(7), "refused", null, 0);
  evidence.take(owner(7), "answered", null, -1);
  evidence.take(owner(8), "answered", 1, 5);
  expect(said).toBe(1);
  const { slots, leftOut } = evidence.drain();
  expect(leftOut).toBe(0);
  expect(slots.map(({ slot, requests, failed, refused }) => [slot, requests, failed, refused])).toEqual([
    [7, 6, 1, 1],
    [8, 1, 0, 0],
  ]);
  const [{ latency, callers }] = slots as [SlotEvidence];
  expect([
    latency[latencyBucket(3)],
    latency[latencyBuckets - 1],
    latency.reduce((sum, count) => sum + count, 0),
  ]).toEqual([2, 1, 4]);
  const some = (counts: Uint32Array): object =>
    Object.fromEntries([...counts.entries()].filter(([, count]) => count > 0));
  expect([some(callers.requests), some(callers.failed), some(callers.refused)]).toEqual([
    { 0: 1, 63: 4 },
    { 63: 1 },
    { 0: 1 },
  ]);
  expect(evidence.drain()).toEqual({ slots: [], leftOut: 0, without: [] });
  evidence.take(owner(7), "answered", 3, -1);
  expect(said).toBe(2);
});

test.each([
  [maxEvidenceSlots - 1, []],
  [maxEvidenceSlots, []],
  [maxEvidenceSlots + 1, [`prod/sd-${maxEvidenceSlots}`]],
])("of %d slots of one namespace these are left out, and counted: %j", (slots, without) => {
  const evidence = new EvidenceCounts(() => undefined);
  for (let slot = 0; slot < slots; slot++) evidence.take(owner(slot), "answered", 5, -1);
  const drained = evidence.drain();
  expect(drained.slots).toHaveLength(Math.min(slots, maxEvidenceSlots));
  expect([drained.leftOut, drained.without]).toEqual([without.length, without]);
  const kept = new EvidenceBySlot();
  kept.take(drained, 0);
  const planned = Array.from({ length: slots }, (_, slot) => ({
    ref: { kind: "SeldonDeployment", namespace: "prod", name: `sd-${slot}` },
    field: "sluice.io/rollout",
    plan: { kind: slot === 1 ? "stopped" : "rollout" },
  })) as unknown as PlannedRelease[];
  const problemsAt = (nowMs: number): unknown[] =>
    withoutRoomProblems(planned, kept.without(nowMs)).map(({ code, subject }) => [
      code,
      `${subject.namespace}/${subject.name}`,
    ]);
  expect(problemsAt(leftOutMs - 1)).toEqual(without.map((name) => ["rollout-without-room", name]));
  expect(problemsAt(leftOutMs)).toEqual([]);
});

test("what has no slot is left out", () => {
  const evidence = new EvidenceCounts(() => undefined);
  evidence.take(owner(-1, "prod", "iris"), "answered", 5, -1);
  expect(evidence.drain()).toEqual({ slots: [], leftOut: 1, without: ["prod/iris"] });
});

test("bandits of 2,100 deployments of one namespace cost another namespace's rollout none of its evidence, neither at a worker nor beside it", () => {
  const released = new EvidenceBySlot();
  const [canary, main] = [owner(5000, "prod", "iris"), owner(5001, "prod", "iris")];
  for (let second = 0; second < 3; second++) {
    const evidence = new EvidenceCounts(() => undefined);
    for (let slot = 0; slot < 2 * 2100; slot++)
      evidence.take(owner(slot, "many", `bandit-${Math.floor(slot / 2)}`), "answered", 5, -1);
    for (const one of [canary, main]) evidence.take(one, "failed", 5, 1);
    const drained = evidence.drain();
    expect(drained.slots).toHaveLength(maxEvidenceSlots);
    released.take(drained, second * 1000);
  }
  expect([5000, 5001].map((slot) => released.of([slot]).failed)).toEqual([3, 3]);
  const without = released.without(2000);
  expect([...without].every((name) => name.startsWith("many/"))).toBe(true);
  expect(without.size).toBeGreaterThan(50);
  expect(released.without(2000 + leftOutMs).size).toBe(0);
});
