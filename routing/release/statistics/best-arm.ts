// How probable it is that each of several unknown means is the highest.
import { normalBelow } from "./means.ts";

/** What is believed of one mean. */
export type Belief =
  /** In [0, 1]: so many successes and failures, each at least 1 for the prior. */
  | { readonly kind: "beta"; readonly successes: number; readonly failures: number }
  | { readonly kind: "normal"; readonly mean: number; readonly deviation: number };

/** For each belief the probability that its mean is the highest of all: at least 0, together 1. By numeric integration over at most some 2,000 points. */
export function probabilitiesBest(beliefs: readonly Belief[]): number[] {
  const perArm = Math.max(9, Math.floor(2048 / Math.max(1, beliefs.length)));
  const points = beliefs.flatMap((belief) => {
    const [mean, deviation] = momentsOf(belief);
    return Array.from({ length: perArm }, (_, at) => mean + deviation * 16 * (at / (perArm - 1) - 0.5));
  });
  const grid = [...new Set(points)].sort((a, b) => a - b);
  const below = beliefs.map((belief) => grid.map((point) => shareBelow(belief, point)));
  const best = beliefs.map(() => 0);
  for (let at = 1; at < grid.length; at += 1) {
    for (const [arm, own] of below.entries()) {
      let chance = own[at]! - own[at - 1]!;
      for (const [other, theirs] of below.entries())
        if (other !== arm && chance > 0) chance *= (theirs[at]! + theirs[at - 1]!) / 2;
      best[arm]! += Math.max(0, chance);
    }
  }
  const sum = best.reduce((total, one) => total + one, 0);
  return best.map((one) => (sum > 0 ? one / sum : 1 / best.length));
}

function momentsOf(belief: Belief): readonly [mean: number, deviation: number] {
  if (belief.kind === "normal") return [belief.mean, Math.max(belief.deviation, 1e-12)];
  const total = belief.successes + belief.failures;
  const mean = belief.successes / total;
  return [mean, Math.sqrt((mean * (1 - mean)) / (total + 1))];
}

function shareBelow(belief: Belief, point: number): number {
  const [mean, deviation] = momentsOf(belief);
  if (belief.kind === "normal" || Math.min(belief.successes, belief.failures) > 1000)
    return normalBelow((point - mean) / deviation);
  return betaBelow(belief.successes, belief.failures, point);
}

/** The regularised incomplete beta function, by its continued fraction (Lentz's method). */
export function betaBelow(a: number, b: number, x: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  if (x > (a + 1) / (a + b + 2)) return 1 - betaBelow(b, a, 1 - x);
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x)) / a;
  const tiny = 1e-300;
  let c = 1;
  let d = 1 / nonZero(1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  for (let m = 1; m <= 500; m += 1) {
    for (const term of [
      (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m)),
      (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1)),
    ]) {
      d = 1 / nonZero(1 + term * d);
      c = nonZero(1 + term / c);
      fraction *= c * d;
    }
    if (Math.abs(c * d - 1) < 1e-12) break;
  }
  return Math.min(1, Math.max(0, front * fraction));

  function nonZero(value: number): number {
    return Math.abs(value) < tiny ? tiny : value;
  }
}

/** ln Γ(x) for x ≥ 1: Stirling's series, from 10 on. */
function logGamma(x: number): number {
  let shift = 0;
  while (x < 10) {
    shift -= Math.log(x);
    x += 1;
  }
  const inverse = 1 / (x * x);
  const series = (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse / 1680))) / x;
  return shift + (x - 0.5) * Math.log(x) - x + Math.log(2 * Math.PI) / 2 + series;
}
