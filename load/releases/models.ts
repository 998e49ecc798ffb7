// How a simulated model answers: how often it fails, how long it takes, how often it agrees with main.
import { type ArmCounts, noCounts } from "../../routing/release/statistics/arm-counts.ts";
import { latencyBoundsMs, latencyBucket, latencyBuckets } from "../../routing/release/statistics/latency-bounds.ts";
import { normalBelow } from "../../routing/release/statistics/means.ts";
import { binomial } from "./draws.ts";

export interface Model {
  readonly errors: number;
  /** Buckets from the slowest on, each with the chance of a request that is in none before it. */
  readonly tail: readonly (readonly [bucket: number, chance: number])[];
  /** Chance that an answer agrees with main's; null: none is compared. */
  readonly agreement: number | null;
}

/** Latencies log-normal: median and spread of the logarithm. The lower nine tenths count in one bucket, which no test of p99 sees. */
export function modelOf(errors: number, medianMs: number, agreement: number | null = null): Model {
  const spread = 0.5;
  const tail: [number, number][] = [];
  let left = 1;
  const first = latencyBucket(medianMs * Math.exp(1.2816 * spread));
  for (let at = latencyBuckets - 1; at > first; at -= 1) {
    const beyond = normalBelow(-Math.log(latencyBoundsMs[at - 1]! / medianMs) / spread);
    const chance = Math.max(0, beyond - (1 - left));
    if (beyond > 1e-6 && chance > 0) {
      tail.push([at, chance / left]);
      left -= chance;
    }
  }
  return { errors, tail: [...tail, [first, 1]], agreement };
}

/** Cumulative counts that grow. */
export class GrowingCounts implements ArmCounts {
  requests = 0;
  failed = 0;
  readonly refused = 0;
  readonly callers = noCounts.callers;
  latency: readonly number[] = Array.from({ length: latencyBuckets }, () => 0);
  readonly rewards = { count: 0, sum: 0, sumSquares: 0 };
  compared = { pairs: 0, agreed: 0 };

  add(model: Model, requests: number, draw: () => number): void {
    if (requests === 0) return;
    this.requests += requests;
    this.failed += binomial(requests, model.errors, draw);
    const latency = [...this.latency];
    let left = requests;
    for (const [bucket, chance] of model.tail) {
      const here = binomial(left, chance, draw);
      latency[bucket]! += here;
      left -= here;
      if (left === 0) break;
    }
    this.latency = latency;
    if (model.agreement === null) return;
    const agreed = binomial(requests, model.agreement, draw);
    this.compared = { pairs: this.compared.pairs + requests, agreed: this.compared.agreed + agreed };
  }

  /** As they are now, for a look. */
  now(): ArmCounts {
    const { requests, failed, latency, rewards, compared } = this;
    return { ...noCounts, requests, failed, latency, rewards, compared };
  }
}
