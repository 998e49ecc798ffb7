// Quantiles of latencies that are known by bucket.
import { latencyBoundsMs } from "./latency-bounds.ts";

/** The quantile in milliseconds, interpolated in its bucket; beyond the last bound: that bound. null: nothing was measured. */
export function quantileOf(latency: ArrayLike<number>, quantile: number): number | null {
  const total = totalOf(latency);
  if (total === 0) return null;
  const wanted = total * quantile;
  let below = 0;
  for (let at = 0; at < latency.length; at += 1) {
    const count = latency[at]!;
    if (count > 0 && below + count >= wanted) {
      const [from, to] = [latencyBoundsMs[at - 1] ?? 0, latencyBoundsMs[at] ?? latencyBoundsMs.at(-1)!];
      return from + (to - from) * Math.min(1, Math.max(0, (wanted - below) / count));
    }
    below += count;
  }
  return latencyBoundsMs.at(-1)!;
}

/** How many took longer for certain: those of the buckets that begin at or above it. */
export function slowerThan(latency: ArrayLike<number>, milliseconds: number): number {
  let slower = 0;
  for (let at = latency.length - 1; at > 0 && latencyBoundsMs[at - 1]! >= milliseconds; at -= 1) slower += latency[at]!;
  return slower;
}

export function totalOf(latency: ArrayLike<number>): number {
  let total = 0;
  for (let at = 0; at < latency.length; at += 1) total += latency[at]!;
  return total;
}
