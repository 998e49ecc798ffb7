// Differences of latencies as counts by bucket: below and above zero alike, so that counts of several threads and replicas add up.

/** Each bucket reaches a tenth further than the one before. */
const growth = 1.1;
/** A difference below it is none, ms. */
const least = 0.01;
/** Buckets of one sign: up to some 60 s. */
const buckets = Math.ceil(Math.log(60_000 / least) / Math.log(growth));

/** Of one difference, ms: 0 for none, negative for a shadow that was faster. */
export function differenceBucket(ms: number): number {
  const size = Math.abs(ms);
  if (!(size > least)) return 0;
  const bucket = Math.min(buckets, Math.ceil(Math.log(size / least) / Math.log(growth)));
  return ms < 0 ? -bucket : bucket;
}

/** The middle of a bucket, ms. */
export function differenceOf(bucket: number): number {
  if (bucket === 0) return 0;
  const size = least * growth ** (Math.abs(bucket) - 0.5);
  return bucket < 0 ? -size : size;
}

/** A quantile of differences, with bounds that hold the true one in 95 of 100 cases (by order statistics). ms. */
export interface Quantile {
  readonly ms: number;
  readonly low: number;
  readonly high: number;
}

/** `counts`: pairs of bucket and count, in any order. null: nothing was counted. */
export function quantileOf(
  counts: Iterable<readonly [bucket: number, count: number]>,
  quantile: number,
): Quantile | null {
  const sorted = [...counts].toSorted(([one], [other]) => one - other);
  const total = sorted.reduce((sum, [, count]) => sum + count, 0);
  if (total === 0) return null;
  const spread = 1.96 * Math.sqrt(total * quantile * (1 - quantile));
  const at = (rank: number): number => {
    let before = 0;
    for (const [bucket, count] of sorted) {
      before += count;
      if (before > rank) return differenceOf(bucket);
    }
    return differenceOf(sorted.at(-1)![0]);
  };
  const rank = quantile * (total - 1);
  return { ms: at(rank), low: at(Math.max(0, rank - spread)), high: at(Math.min(total - 1, rank + spread)) };
}
