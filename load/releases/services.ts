// Simulated services: what a canary and main do in one look of 10 s, drawn as counts.
import { armCounts, type ArmCounts, callerBuckets, noCounts } from "../../routing/release/statistics/arm-counts.ts";
import { latencyBoundsMs, latencyBucket, latencyBuckets } from "../../routing/release/statistics/latency-bounds.ts";
import { normalBelow } from "../../routing/release/statistics/means.ts";
import { binomial, poisson } from "./draws.ts";

export const lookMs = 10_000;

/** One look of an arm, before it is drawn. */
export interface Behaviour {
  /** Parts of the requests. */
  readonly failed?: number;
  readonly refused?: number;
  readonly agreed?: number;
  /** Buckets from the slowest on, each with the chance of a request that is in none before it. */
  readonly latency?: Latencies;
  /** The part of the requests that a pause holds back, evenly from 0 to so many ms. */
  readonly paused?: readonly (readonly [part: number, ms: number])[];
}
export type Latencies = readonly (readonly [bucket: number, chance: number])[];

/** Log-normal. The lower nine tenths count in one bucket, which no test of p99 sees. */
export function latenciesOf(medianMs: number, spread = 0.5): Latencies {
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
  return [...tail, [first, 1]];
}
const usual = latenciesOf(20);
const noLatency = Array.from({ length: latencyBuckets }, () => 0);

/** What so many requests came to. `first`: so many failed or were slow whatever the behaviour is. */
export function drawn(of: Behaviour, requests: number, draw: () => number): ArmCounts {
  if (requests === 0) return noCounts;
  const refused = binomial(requests, of.refused ?? 0, draw);
  const failed = binomial(requests - refused, of.failed ?? 0, draw);
  const latency = noLatency.slice();
  let left = requests - refused;
  for (const [part, ms] of of.paused ?? []) {
    const held = binomial(left, part, draw);
    for (let at = 0; at < held; at += 1) latency[latencyBucket(20 + draw() * ms)]! += 1;
    left -= held;
  }
  for (const [bucket, chance] of of.latency ?? usual) {
    const here = binomial(left, chance, draw);
    latency[bucket]! += here;
    left -= here;
    if (left <= 0) break;
  }
  const agreed = of.agreed === undefined ? 0 : binomial(requests, of.agreed, draw);
  return armCounts({
    requests,
    failed,
    refused,
    latency,
    compared: { pairs: of.agreed === undefined ? 0 : requests, agreed },
  });
}

/** What comes in one look. `canaryBefore`: requests that the canary had before it. */
export interface Moment {
  readonly atMs: number;
  /** Percent that the canary has. */
  readonly share: number;
  readonly canaryBefore: number;
  readonly draw: () => number;
}

export interface Both {
  readonly canary: ArmCounts;
  readonly main: ArmCounts;
}

/** A service as one run meets it: with its own times of bursts, its own callers. */
export type Service = (moment: Moment) => Both;

/** Each request a caller of its own, so many a second. */
export function independent(
  rate: number,
  canary: (moment: Moment) => Behaviour,
  main: (moment: Moment) => Behaviour,
): Service {
  return (moment) => {
    const all = poisson((rate * lookMs) / 1000, moment.draw);
    const ofCanary = binomial(all, moment.share / 100, moment.draw);
    return {
      canary: drawn(canary(moment), ofCanary, moment.draw),
      main: drawn(main(moment), all - ofCanary, moment.draw),
    };
  };
}

/** Sticky callers of whom a part always fails, whichever arm answers. */
export function stickyCallers(rate: number, callers: number, alwaysFail: number, draw: () => number): Service {
  const all = Array.from({ length: callers }, () => ({
    at: draw() * 100,
    bucket: Math.floor(draw() * callerBuckets),
    isBad: draw() < alwaysFail,
  }));
  const each = (rate * lookMs) / 1000 / callers;
  let share = -1;
  let arms: readonly (readonly [good: number, bad: number][])[] = [];
  return (moment) => {
    if (moment.share !== share) {
      share = moment.share;
      arms = [true, false].map((isCanary) => {
        const buckets = Array.from({ length: callerBuckets }, (): [number, number] => [0, 0]);
        for (const { at, bucket, isBad } of all) if (at < share === isCanary) buckets[bucket]![isBad ? 1 : 0] += 1;
        return buckets;
      });
    }
    const [canary, main] = arms.map((buckets): ArmCounts => {
      const failed = buckets.map(([, bad]) => (bad === 0 ? 0 : poisson(bad * each, moment.draw)));
      const requests = buckets.map(([good], at) => failed[at]! + (good === 0 ? 0 : poisson(good * each, moment.draw)));
      const counts = drawn({}, total(requests), moment.draw);
      return armCounts({ failed: total(failed), callers: { requests, failed, refused: [] } }, counts);
    });
    return { canary: canary!, main: main! };
  };
}

function total(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

/** Bursts of `lasts` each `every` (both drawn evenly from a range, ms), for one pod: the part of a look that is in one. */
export function bursts(
  lasts: readonly [number, number],
  every: readonly [number, number],
  draw: () => number,
): (atMs: number) => number {
  const between = ([least, most]: readonly [number, number]): number => least + (most - least) * draw();
  let begins = draw() * between(every);
  let ends = begins + between(lasts);
  return (atMs) => {
    let part = 0;
    const from = atMs - lookMs;
    while (begins < atMs) {
      part += Math.max(0, Math.min(ends, atMs) - Math.max(begins, from)) / lookMs;
      if (ends > atMs) break;
      begins += between(every);
      ends = begins + between(lasts);
    }
    return part;
  };
}
