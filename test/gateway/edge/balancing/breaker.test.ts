import * as fc from "fast-check";
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import {
  CounterBlock,
  blockBytes,
  breakerCell,
  lightUse,
  heavyUseBytes,
  heavyUseCell,
} from "../../../../gateway/shared/memory/counters.ts";
import { Breaker, resource } from "../../../../gateway/edge/balancing/breaker.ts";
import { occupancyOf, type Occupancy } from "../../../../gateway/edge/io/occupancy.ts";

/** The cells of `count` workers, as each of them sees them. */
function workers(count: number): readonly Occupancy[] {
  const blocks = Array.from({ length: count }, () => new CounterBlock(new SharedArrayBuffer(blockBytes())).cells);
  const heavyUse = new Int32Array(new SharedArrayBuffer(heavyUseBytes()));
  return blocks.map((own) =>
    occupancyOf(
      own,
      blocks.filter((other) => other !== own),
      heavyUse,
    ),
  );
}

function breakerAt(occupancy: Occupancy, slot: number, priority = 0): Breaker {
  const breaker = new Breaker();
  breaker.moveTo(occupancy, slot, priority);
  return breaker;
}

function enterConnection(breaker: Breaker): boolean {
  const room = breaker.hasRoomForConnection();
  if (room) breaker.enterConnection();
  return room;
}

const limits = { maxConnections: 4, maxPendingRequests: 3, maxRequests: 2, maxRetries: 1 };

describe("a breaker", () => {
  test.each([
    ["connections", 1024],
    ["pending", 1024],
    ["requests", 1024],
    ["retries", 3],
  ] as const)("has Envoy's default limit for %s: %d", (name, most) => {
    const breaker = new Breaker();
    for (let i = 0; i < most; i++) expect(breaker.enter(resource[name])).toBe(true);
    expect(breaker.enter(resource[name])).toBe(false);
    breaker.leave(resource[name]);
    expect(breaker.enter(resource[name])).toBe(true);
  });

  test("compares what all workers have in use, resource by resource", () => {
    const [a, b, c] = workers(3).map((one) => breakerAt(one, 7)) as [Breaker, Breaker, Breaker];
    for (const one of [a, b, c]) one.limit(limits);
    expect([a.enter(resource.requests), b.enter(resource.requests), c.enter(resource.requests)]).toEqual([
      true,
      true,
      false,
    ]);
    expect([a.enter(resource.retries), c.enter(resource.retries)]).toEqual([true, false]);
    expect(c.inUse(resource.requests)).toBe(2);
    a.leave(resource.requests);
    expect(c.enter(resource.requests)).toBe(true);
  });

  test("Upstreams and priorities do not touch each other", () => {
    const [one] = workers(1) as [Occupancy];
    const breakers = [breakerAt(one, 0, 0), breakerAt(one, 0, 1), breakerAt(one, 1, 0)];
    for (const breaker of breakers) {
      breaker.limit(limits);
      expect([breaker.enter(resource.retries), breaker.enter(resource.retries)]).toEqual([true, false]);
    }
  });

  test("a worker without a connection gets one whatever the others hold; then the limit holds", () => {
    const [a, b] = workers(2).map((one) => breakerAt(one, 0)) as [Breaker, Breaker];
    for (const one of [a, b]) one.limit(limits);
    for (let i = 0; i < 4; i++) expect(enterConnection(a)).toBe(true);
    expect(enterConnection(a)).toBe(false);
    expect(enterConnection(b)).toBe(true);
    expect(enterConnection(b)).toBe(false);
  });

  test("a limit of 0 admits nothing but that connection", () => {
    const breaker = new Breaker();
    breaker.limit({ maxConnections: 0, maxPendingRequests: 0, maxRequests: 0, maxRetries: 0 });
    expect([
      breaker.enter(resource.requests),
      breaker.enter(resource.pending),
      breaker.enter(resource.retries),
    ]).toEqual([false, false, false]);
    expect([enterConnection(breaker), enterConnection(breaker)]).toEqual([true, false]);
  });

  test("what is in use moves along when it gets cells or loses them", () => {
    const [one] = workers(1) as [Occupancy];
    const breaker = new Breaker();
    breaker.enter(resource.requests);
    breaker.moveTo(one, 5, 1);
    breaker.moveTo(one, 5, 1);
    expect(one.own[breakerCell(5, 1) + resource.requests]).toBe(1);
    breaker.moveTo(one, -1, 1);
    expect(one.own[breakerCell(5, 1) + resource.requests]).toBe(0);
    expect(breaker.inUse(resource.requests)).toBe(1);
    breaker.leave(resource.requests);
    expect(breaker.inUse(resource.requests)).toBe(0);
  });

  test.each([1, 2, 8, 32, 64])(
    "%d workers that fill up evenly are refused at the limit and not before, with the usual limit, one less and one more",
    (count) => {
      for (const limit of [1023, 1024, 1025]) {
        const breakers = workers(count).map((one) => breakerAt(one, 7));
        for (const one of breakers) one.limit({ ...limits, maxRequests: limit });
        for (let entered = 0; entered < limit; entered++)
          expect(breakers[entered % count]!.enter(resource.requests)).toBe(true);
        for (const one of breakers) expect(one.enter(resource.requests)).toBe(false);
        breakers[0]!.leave(resource.requests);
        expect(breakers.at(-1)!.enter(resource.requests)).toBe(true);
        for (const one of breakers) expect(one.enter(resource.requests)).toBe(false);
      }
    },
  );

  test("whatever comes and goes where, room is what the sum of all leaves, and who has more than half of an equal share is counted", () => {
    const step = fc.record({
      worker: fc.nat(7),
      by: fc.integer({ min: -200, max: 200 }),
      one: fc.constantFrom(resource.requests, resource.connections, resource.pending),
      moves: fc.nat(9),
    });
    fc.assert(
      fc.property(
        fc.constantFrom(1, 2, 4, 8),
        fc.constantFrom(100, 1000, 1024, 1030),
        fc.array(step, { maxLength: 60 }),
        (count, limit, steps) => {
          const all = workers(count);
          const breakers = all.map((one) => breakerAt(one, 3));
          const most = { ...limits, maxRequests: limit, maxConnections: limit, maxPendingRequests: limit };
          for (const one of breakers) one.limit(most);
          const held = new Map(breakers.map((one) => [one, [0, 0, 0, 0]]));
          for (const { worker, by, one, moves } of steps) {
            const at = worker % count;
            const breaker = breakers[at]!;
            const own = held.get(breaker)!;
            const sum = (): number => [...held.values()].reduce((total, each) => total + each[one]!, 0);
            for (let i = 0; i < by; i++) {
              const room = sum() < limit;
              expect(breaker.enter(one)).toBe(room);
              if (room) own[one]! += 1;
            }
            for (let i = 0; i > by && own[one]! > 0; i--) {
              breaker.leave(one);
              own[one]! -= 1;
            }
            // To another slot, where nobody is, and back.
            if (moves === 0) for (const slot of [4, -1, 3]) breaker.moveTo(all[at]!, slot, 0);
          }
          const heavy = count === 1 ? 0 : [...held.values()].flat().filter((use) => use > lightUse(count)).length;
          const { heavyUse } = all[0]!;
          expect([3, 4].map((slot) => heavyUse[heavyUseCell(slot, 0)])).toEqual([heavy, 0]);
        },
      ),
      { numRuns: 300 },
    );
  });

  // A breaker that counted first, looked, and took back what was too much could let nobody in for ever: A and B each count themselves for the last place, each sees the other,
  // both take back, and both try again at the same moment. Here a look comes first and a refusal writes nothing. So A, who sees room, writes whatever B does; and if B is
  // refused then, it is because somebody has the place. Each call lets in one more or is the last of its worker: limit + workers − 1 that let in, and one refusal a worker.
  test.each([8, 1024])(
    "who is refused has written nothing, whatever others do in the midst of a look at a limit of %d: nobody keeps another from the last place",
    (limit) => {
      const count = 4;
      fc.assert(
        fc.property(fc.infiniteStream(fc.nat(count * 2)), (turns) => {
          const blocks = Array.from({ length: count }, () => new Float64Array(breakerCell(1, 0)));
          const heavyUse = new Int32Array(new SharedArrayBuffer(heavyUseBytes()));
          let written = 0;
          const asOwn = (block: Float64Array): Float64Array =>
            new Proxy(block, {
              set: (cells, cell, value) => {
                written += 1;
                return Reflect.set(cells, cell, value);
              },
            });
          // Whoever reads another's cell may be stopped there while others enter.
          const asOther = (block: Float64Array): Float64Array =>
            new Proxy(block, {
              get: (cells, cell) => {
                enter(turns.next().value);
                return Reflect.get(cells, cell) as unknown;
              },
            });
          const breakers = blocks.map((own) =>
            breakerAt(occupancyOf(asOwn(own), blocks.filter((other) => other !== own).map(asOther), heavyUse), 0),
          );
          for (const breaker of breakers) breaker.limit({ ...limits, maxRequests: limit });
          const looking = new Set<number>();
          const held = breakers.map(() => 0);
          const refused = new Set<number>();
          function enter(worker: number): void {
            if (worker >= count || looking.has(worker) || refused.has(worker)) return;
            looking.add(worker);
            if (breakers[worker]!.enter(resource.requests)) held[worker]! += 1;
            else refused.add(worker);
            looking.delete(worker);
          }
          let calls = 0;
          for (; refused.size < count && calls <= limit + count * 2; calls++)
            enter([0, 1, 2, 3].find((worker) => !refused.has(worker))!);
          expect(refused.size).toBe(count);
          const total = held.reduce((sum, each) => sum + each, 0);
          expect(written).toBe(total);
          expect(total).toBeGreaterThanOrEqual(limit);
          expect(total).toBeLessThanOrEqual(limit + count - 1);
        }),
        { numRuns: 50 },
      );
    },
  );

  // The first limit is never far away, the second is until nearly all is in use.
  test.each([
    [8, 10, 400],
    [1024, 4, 10],
  ])(
    "threads that race exceed a limit of %d by one each but the first, and leave nothing behind",
    async (limit, laps, slots) => {
      const count = 4;
      const heavyUse = new SharedArrayBuffer(heavyUseBytes());
      const blocks = Array.from({ length: count }, () => new SharedArrayBuffer(blockBytes()));
      const barrier = new SharedArrayBuffer(8);
      const threads = blocks.map(
        (_, worker) =>
          new Worker(new URL("../upstream/breaker-thread.ts", import.meta.url), {
            workerData: { blocks, heavyUse, barrier, worker, slots, limit, laps },
          }),
      );
      const [totals] = (await Promise.all(threads.map((thread) => once(thread, "message")))).map(
        ([one]) => one as readonly number[],
      ) as [readonly number[]];
      expect(totals).toHaveLength(laps * slots);
      expect(Math.min(...totals)).toBeGreaterThanOrEqual(limit);
      expect(Math.max(...totals)).toBeLessThanOrEqual(limit + count - 1);
      for (const buffer of blocks)
        expect(
          new Float64Array(buffer).subarray(breakerCell(0, 0), breakerCell(slots, 0)).every((value) => value === 0),
        ).toBe(true);
      expect(new Int32Array(heavyUse).every((value) => value === 0)).toBe(true);
      await Promise.all(threads.map((thread) => thread.terminate()));
    },
  );
});
