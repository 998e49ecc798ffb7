// Shares of traffic by rewards: what each policy gives each arm.
import { type Belief, probabilitiesBest } from "../statistics/best-arm.ts";
import { meanOf, type Sums, varianceOf } from "../statistics/means.ts";
import type { BanditPlan } from "./plan.ts";

/**
 * Percent of live traffic for each arm, in tenths, 100 together, none below the floor (rounded up to a tenth; of more arms than the floor allows: even shares). `rewards`: by arm, at least one
 * arm. Without any reward: even shares.
 */
export function sharesByRewards(plan: Pick<BanditPlan, "policy" | "floor">, rewards: readonly Sums[]): number[] {
  const arms = rewards.length;
  const floor = Math.min(Math.ceil(plan.floor * 10 - 1e-9), Math.floor(1000 / arms));
  const wanted = weightsOf(plan.policy, rewards).map((weight) => (1000 - arms * floor) * weight);
  const whole = wanted.map(Math.floor);
  // The largest remainders get what rounding down left.
  const order = wanted.map((_, arm) => arm).sort((a, b) => wanted[b]! - whole[b]! - (wanted[a]! - whole[a]!) || a - b);
  const left = 1000 - arms * floor - whole.reduce((sum, tenths) => sum + tenths, 0);
  for (const arm of order.slice(0, left)) whole[arm]! += 1;
  return whole.map((tenths) => (floor + tenths) / 10);
}

/** Beyond the floors, together 1. */
function weightsOf(policy: BanditPlan["policy"], rewards: readonly Sums[]): number[] {
  const all = rewards.reduce(added);
  if (!(all.count > 0)) return rewards.map(() => 1 / rewards.length);
  switch (policy.kind) {
    case "thompson":
      return probabilitiesBest(rewards.map(beliefIn(rewards, all)));
    case "epsilon-greedy": {
      const explored = policy.percent / 100;
      const best = ofHighest(rewards.map((arm) => shrunkMean(arm, all)));
      return best.map((weight) => (1 - explored) * weight + explored / rewards.length);
    }
    case "ucb":
      return ofHighest(
        rewards.map(
          (arm) => shrunkMean(arm, all) + spreadOf(all) * Math.sqrt((2 * Math.log1p(all.count)) / (arm.count + 1)),
        ),
      );
  }
}

/** Beta where every reward may be in [0, 1] (the sum of squares is at most the sum), else normal with the spread of all rewards. */
function beliefIn(rewards: readonly Sums[], all: Sums): (arm: Sums) => Belief {
  const isUnit = rewards.every(
    ({ sum, sumSquares, count }) => sumSquares <= sum * (1 + 1e-9) && sum <= count * (1 + 1e-9),
  );
  return (arm) =>
    isUnit
      ? { kind: "beta", successes: 1 + arm.sum, failures: 1 + Math.max(0, arm.count - arm.sum) }
      : { kind: "normal", mean: shrunkMean(arm, all), deviation: spreadOf(all) / Math.sqrt(arm.count + 1) };
}

/** As if each arm had one more reward, of the mean of all. */
function shrunkMean({ count, sum }: Sums, all: Sums): number {
  return (sum + meanOf(all)) / (count + 1);
}

/** The standard deviation of one reward, over all arms. */
function spreadOf(all: Sums): number {
  return Math.sqrt(varianceOf(all));
}

/** The highest share what is given, alike. */
function ofHighest(values: readonly number[]): number[] {
  const highest = Math.max(...values);
  const count = values.filter((value) => value === highest).length;
  return values.map((value) => (value === highest ? 1 / count : 0));
}

function added(one: Sums, other: Sums): Sums {
  return { count: one.count + other.count, sum: one.sum + other.sum, sumSquares: one.sumSquares + other.sumSquares };
}
