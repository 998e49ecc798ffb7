// Counts of an arm as a process may have them, for properties.
import * as fc from "fast-check";
import { type ArmCounts, callerBuckets, noCounts } from "../../../../routing/release/statistics/arm-counts.ts";
import { latencyBuckets } from "../../../../routing/release/statistics/latency-bounds.ts";

const at = (size: number, bucket: number, count: number): readonly number[] =>
  Array.from({ length: size }, (_, index) => (index === bucket ? count : 0));

export const anyCounts: fc.Arbitrary<ArmCounts> = fc
  .tuple(fc.nat(50), fc.nat(50), fc.nat(50), fc.nat(9), fc.integer({ min: -9, max: 9 }), fc.nat(9), fc.nat(9))
  .map(([good, failed, refused, bucket, sum, agreed, not]) => ({
    ...noCounts,
    requests: good + failed + refused,
    failed,
    refused,
    latency: good === 0 ? [] : at(latencyBuckets, bucket, good),
    rewards: { count: bucket, sum: sum === 0 ? 0 : sum, sumSquares: sum ** 2 },
    compared: { pairs: agreed + not, agreed },
    callers:
      failed === 0
        ? noCounts.callers
        : {
            requests: at(callerBuckets, bucket, failed + refused),
            failed: at(callerBuckets, bucket, failed),
            refused: refused === 0 ? [] : at(callerBuckets, bucket, refused),
          },
  }));
