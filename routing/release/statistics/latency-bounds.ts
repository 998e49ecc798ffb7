// Latencies as counts by bucket: one scale for all that compares two predictors, so that counts of workers and replicas add up.

/** How much wider each bucket's upper bound is than the one before. */
const growth = 1.1;

/** Upper bounds of the buckets in milliseconds, growing: 1 ms to 60 s, each at most a tenth above the one before. */
export const latencyBoundsMs: readonly number[] = (() => {
  const steps = Math.ceil(Math.log(60_000) / Math.log(growth));
  return Array.from({ length: steps + 1 }, (_, step) => 60_000 ** (step / steps));
})();

/** Numbers in a histogram of latencies: one for each bound, and one for what took longer than the last. */
export const latencyBuckets = latencyBoundsMs.length + 1;

/** The bucket of a latency: that of the first bound that is not below it. Not a number, or below zero: the first bucket; beyond 60 s: the last. */
export function latencyBucket(milliseconds: number): number {
  let low = 0;
  let high = latencyBoundsMs.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (latencyBoundsMs[middle]! < milliseconds) low = middle + 1;
    else high = middle;
  }
  return low;
}
