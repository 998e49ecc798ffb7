// How many callers change hands between two splits, against the least that must.
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { circle } from "../../../routing/collections/key-hash.ts";
import { groundsOf, type CirclePart, type Ground } from "../../../routing/route/circle.ts";
import { anchorOf } from "../../../routing/route/sticky-split.ts";

/** Shares of members by name; all are ready. */
type Shares = Readonly<Record<string, number>>;

const seriesOf = (predictor: string) =>
  ({ series: { namespace: "prod", deployment: "iris", predictor, role: "live", protocol: "http" } }) as const;

/** Whose each position is, as pieces of the circle. */
function pieces(shares: Shares, ready: Shares = shares): readonly { readonly until: number; readonly name: string }[] {
  const names = Object.keys(shares);
  const parts: CirclePart[] = names.map((name) => ({
    anchor: anchorOf(seriesOf(name)),
    declared: shares[name]!,
    share: ready[name] ?? 0,
  }));
  const grounds: readonly Ground[] = groundsOf(parts);
  return grounds.map(({ until, part }) => ({ until, name: names[part]! }));
}

/** What of the circle moves from one member to another: `from > to`, 0..1. */
function moves(before: ReturnType<typeof pieces>, after: ReturnType<typeof pieces>): ReadonlyMap<string, number> {
  const moved = new Map<string, number>();
  let at = 0;
  for (let i = 0, j = 0; at < circle;) {
    const until = Math.min(before[i]!.until, after[j]!.until);
    const [from, to] = [before[i]!.name, after[j]!.name];
    if (from !== to) moved.set(`${from} > ${to}`, (moved.get(`${from} > ${to}`) ?? 0) + (until - at) / circle);
    at = until;
    if (before[i]!.until === until) i++;
    if (after[j]!.until === until) j++;
  }
  return moved;
}

const movedOf = (moved: ReadonlyMap<string, number>): number =>
  [...moved.values()].reduce((sum, part) => sum + part, 0);

/** The least share of callers that must change hands: total variation. */
function leastOf(before: Shares, after: Shares): number {
  let sum = 0;
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)]))
    sum += Math.abs((before[name] ?? 0) - (after[name] ?? 0));
  return sum / 2;
}

/** Rounding to whole positions. */
const rounding = 1e-12;
const manyNames = ["main", "canary", "next", "default", "v1", "v2", "challenger", "a", "b"];
const someNames = (min: number, max: number): fc.Arbitrary<readonly string[]> =>
  fc.uniqueArray(fc.constantFrom(...manyNames), { minLength: min, maxLength: max });

/** Shares of these names that sum to 1; some are 0. */
const sharesFor = (names: readonly string[]): fc.Arbitrary<Shares> =>
  fc
    .array(fc.oneof(fc.constant(0), fc.nat(1000)), { minLength: names.length, maxLength: names.length })
    .filter((weights) => weights.some((weight) => weight > 0))
    .map((weights) => {
      const sum = weights.reduce((one, other) => one + other, 0);
      return Object.fromEntries(names.map((name, at) => [name, weights[at]! / sum]));
    });

const twoSplits = (min: number, max: number): fc.Arbitrary<readonly [Shares, Shares]> =>
  someNames(min, max).chain((names) => fc.tuple(sharesFor(names), sharesFor(names)));

/** A split, and one in which the first member has more at the cost of some or all others. */
const growth: fc.Arbitrary<readonly [string, Shares, Shares]> = someNames(2, 6).chain((names) =>
  fc
    .tuple(sharesFor(names), fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 6, maxLength: 6 }))
    .map(([before, kept]) => {
      const [grower, ...others] = names as [string, ...string[]];
      const after = Object.fromEntries(others.map((name, at) => [name, before[name]! * kept[at]!]));
      const rest = Object.values(after).reduce((sum, share) => sum + share, 0);
      return [grower, before, { ...after, [grower]: 1 - rest }];
    }),
);

describe("the ground of a member", () => {
  test("is its share, to a position of 2^48", () => {
    fc.assert(
      fc.property(someNames(1, 9).chain(sharesFor), (shares) => {
        const held = new Map<string, number>();
        let at = 0;
        for (const { until, name } of pieces(shares)) {
          expect(until).toBeGreaterThan(at);
          held.set(name, (held.get(name) ?? 0) + (until - at) / circle);
          at = until;
        }
        expect(at).toBe(circle);
        for (const [name, share] of Object.entries(shares)) expect(held.get(name) ?? 0).toBeCloseTo(share, 12);
      }),
    );
  });

  test("of two: exactly the least changes hands between any two splits", () => {
    fc.assert(
      fc.property(twoSplits(2, 2), ([before, after]) => {
        expect(movedOf(moves(pieces(before), pieces(after)))).toBeCloseTo(leastOf(before, after), 12);
      }),
    );
  });

  test("of n: at most n - 1 times the least changes hands between any two splits", () => {
    fc.assert(
      fc.property(twoSplits(2, 9), ([before, after]) => {
        const n = Object.keys(before).length;
        const moved = movedOf(moves(pieces(before), pieces(after)));
        const least = leastOf(before, after);
        expect(moved).toBeGreaterThanOrEqual(least - rounding);
        expect(moved).toBeLessThanOrEqual((n - 1) * least + n * rounding);
      }),
      { numRuns: 1000 },
    );
  });

  test("a member that alone grows keeps all of its callers, and one that alone shrinks gets no new ones", () => {
    fc.assert(
      fc.property(growth, ([grower, before, after]) => {
        for (const [move, share] of moves(pieces(before), pieces(after)))
          if (move.startsWith(`${grower} > `)) expect(share).toBeLessThan(rounding * 10);
      }),
      { numRuns: 1000 },
    );
  });

  test("main and canaries: where a canary ends on main's ground, only its own new callers move, and only from main", () => {
    let exact = 0;
    fc.assert(
      fc.property(
        someNames(2, 3),
        fc.double({ min: 0.01, max: 0.15, noNaN: true }),
        fc.double({ min: 0.01, max: 0.15, noNaN: true }),
        fc.double({ min: 0.001, max: 0.1, noNaN: true }),
        (names, first, second, more) => {
          const canaries = names.filter((name) => name !== "main");
          fc.pre(canaries.length > 0);
          const shares = [first, second, second].slice(0, canaries.length);
          const of = (own: readonly number[]): Shares => ({
            main: 1 - own.reduce((sum, share) => sum + share, 0),
            ...Object.fromEntries(canaries.map((name, at) => [name, own[at]!])),
          });
          const before = of(shares);
          const after = of([shares[0]! + more, ...shares.slice(1)]);
          const gained = [...moves(pieces(before), pieces(after))].filter(([move]) =>
            move.endsWith(` > ${canaries[0]}`),
          );
          if (gained.some(([move, share]) => !move.startsWith("main ") && share > rounding)) return;
          exact++;
          expect(movedOf(moves(pieces(before), pieces(after)))).toBeCloseTo(more, 10);
        },
      ),
      { numRuns: 500, seed: 24 },
    );
    expect(exact).toBeGreaterThan(300);
  });

  test("does not depend on the order of members, nor on members without a share", () => {
    fc.assert(
      fc.property(
        someNames(1, 7).chain((names) =>
          fc.tuple(sharesFor(names), fc.shuffledSubarray([...names], { minLength: names.length })),
        ),
        ([shares, order]) => {
          const others = Object.fromEntries(order.map((name) => [name, shares[name]!]));
          expect(pieces({ gone: 0, ...others, "not-yet": 0 })).toEqual(pieces(shares));
        },
      ),
    );
  });

  test("a roll-back moves those who came last, and a way there and back ends where it began", () => {
    const at = (canary: number) => pieces({ main: 1 - canary, canary });
    for (const [low, high] of [
      [0.05, 0.25],
      [0, 1],
      [0.25, 0.5],
    ] as const) {
      expect([...moves(at(low), at(high)).keys()]).toEqual(["main > canary"]);
      expect([...moves(at(high), at(low))]).toEqual(
        [...moves(at(low), at(high))].map(([, share]) => ["canary > main", share]),
      );
    }
  });
});

describe("members that are not ready", () => {
  /** Shares after readiness, in proportion. */
  const readyOf = (shares: Shares, unready: readonly string[]): Shares => {
    const ready = Object.entries(shares).filter(([name]) => !unready.includes(name));
    const sum = ready.reduce((one, [, share]) => one + share, 0);
    return sum === 0 ? {} : Object.fromEntries(ready.map(([name, share]) => [name, share / sum]));
  };

  test("only their callers move, in proportion to shares, and come back", () => {
    fc.assert(
      fc.property(
        someNames(2, 8).chain((names) => fc.tuple(sharesFor(names), fc.subarray([...names], { minLength: 1 }))),
        ([shares, unready]) => {
          const ready = readyOf(shares, unready);
          fc.pre(Object.keys(ready).length > 0);
          const whole = pieces(shares);
          const less = pieces(shares, ready);
          const held = new Map<string, number>();
          for (const [at, { until, name }] of less.entries())
            held.set(name, (held.get(name) ?? 0) + (until - (at === 0 ? 0 : less[at - 1]!.until)) / circle);
          for (const name of Object.keys(shares)) expect(held.get(name) ?? 0).toBeCloseTo(ready[name] ?? 0, 9);
          for (const move of moves(whole, less).keys()) expect(unready).toContain(move.split(" > ")[0]);
        },
      ),
      { numRuns: 500 },
    );
  });

  test("none is ready, or none has a share: no ground", () => {
    expect(pieces({ main: 0.9, canary: 0.1 }, {})).toEqual([]);
    expect(pieces({ main: 0, canary: 0 })).toEqual([]);
  });
});
