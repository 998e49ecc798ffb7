import { expect, test } from "vitest";
import { ServingWorkers, maxUnserved } from "../../../../gateway/control/publish/serving-workers.ts";

function watched(): { readonly workers: ServingWorkers; readonly live: number[] } {
  const live: number[] = [];
  return { workers: new ServingWorkers((seconds) => live.push(seconds)), live };
}

test("a change is live when the last worker has taken it, also where that one leaves", () => {
  const { workers, live } = watched();
  expect([workers.heldByAll, workers.serving]).toEqual([Infinity, 0]);
  for (const worker of [0, 1, 2]) workers.join(worker, () => {});
  workers.published(1, 1000);
  expect(workers.taken(0, 1, 1002)).toBe(true);
  expect(workers.taken(1, 1, 1005)).toBe(true);
  expect([workers.heldByAll, workers.serving, live]).toEqual([0, 2, []]);
  workers.leave(2);
  expect([workers.heldByAll, live]).toEqual([1, [0.005]]);
  expect(workers.taken(2, 1, 1006)).toBe(false);
});

test.each([
  [maxUnserved - 1, maxUnserved - 1],
  [maxUnserved, maxUnserved],
  [maxUnserved + 1, maxUnserved],
])("of %d changes that a worker did not take the newest %d are measured", (count, measured) => {
  const { workers, live } = watched();
  workers.join(0, () => {});
  for (let version = 1; version <= count; version++) workers.published(version, version);
  workers.taken(0, count, count);
  expect(live).toHaveLength(measured);
  expect(live.at(-1)).toBe(0);
  expect(live[0]).toBe((measured - 1) / 1000);
});

test("a worker that lacks something serves nobody yet, and what it lacks is said", () => {
  const { workers } = watched();
  for (const worker of [0, 1]) workers.join(worker, () => {});
  workers.taken(0, 1, 1);
  expect([workers.serving, workers.lacking]).toEqual([1, "data worker 1 waits for its first table"]);
  workers.lacks(1, "the policy");
  workers.taken(1, 1, 1);
  expect([workers.serving, workers.lacking]).toEqual([1, "data worker 1 waits for the policy"]);
  workers.lacks(1, null);
  expect([workers.serving, workers.lacking]).toEqual([2, null]);
  workers.leave(1);
  workers.lacks(1, "the policy");
  expect([workers.serving, workers.lacking]).toEqual([1, null]);
});
