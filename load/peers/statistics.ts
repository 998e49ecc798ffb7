// Order statistics of a few rounds.

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** First and third quartile. */
  readonly q1: number;
  readonly q3: number;
  readonly count: number;
}

/** Linear interpolation between the two nearest ranks; NaN for no values. `q` in 0..1. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const rank = (sorted.length - 1) * q;
  const low = Math.floor(rank);
  const below = sorted[low] ?? Number.NaN;
  const above = sorted[Math.ceil(rank)] ?? Number.NaN;
  return below + (above - below) * (rank - low);
}

export function spread(values: readonly number[]): Spread {
  return {
    median: quantile(values, 0.5),
    min: quantile(values, 0),
    max: quantile(values, 1),
    q1: quantile(values, 0.25),
    q3: quantile(values, 0.75),
    count: values.length,
  };
}

/** The spread of a[i] / b[i]: each round is compared with itself, so that what slows a whole round cancels out. */
export function ratios(over: readonly number[], under: readonly number[]): Spread {
  return spread(over.slice(0, under.length).map((value, round) => value / (under[round] ?? Number.NaN)));
}
