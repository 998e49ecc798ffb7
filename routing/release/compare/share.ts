// A share that was counted, and how far it may be trusted.

/** Wilson's score interval: holds the true share in 95 of 100 cases, and `share` always. */
export interface Share {
  readonly share: number;
  readonly low: number;
  readonly high: number;
}

/** null: nothing was counted. */
export function shareOf(count: number, total: number): Share | null {
  if (!(total > 0)) return null;
  const z = 1.96;
  const share = count / total;
  const middle = share + (z * z) / (2 * total);
  const spread = z * Math.sqrt((share * (1 - share)) / total + (z * z) / (4 * total * total));
  const scale = 1 + (z * z) / total;
  // Of none and of all a bound is the share itself, but for the last digit of the arithmetic.
  const bound = (one: number): number => Math.min(1, Math.max(0, one / scale));
  return {
    share,
    low: Math.min(share, bound(middle - spread)),
    high: Math.max(share, bound(middle + spread)),
  };
}
