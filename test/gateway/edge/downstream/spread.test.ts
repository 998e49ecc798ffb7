// Connections are spread over workers: who has too many lets some go.
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { fixed, fixedCells } from "../../../../gateway/shared/metrics/fixed.ts";
import { DeadlineWheel } from "../../../../gateway/edge/io/deadline.ts";
import { Spread, surplusOf } from "../../../../gateway/edge/downstream/spread.ts";
import { StoppedClock } from "../../../stopped-clock.ts";

test.each([
  ["alone", 100, [], 0],
  ["even", 1, [1, 1, 1], 0],
  ["twice the mean", 2, [1, 1, 0], 0],
  ["three of four", 3, [1, 0, 0], 2],
  ["all of four", 4, [0, 0, 0], 3],
  ["two of two workers", 2, [0], 0],
  ["many", 90, [10, 10, 10], 60],
])("%s: %i beside %j lets %i go", (_name, own, others, surplus) => expect(surplusOf(own, others)).toBe(surplus));

test("connections that are let go and land anywhere come to rest where no worker has more than twice the mean", () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(40), { minLength: 2, maxLength: 8 }),
      fc.infiniteStream(fc.nat()),
      (start, landings) => {
        const counts = [...start];
        const total = counts.reduce((sum, count) => sum + count, 0);
        for (let round = 0; round < 2000; round++) {
          const surplus = counts.map((count, worker) =>
            surplusOf(
              count,
              counts.filter((_, other) => other !== worker),
            ),
          );
          for (const [worker, count] of surplus.entries()) {
            counts[worker]! -= count;
            for (let i = 0; i < count; i++) counts[landings.next().value! % counts.length]! += 1;
          }
          expect(counts.reduce((sum, count) => sum + count, 0)).toBe(total);
          if (surplus.every((count) => count === 0)) return;
        }
        expect.fail(`after 2000 rounds: ${counts.join(" ")}`);
      },
    ),
    { numRuns: 50 },
  );
});

test("what two looks see is let go, the oldest first, and only once", () => {
  const others = [0, 0, 0].map(() => new Float64Array(fixedCells));
  others[0]![fixed.clientConnectionsHttp2] = 1;
  const wheel = new DeadlineWheel(new StoppedClock(), () => undefined);
  const connections = new Set(
    Array.from({ length: 7 }, () => {
      const connection = {
        busy: false,
        idleSinceMs: 0,
        retiring: false,
        destroy: () => undefined,
        drain: () => void (connection.retiring = true),
      };
      return connection;
    }),
  );
  const spread = new Spread({ worker: { wheel, nowMs: 0, occupancy: { others } }, connections });
  const retiring = (): boolean[] => [...connections].map((connection) => connection.retiring);
  spread.look();
  expect(retiring()).toEqual(Array.from({ length: 7 }, () => false));
  spread.look();
  // The mean is 2.
  expect(retiring()).toEqual([true, true, true, true, true, false, false]);
  // They have landed elsewhere.
  for (const cells of others) cells[fixed.clientConnectionsHttp2] = 2;
  spread.look();
  spread.look();
  expect(retiring().filter(Boolean)).toHaveLength(5);
  wheel.close();
});
