// Means and variances of what is known by its sums.

export interface Sums {
  readonly count: number;
  readonly sum: number;
  readonly sumSquares: number;
}

/** 0 without any. */
export function meanOf({ count, sum }: Sums): number {
  return count > 0 ? sum / count : 0;
}

/** Never below 0. */
export function varianceOf({ count, sum, sumSquares }: Sums): number {
  return count < 2 ? 0 : Math.max(0, sumSquares - sum ** 2 / count) / (count - 1);
}

/** The share of a standard normal distribution below `z` (Abramowitz and Stegun 26.2.17; off by at most 1e-7, never 0). */
export function normalBelow(z: number): number {
  if (z < 0) return Math.max(1e-300, 1 - normalBelow(-z));
  const t = 1 / (1 + 0.2316419 * z);
  const tail = t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))));
  return Math.min(1, 1 - (Math.exp(-(z ** 2) / 2) / Math.sqrt(2 * Math.PI)) * tail);
}
