// Measured: the sums of windows as the numbers of the admin API.
import type { FailureFlag } from "../../failure-flags.ts";
import type { Measured } from "../../api/deployments.ts";
import { meaningOf } from "../../explain/measured-words.ts";
import { durationBounds } from "../../shared/metrics/series.ts";
import type { Sums } from "./windows.ts";

/** All of them together. `sentenceOf`: what the last failure of a flag said, or what the flag means; "": of the model's own errors. */
export function measuredOf(sums: readonly Sums[], sentenceOf: (flag: FailureFlag | "") => string): Measured {
  const buckets = [...durationBounds, Infinity].map((_, at) => total(sums.map((one) => one.buckets[at]!)));
  const requests = total(buckets);
  const modelErrors = total(sums.map((one) => one.modelErrors));
  const flags = new Map<FailureFlag | "", number>(modelErrors > 0 ? [["", modelErrors]] : []);
  let failed = modelErrors;
  for (const [flag, count] of sums.flatMap((one) => [...one.flags])) {
    flags.set(flag, (flags.get(flag) ?? 0) + count);
    if (meaningOf(flag) === "failed") failed += count;
  }
  const meanMs = total(sums.map((one) => one.totalMs)) / requests;
  return {
    requests,
    failed,
    modelErrors,
    failures: [...flags]
      .toSorted(([, a], [, b]) => b - a)
      .map(([flag, count]) => ({ flag, count, sentence: sentenceOf(flag) })),
    meanMs: requests === 0 ? null : rounded(meanMs),
    p50Ms: quantile(buckets, requests, 0.5),
    p90Ms: quantile(buckets, requests, 0.9),
    p99Ms: quantile(buckets, requests, 0.99),
  };
}

function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

/** As PromQL's histogram_quantile: evenly inside of a bucket; beyond the last bound that bound. */
function quantile(buckets: readonly number[], requests: number, part: number): number | null {
  if (requests === 0) return null;
  let left = requests * part;
  for (const [at, count] of buckets.entries()) {
    const lower = durationBounds[at - 1] ?? 0;
    const upper = durationBounds[at] ?? lower;
    if (count >= left) return rounded((lower + ((upper - lower) * left) / count) * 1000);
    left -= count;
  }
  return rounded(durationBounds.at(-1)! * 1000);
}

function rounded(ms: number): number {
  return Math.round(ms * 100) / 100;
}
