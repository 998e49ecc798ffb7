import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { planRoute } from "../../../routing/route/route.ts";
import { steady } from "../../../routing/route/upstream-state.ts";
import { live, mapping, prefix } from "../build.ts";
import { boundsOf, memberShares, predictorShares, readyShares, type Part } from "../../../routing/route/weights.ts";

const percents = (shares: readonly number[]): number[] => shares.map((share) => Number((share * 100).toFixed(6)));

// The examples of weights in Ambassador's documents and tests, in one order. `null` declares nothing.
const rows: readonly [
  name: string,
  weights: readonly (number | null)[],
  expected: readonly number[],
  note: string | null,
][] = [
  ["a:10 alone", [10], [100], null],
  ["a:170 alone", [170], [100], null],
  ["main –, canary 10", [null, 10], [90, 10], null],
  ["main –, canary 0", [null, 0], [100, 0], null],
  ["main –, canary 100", [null, 100], [0, 100], null],
  // Differs: Ambassador lets 60 % fall through.
  ["a:10, b:30", [10, 30], [25, 75], "scaled"],
  ["a:70, b:30", [70, 30], [70, 30], null],
  // Differs: Ambassador serves 70/30 and errors; ours keeps the proportion.
  ["a:70, b:40", [70, 40], [63.636364, 36.363636], "scaled"],
  ["a:70, b:40, c –", [70, 40, null], [63.636364, 36.363636, 0], "scaled"],
  // Differs: Ambassador serves nothing.
  ["a:170, b:10", [170, 10], [94.444444, 5.555556], "scaled"],
  // Differs: exact shares instead of whole percents.
  ["a, b, c weightless", [null, null, null], [33.333333, 33.333333, 33.333333], "undeclared"],
  ["w:20, a, b, c", [20, null, null, null], [20, 26.666667, 26.666667, 26.666667], null],
  ["w:99, a, b", [99, null, null], [99, 0.5, 0.5], null],
  ["w:33, a, b", [33, null, null], [33, 33.5, 33.5], null],
  // Differs: Ambassador answers 404; ours 503 with a Problem.
  ["a:0, b:0", [0, 0], [0, 0], "all-zero"],
  ["a, b weightless", [null, null], [50, 50], "undeclared"],
];

describe("shares of the predictors of one deployment that are all ready", () => {
  it("are what the general arithmetic says, to the last bit", () => {
    fc.assert(
      fc.property(
        fc.array(fc.option(fc.oneof(fc.nat(100), fc.double({ min: 0, max: 100, noNaN: true }))), {
          minLength: 2,
          maxLength: 5,
        }),
        (traffic) => {
          const { shares } = predictorShares(traffic);
          const members = shares.map((share, index) => ({
            mapping: mapping(`m${index}`, prefix("/x/"), { member: "one", role: live(null, share) }),
            since: 0,
            slot: -1,
            state: steady,
          }));
          const expected = readyShares(shares.map((share) => ({ share, member: 0, ready: true })));
          expect(planRoute("key", members).shares).toEqual(
            shares.map((share, index) => ({ declared: share, share: expected[index], ready: true })),
          );
        },
      ),
    );
  });
});

describe("shares of the members of a Route", () => {
  it.each(rows)("%s", (_name, weights, expected, note) => {
    const shares = memberShares(weights);
    expect(percents(shares.shares)).toEqual(expected);
    expect(shares.note?.kind ?? null).toBe(note);
  });
});

describe("shares of the predictors of one SeldonDeployment", () => {
  it.each<[string, (number | null)[], number[], string | null]>([
    ["one predictor takes all, whatever it declares", [25], [100], null],
    ["75/25 as declared", [75, 25], [75, 25], null],
    ["the first takes the remainder", [null, 25], [75, 25], null],
    ["33/33/33 leaves 34 to the first, and says so", [33, 33, 33], [34, 33, 33], "remainder"],
    ["0 beside a declared value is none", [100, 0], [100, 0], null],
    ["absent beside a declared value is none", [100, null], [100, 0], null],
    ["all to the second", [0, 100], [0, 100], null],
    ["nothing declared is an equal split", [null, null], [50, 50], null],
    ["over 100 is scaled and leaves the first none", [50, 150, 50], [0, 75, 25], "scaled"],
    ["what is not a number counts as 0", [null, NaN, -5, 40], [60, 0, 0, 40], null],
  ])("%s", (_name, traffic, expected, note) => {
    const shares = predictorShares(traffic);
    expect(percents(shares.shares)).toEqual(expected);
    expect(shares.note?.kind ?? null).toBe(note);
  });
});

describe("shares after readiness", () => {
  const part = (share: number, member: number, ready: boolean): Part => ({ share, member, ready });
  it("an unready share goes to the ready ones of its member first", () => {
    expect(percents(readyShares([part(0.3, 0, false), part(0.1, 0, true), part(0.6, 1, true)]))).toEqual([0, 40, 60]);
  });
  it("then to the other members in proportion", () => {
    expect(percents(readyShares([part(0.5, 0, false), part(0.1, 1, true), part(0.4, 2, true)]))).toEqual([0, 20, 80]);
  });
  it("weight 0 never receives any", () => {
    expect(readyShares([part(1, 0, false), part(0, 1, true)])).toEqual([0, 0]);
  });
});

const weight = fc.option(
  fc.oneof(fc.integer({ min: 0, max: 200 }), fc.double({ min: 0, max: 150, noNaN: true }), fc.constant(0)),
  { nil: null },
);

describe("properties", () => {
  it("shares sum to 1, or every weight is 0", () => {
    fc.assert(
      fc.property(fc.array(weight, { minLength: 1, maxLength: 8 }), (weights) => {
        for (const { shares, note } of [memberShares(weights), predictorShares(weights)]) {
          const sum = shares.reduce((total, share) => total + share, 0);
          expect(sum).toBeCloseTo(note?.kind === "all-zero" ? 0 : 1, 9);
          for (const share of shares) expect(share).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });

  it("a declared 0 gets exactly 0, unless it is alone", () => {
    fc.assert(
      fc.property(fc.array(weight, { minLength: 2, maxLength: 8 }), (weights) => {
        const { shares } = memberShares(weights);
        weights.forEach((value, index) => value === 0 && expect(shares[index]).toBe(0));
      }),
    );
  });

  it("bounds ascend, end at exactly 1 and hold one entry for each share above 0", () => {
    const share = fc.oneof(fc.double({ min: 0, max: 1, noNaN: true }), fc.constant(0));
    fc.assert(
      fc.property(fc.array(share, { minLength: 1, maxLength: 12 }), (shares) => {
        const bounds = boundsOf(shares);
        expect(bounds).toHaveLength(shares.filter((one) => one > 0).length);
        if (bounds.length > 0) expect(bounds.at(-1)).toBe(1);
        for (let i = 1; i < bounds.length; i++) expect(bounds[i]).toBeGreaterThanOrEqual(bounds[i - 1]!);
      }),
    );
  });

  it("readiness moves shares and loses none, and nothing moves between members while each has a ready one", () => {
    const parts = fc.array(
      fc.record({
        share: fc.integer({ min: 0, max: 100 }),
        member: fc.integer({ min: 0, max: 3 }),
        ready: fc.boolean(),
      }),
      { minLength: 1, maxLength: 8 },
    );
    fc.assert(
      fc.property(parts, (given) => {
        const total = given.reduce((sum, part) => sum + part.share, 0);
        const scaled = given.map((part) => ({ ...part, share: total === 0 ? 0 : part.share / total }));
        const after = readyShares(scaled);
        const reachable = scaled.some((part) => part.ready && part.share > 0);
        expect(after.reduce((sum, share) => sum + share, 0)).toBeCloseTo(reachable ? 1 : 0, 9);
        scaled.forEach((part, index) => (part.share === 0 || !part.ready) && expect(after[index]).toBe(0));
        const memberOf = (list: readonly number[], member: number): number =>
          list.reduce((sum, share, index) => sum + (scaled[index]!.member === member ? share : 0), 0);
        const members = [...new Set(scaled.map((part) => part.member))].filter(
          (member) =>
            memberOf(
              scaled.map((part) => part.share),
              member,
            ) > 0,
        );
        if (members.every((member) => scaled.some((part) => part.member === member && part.ready && part.share > 0))) {
          for (const member of members)
            expect(memberOf(after, member)).toBeCloseTo(
              memberOf(
                scaled.map((part) => part.share),
                member,
              ),
              9,
            );
        }
      }),
    );
  });
});
