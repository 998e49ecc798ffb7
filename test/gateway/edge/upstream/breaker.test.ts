import * as fc from 'fast-check';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { CounterBlock, blockBytes, breakerCell, lightUse, heavyUseBytes, heavyUseCell } from '../../../../gateway/counters.ts';
import { Breaker, resource } from '../../../../gateway/edge/upstream/breaker.ts';
import { occupancyOf } from '../../../../gateway/edge/io/occupancy.ts';
import type { Occupancy } from '../../../../gateway/edge/io/occupancy.ts';

/** The cells of `count` workers, as each of them sees them. */
function workers(count: number): readonly Occupancy[] {
  const blocks = Array.from({ length: count }, () => new CounterBlock(new SharedArrayBuffer(blockBytes())).cells);
  const heavyUse = new Int32Array(new SharedArrayBuffer(heavyUseBytes()));
  return blocks.map((own) => occupancyOf(own, blocks.filter((other) => other !== own), heavyUse));
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

describe('a breaker', () => {
  test.each([
    ['connections', 1024],
    ['pending', 1024],
    ['requests', 1024],
    ['retries', 3],
  ] as const)("has Envoy's default limit for %s: %d", (name, most) => {
    const breaker = new Breaker();
    for (let i = 0; i < most; i++) expect(breaker.enter(resource[name])).toBe(true);
    expect(breaker.enter(resource[name])).toBe(false);
    breaker.leave(resource[name]);
    expect(breaker.enter(resource[name])).toBe(true);
  });

  test('compares what all workers have in use, resource by resource', () => {
    const [a, b, c] = workers(3).map((one) => breakerAt(one, 7)) as [Breaker, Breaker, Breaker];
    for (const one of [a, b, c]) one.limit(limits);
    expect([a.enter(resource.requests), b.enter(resource.requests), c.enter(resource.requests)]).toEqual([true, true, false]);
    expect([a.enter(resource.retries), c.enter(resource.retries)]).toEqual([true, false]);
    expect(c.inUse(resource.requests)).toBe(2);
    a.leave(resource.requests);
    expect(c.enter(resource.requests)).toBe(true);
  });

  test('Upstreams and priorities do not touch each other', () => {
    const [one] = workers(1) as [Occupancy];
    const breakers = [breakerAt(one, 0, 0), breakerAt(one, 0, 1), breakerAt(one, 1, 0)];
    for (const breaker of breakers) {
      breaker.limit(limits);
      expect([breaker.enter(resource.retries), breaker.enter(resource.retries)]).toEqual([true, false]);
    }
  });

  test('a worker without a connection gets one whatever the others hold; then the limit holds', () => {
    const [a, b] = workers(2).map((one) => breakerAt(one, 0)) as [Breaker, Breaker];
    for (const one of [a, b]) one.limit(limits);
    for (let i = 0; i < 4; i++) expect(enterConnection(a)).toBe(true);
    expect(enterConnection(a)).toBe(false);
    expect(enterConnection(b)).toBe(true);
    expect(enterConnection(b)).toBe(false);
  });

  test('a limit of 0 admits nothing but that connection', () => {
    const breaker = new Breaker();
    breaker.limit({ maxConnections: 0, maxPendingRequests: 0, maxRequests: 0, maxRetries: 0 });
    expect([breaker.enter(resource.requests), breaker.enter(resource.pending), breaker.enter(resource.retries)]).toEqual([false, false, false]);
    expect([enterConnection(breaker), enterConnection(breaker)]).toEqual([true, false]);
  });

  test('what is in use moves along when it gets cells or loses them', () => {
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

  test.each([1, 2, 8, 32, 64])('%d workers that fill up evenly are refused at the limit and not before, with the usual limit, one less and one more', (count) => {
    for (const limit of [1023, 1024, 1025]) {
      const breakers = workers(count).map((one) => breakerAt(one, 7));
      for (const one of breakers) one.limit({ ...limits, maxRequests: limit });
      for (let entered = 0; entered < limit; entered++) expect(breakers[entered % count]!.enter(resource.requests)).toBe(true);
      for (const one of breakers) expect(one.enter(resource.requests)).toBe(false);
      breakers[0]!.leave(resource.requests);
      expect(breakers.at(-1)!.enter(resource.requests)).toBe(true);
      for (const one of breakers) expect(one.enter(resource.requests)).toBe(false);
    }
  });

  test('whatever comes and goes where, room is what the sum of all leaves, and who has more than half of an equal share is counted', () => {
    const step = fc.record({ worker: fc.nat(7), by: fc.integer({ min: -200, max: 200 }), one: fc.constantFrom(resource.requests, resource.connections, resource.pending), moves: fc.nat(9) });
    fc.assert(
      fc.property(fc.constantFrom(1, 2, 4, 8), fc.constantFrom(100, 1000, 1024, 1030), fc.array(step, { maxLength: 60 }), (count, limit, steps) => {
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
      }),
      { numRuns: 300 },
    );
  });

  // The first limit is never far away, the second is until nearly all is in use.
  test.each([[8, 1000], [1024, 40]])('threads that race exceed a limit of %d by one each but the first, and leave nothing behind', { timeout: 120_000 }, async (limit, rounds) => {
    const count = 4;
    const heavyUse = new SharedArrayBuffer(heavyUseBytes());
    const blocks = Array.from({ length: count }, () => new SharedArrayBuffer(blockBytes()));
    const barrier = new SharedArrayBuffer(8);
    const threads = blocks.map(
      (_, worker) => new Worker(new URL('breaker-thread.ts', import.meta.url), { workerData: { blocks, heavyUse, barrier, worker, slot: 3, limit, rounds } }),
    );
    const [totals] = (await Promise.all(threads.map((thread) => once(thread, 'message')))).map(([one]) => one as readonly number[]) as [readonly number[]];
    expect(totals).toHaveLength(rounds);
    expect(Math.min(...totals)).toBeGreaterThanOrEqual(limit);
    expect(Math.max(...totals)).toBeLessThanOrEqual(limit + count - 1);
    for (const buffer of blocks) expect(new Float64Array(buffer).subarray(breakerCell(3, 0), breakerCell(4, 0)).every((value) => value === 0)).toBe(true);
    expect(new Int32Array(heavyUse).every((value) => value === 0)).toBe(true);
    await Promise.all(threads.map((thread) => thread.terminate()));
  });
});
