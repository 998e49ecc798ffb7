// Evidence about a difference of means, right however often one looks: a mixture of normal likelihood ratios.

export interface Sums {
  readonly count: number;
  readonly sum: number;
  readonly sumSquares: number;
}

/** The effect that the mixture expects, in standard deviations of one reward. */
const expectedEffect = 0.2;

/**
 * Natural logarithm of the evidence that the mean of `first` is below `times` × the mean of `second`; 0: none.
 *
 * Let I be the information about the difference D (one over its variance). D·I is, for independent rewards of finite variance, nearly a Brownian motion in I, so averaging its likelihood
 * ratio over differences below 0 (half of a normal distribution of `expectedEffect` standard deviations) gives a process that reaches 1/alpha with a chance of nearly at most alpha, over
 * all looks. "Nearly": normal by the central limit theorem, so ask only after some fifty rewards of each arm. Variances: the larger of the arm's own and of both arms together, so that an
 * arm that answers ten times alike is not taken for certain.
 */
export function logEvidenceBelowTimes(first: Sums, second: Sums, times: number): number {
  if (first.count < 2 || second.count < 2) return 0;
  const other = { count: second.count, sum: times * second.sum, sumSquares: times ** 2 * second.sumSquares };
  const both = varianceOf({
    count: first.count + other.count,
    sum: first.sum + other.sum,
    sumSquares: first.sumSquares + other.sumSquares,
  });
  const variance = Math.max(varianceOf(first), both) / first.count + Math.max(varianceOf(other), both) / other.count;
  return halfNormalMixture(meanOf(first) - meanOf(other), variance, both);
}

/** The same that the mean is below a number. */
export function logEvidenceBelowMean(first: Sums, least: number): number {
  if (first.count < 2) return 0;
  // The mean square about the bound: what the variance is if the bound is the mean, and larger if it is not.
  const spread = first.sumSquares / first.count - 2 * least * meanOf(first) + least ** 2;
  return halfNormalMixture(meanOf(first) - least, spread / first.count, spread);
}

/** 0 without any. */
export function meanOf({ count, sum }: Sums): number {
  return count > 0 ? sum / count : 0;
}

/** Never below 0. */
export function varianceOf({ count, sum, sumSquares }: Sums): number {
  return count < 2 ? 0 : Math.max(0, sumSquares - sum ** 2 / count) / (count - 1);
}

/** ln ∫ of the likelihood ratio of `difference` (with `variance`) over the negative half of N(0, expectedEffect² · spread). */
function halfNormalMixture(difference: number, variance: number, spread: number): number {
  if (!(variance > 0) || !(spread > 0)) return 0;
  const prior = expectedEffect ** 2 * spread;
  const shrunk = prior / (prior + variance);
  // The posterior of the true difference is N(difference · shrunk, variance · shrunk); the half below 0 has twice its weight.
  const below = normalBelow((-difference * shrunk) / Math.sqrt(variance * shrunk));
  return (difference ** 2 / variance) * (shrunk / 2) + Math.log(1 - shrunk) / 2 + Math.log(2 * below);
}

/** The share of a standard normal distribution below `z` (Abramowitz and Stegun 26.2.17; off by at most 1e-7, never 0). */
export function normalBelow(z: number): number {
  if (z < 0) return Math.max(1e-300, 1 - normalBelow(-z));
  const t = 1 / (1 + 0.2316419 * z);
  const tail = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return Math.min(1, 1 - (Math.exp(-(z ** 2) / 2) / Math.sqrt(2 * Math.PI)) * tail);
}
