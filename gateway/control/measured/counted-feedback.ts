// Counts of feedback since this process began: by predictor, of HTTP and gRPC together, those of workers that ended too.
import { feedbackCell, usedSlots } from "../../shared/memory/counters.ts";
import { feedbackWays, rewardBounds } from "../../shared/metrics/series.ts";
import { feedbackCells, feedbackLayout } from "../../shared/metrics/slots.ts";
import type { CountedFeedback } from "../../api/counted.ts";

/** The feedback of these slots together. */
export function countedFeedback(blocks: readonly Float64Array[], slots: readonly number[]): CountedFeedback {
  const sums = summed(blocks, slots);
  const { ways, rewardBuckets, rewardSum, rewardSquares, learnt, learntSum, learntSquares } = feedbackLayout;
  return {
    routed: Object.fromEntries(feedbackWays.map((way, at) => [way, sums[ways + at]!])) as CountedFeedback["routed"],
    rewards: {
      count: sums.subarray(rewardBuckets, rewardBuckets + rewardBounds.length + 1).reduce((sum, one) => sum + one, 0),
      sum: sums[rewardSum]!,
      sumSquares: sums[rewardSquares]!,
    },
    learnt: { count: sums[learnt]!, sum: sums[learntSum]!, sumSquares: sums[learntSquares]! },
  };
}

function summed(blocks: readonly Float64Array[], slots: readonly number[]): Float64Array<ArrayBuffer> {
  const sums = new Float64Array(feedbackCells);
  for (const block of blocks) {
    const { feedback } = usedSlots(block.buffer);
    for (const slot of slots)
      if (feedback[slot] === 1)
        for (let cell = 0; cell < feedbackCells; cell++) sums[cell]! += block[feedbackCell(slot, cell)]!;
  }
  return sums;
}
