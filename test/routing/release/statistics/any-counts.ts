// Counts of an arm as a process may have them, for properties.
import * as fc from "fast-check";
import { armCounts, type ArmCounts, callerBuckets } from "../../../../routing/release/statistics/arm-counts.ts";
import { latencyBuckets } from "../../../../routing/release/statistics/latency-bounds.ts";

const at = (size: number, bucket: number, count: number): readonly number[] =>
  Array.from({ length: size }, (_, index) => (index === bucket ? count : 0));

export const anyCounts: fc.Arbitrary<ArmCounts> = fc
  .tuple(fc.nat(50), fc.nat(50), fc.nat(50), fc.nat(9), fc.integer({ min: -9, max: 9 }), fc.nat(9), fc.nat(9))
  .map(([good, failed, refused, bucket, sum, agreed, not]) =>
    armCounts({
      requests: good + failed + refused,
      failed,
      refused,
      latency: at(latencyBuckets, bucket, good),
      rewards: { count: bucket, sum: sum === 0 ? 0 : sum, sumSquares: sum ** 2 },
      compared: { pairs: agreed + not, agreed },
      callers: {
        requests: at(callerBuckets, bucket, failed + refused),
        failed: at(callerBuckets, bucket, failed),
        refused: at(callerBuckets, bucket, refused),
      },
    }),
  );
