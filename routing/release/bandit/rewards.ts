// Rewards of one arm out of its counts, by what the plan calls a reward.
import type { ArmCounts } from "../statistics/arm-counts.ts";
import { latencyBoundsMs } from "../statistics/latency-bounds.ts";
import type { Sums } from "../statistics/means.ts";
import type { RewardSource } from "./plan.ts";

export const noRewards: Sums = { count: 0, sum: 0, sumSquares: 0 };

/** The rewards in these counts. */
export function rewardsOf(source: RewardSource, counts: ArmCounts): Sums {
  switch (source.kind) {
    case "feedback":
      return counts.rewards;
    case "success": {
      // One that the model refused is none: its client may be wrong.
      const count = counts.requests - counts.refused;
      return { count, sum: count - counts.failed, sumSquares: count - counts.failed };
    }
    case "latency":
      return latencyRewards(counts);
  }
}

/** Weighted: `one` as it is, `other` by `weight`. */
export function addedRewards(one: Sums, other: Sums, weight: number): Sums {
  return {
    count: one.count + weight * other.count,
    sum: one.sum + weight * other.sum,
    sumSquares: one.sumSquares + weight * other.sumSquares,
  };
}

/** Minus the logarithm of each latency in ms. A failed request counts as one of the longest latency, taken from the fastest: an arm that fails fast gains nothing. */
function latencyRewards({ latency, failed }: ArmCounts): Sums {
  let [count, sum, sumSquares] = [0, 0, 0];
  let left = failed;
  const add = (requests: number, milliseconds: number): void => {
    const reward = -Math.log(milliseconds);
    count += requests;
    sum += requests * reward;
    sumSquares += requests * reward ** 2;
  };
  for (const [at, requests] of latency.entries()) {
    const asFailed = Math.min(left, requests);
    left -= asFailed;
    add(asFailed, latencyBoundsMs.at(-1)!);
    add(requests - asFailed, latencyBoundsMs[at] ?? latencyBoundsMs.at(-1)!);
  }
  return { count, sum, sumSquares };
}
