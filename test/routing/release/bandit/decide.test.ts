import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type BanditLook,
  decideBandit,
  firstBanditState,
  maxBanditLookMs,
} from "../../../../routing/release/bandit/decide.ts";
import { type BanditPlan, readBanditPlan } from "../../../../routing/release/bandit/plan.ts";
import { rewardsOf } from "../../../../routing/release/bandit/rewards.ts";
import { sharesByRewards } from "../../../../routing/release/bandit/shares.ts";
import { armCounts, type ArmCounts, noCounts } from "../../../../routing/release/statistics/arm-counts.ts";
import { latencyBucket, latencyBuckets } from "../../../../routing/release/statistics/latency-bounds.ts";
import type { Sums } from "../../../../routing/release/statistics/means.ts";

function planOf(text: string): BanditPlan {
  const read = readBanditPlan(text);
  if ("mistake" in read) throw new Error(read.mistake);
  return read.plan;
}

/** So many rewards of 1, and so many of 0. */
function rewarded(ones: number, zeros: number): ArmCounts {
  return armCounts({ rewards: { count: ones + zeros, sum: ones, sumSquares: ones } });
}

function look(arms: Readonly<Record<string, ArmCounts>>, elapsedMs = 30_000): BanditLook {
  return { elapsedMs, arms: Object.keys(arms), instances: { a: arms }, blocked: null };
}

const thompson = planOf("thompson; floor 5%; every 1m; window 1d");
const sums = (ones: number, count: number): Sums => ({ count, sum: ones, sumSquares: ones });

describe("shares", () => {
  const policies = fc.constantFrom("thompson", "ucb", "epsilon-greedy", "epsilon-greedy 100%", "epsilon-greedy 0.1%");
  const anySums = fc.array(fc.double({ min: -1000, max: 1000, noNaN: true }), { maxLength: 6 }).map((all): Sums => ({
    count: all.length,
    sum: all.reduce((a, b) => a + b, 0),
    sumSquares: all.reduce((a, b) => a + b * b, 0),
  }));
  const units = fc.tuple(fc.nat(1e6), fc.nat(1e6)).map(([ones, zeros]) => sums(ones, ones + zeros));

  test("they sum to 100, and none is below the floor, for any rewards and arms", () => {
    fc.assert(
      fc.property(
        policies,
        fc.integer({ min: 1, max: 500 }),
        fc.oneof(fc.array(anySums, { minLength: 1, maxLength: 12 }), fc.array(units, { minLength: 1, maxLength: 12 })),
        (policy, tenths, rewards) => {
          const plan = planOf(`${policy}; floor ${tenths / 10}%`);
          const shares = sharesByRewards(plan, rewards);
          expect(shares.reduce((sum, share) => sum + Math.round(share * 10), 0)).toBe(1000);
          const floor = Math.min(plan.floor, Math.floor(1000 / rewards.length) / 10);
          for (const share of shares) expect(share).toBeGreaterThanOrEqual(floor);
        },
      ),
      { numRuns: 60 },
    );
  });

  test.each([
    ["thompson", [sums(0, 0), sums(0, 0)], [50, 50]],
    ["thompson", [sums(5, 10), sums(5, 10)], [50, 50]],
    ["thompson", [sums(90, 100), sums(80, 100)], [92.8, 7.2]],
    ["thompson", [sums(9000, 10_000), sums(8000, 10_000)], [95, 5]],
    ["thompson", [sums(900_000, 1_000_000), sums(1, 2)], [92.5, 7.5]],
    ["ucb", [sums(900, 1000), sums(0, 0)], [5, 95]],
    ["ucb", [sums(9000, 10_000), sums(8000, 10_000)], [95, 5]],
    ["epsilon-greedy", [sums(9, 10), sums(80, 100)], [90.5, 9.5]],
    ["epsilon-greedy; floor 50%", [sums(9, 10), sums(80, 100)], [50, 50]],
    ["thompson; floor 50%", [sums(9, 10), sums(8, 10), sums(0, 10)], [33.4, 33.3, 33.3]],
    // Not in [0, 1]: normal.
    [
      "thompson",
      [
        { count: 50, sum: 500, sumSquares: 5100 },
        { count: 50, sum: 450, sumSquares: 4100 },
      ],
      [95, 5],
    ],
    [
      "thompson",
      [
        { count: 5, sum: -50, sumSquares: 600 },
        { count: 5, sum: -45, sumSquares: 500 },
      ],
      [39.1, 60.9],
    ],
  ] as const)("%s of %j: %j", (policy, rewards, shares) => {
    expect(sharesByRewards(planOf(policy), rewards)).toEqual(shares);
  });
});

test("rewards at the ends of what counts leave whole shares: none below the floor, none lost", () => {
  const ends = [0, -0, 5e-324, 1e-300, 1e9, -1e9, 1e9 - 1];
  const sumsOf = (all: readonly number[], times: number): Sums => ({
    count: all.length * times,
    sum: all.reduce((sum, one) => sum + one, 0) * times,
    sumSquares: all.reduce((sum, one) => sum + one * one, 0) * times,
  });
  const anySums = fc
    .tuple(fc.array(fc.constantFrom(...ends), { maxLength: 5 }), fc.constantFrom(1, 2, 1e12, 1e-300))
    .map(([all, times]) => sumsOf(all, times));
  fc.assert(
    fc.property(
      fc.array(anySums, { minLength: 1, maxLength: 5 }),
      fc.constantFrom("thompson", "epsilon-greedy 10%", "ucb"),
      (rewards, policy) => {
        const shares = sharesByRewards(planOf(policy), rewards);
        expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(100, 9);
        for (const share of shares) expect(share).toBeGreaterThanOrEqual(5);
      },
    ),
  );
});

test("rewards by their source", () => {
  const latency = Array.from({ length: latencyBuckets }, () => 0);
  latency[latencyBucket(10)] = 8;
  const counts = armCounts({ requests: 8, failed: 2, latency }, rewarded(3, 1));
  expect(rewardsOf({ kind: "feedback", path: ["reward"] }, counts)).toEqual({ count: 4, sum: 3, sumSquares: 3 });
  expect(rewardsOf({ kind: "success" }, counts)).toEqual({ count: 8, sum: 6, sumSquares: 6 });
  const byLatency = rewardsOf({ kind: "latency" }, counts);
  expect(byLatency.count).toBe(8);
  // Six of 10 ms, and two that failed as if they had taken a minute.
  expect(byLatency.sum).toBeCloseTo(-6 * Math.log(10.6) - 2 * Math.log(60_000), 0);
});

describe("a bandit", () => {
  test("keeps the declared shares until the first reward, and moves each minute from then on", () => {
    const declared = { good: 90, bad: 10 };
    let decision = decideBandit(thompson, firstBanditState(declared), look({ bad: noCounts, good: noCounts }, 0));
    for (let at = 0; at < 10; at += 1)
      decision = decideBandit(thompson, decision.state, look({ bad: noCounts, good: noCounts }));
    expect([decision.verdict, decision.sentence]).toEqual(["wait", "bad 10%, good 90%. Waits for the first reward."]);
    decision = decideBandit(thompson, decision.state, look({ bad: rewarded(40, 60), good: rewarded(80, 20) }));
    expect([decision.verdict, decision.sentence]).toEqual([
      "moved",
      "bad 5% (mean reward 0.4 of 100), good 95% (mean reward 0.8 of 100). Decided every 1m.",
    ]);
    decision = decideBandit(thompson, decision.state, look({ bad: rewarded(400, 60), good: rewarded(80, 20) }));
    expect([decision.verdict, decision.state.shares]).toEqual(["wait", { bad: 5, good: 95 }]);
    decision = decideBandit(thompson, decision.state, look({ bad: rewarded(400, 60), good: rewarded(80, 20) }));
    expect([decision.verdict, decision.state.shares]).toEqual(["moved", { bad: 91.8, good: 8.2 }]);
  });

  test("forgets: after the window, rewards count 1/e", () => {
    const plan = planOf("thompson; every 10s; window 1m");
    let { state } = decideBandit(plan, firstBanditState({ a: 50, b: 50 }), look({ a: noCounts, b: noCounts }, 0));
    state = decideBandit(plan, state, look({ a: rewarded(100, 0), b: noCounts }, 0)).state;
    expect(state.rewards["a"]!.count).toBe(100);
    for (let at = 0; at < 2; at += 1)
      state = decideBandit(plan, state, look({ a: rewarded(100, 0), b: noCounts })).state;
    expect(state.rewards["a"]!.count).toBeCloseTo(100 / Math.E, 6);
  });

  test("an arm that appears or vanishes changes the shares at once, and no share is of an arm that is not there", () => {
    const first = decideBandit(thompson, firstBanditState({ a: 50, b: 50 }), look({ a: noCounts, b: noCounts }, 0));
    const second = decideBandit(thompson, first.state, look({ a: rewarded(9, 1), b: rewarded(1, 9), c: noCounts }, 1));
    expect(second.state.shares).toEqual({ a: 75.8, b: 5, c: 19.2 });
    const third = decideBandit(thompson, second.state, look({ b: rewarded(1, 9) }, 1));
    expect([third.verdict, third.state.shares, Object.keys(third.state.rewards)]).toEqual(["moved", { b: 100 }, ["b"]]);
    // It comes back without rewards.
    expect(
      decideBandit(thompson, third.state, look({ a: rewarded(9, 1), b: rewarded(1, 9) }, 1)).arms[0]!.rewards,
    ).toBe(0);
  });

  test("blocked: shares stay, rewards go on counting", () => {
    const { state } = decideBandit(thompson, firstBanditState({ a: 50, b: 50 }), look({ a: noCounts, b: noCounts }, 0));
    const blocked = { why: "It is paused.", until: "the end of sluice.io/rollout-pause" };
    let decision = { state } as ReturnType<typeof decideBandit>;
    for (let at = 0; at < 3; at += 1)
      decision = decideBandit(thompson, decision.state, {
        ...look({ a: rewarded(50, 0), b: rewarded(0, 50) }),
        blocked,
      });
    expect([decision.verdict, decision.sentence]).toEqual([
      "wait",
      "a 50% (mean reward 1 of 50), b 50% (mean reward 0 of 50). It is paused.",
    ]);
    expect(
      decideBandit(thompson, decision.state, look({ a: rewarded(50, 0), b: rewarded(0, 50) }, 0)).state.shares,
    ).toEqual({ a: 95, b: 5 });
  });

  test("a clock that jumps or goes back decays at most one look, and counts that fall are none", () => {
    const { state } = decideBandit(
      thompson,
      firstBanditState({ a: 50, b: 50 }),
      look({ a: rewarded(9, 9), b: noCounts }, 0),
    );
    const elapsed = (elapsedMs: number): number =>
      decideBandit(thompson, state, look({ a: noCounts, b: noCounts }, elapsedMs)).state.elapsedMs;
    expect([-1, Number.NaN, maxBanditLookMs - 1, maxBanditLookMs, maxBanditLookMs + 1, Infinity].map(elapsed)).toEqual([
      0,
      0,
      maxBanditLookMs - 1,
      maxBanditLookMs,
      maxBanditLookMs,
      maxBanditLookMs,
    ]);
    expect(decideBandit(thompson, state, look({ a: noCounts, b: noCounts })).state.rewards["a"]!.count).toBe(0);
  });
});
