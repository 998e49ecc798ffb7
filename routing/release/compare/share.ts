// A share that was counted, and how far it may be trusted.

/** Wilson's score interval: holds the true share in 95 of 100 cases. */
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
  return {
    share,
    low: Math.max(0, (middle - spread) / scale),
    high: Math.min(1, (middle + spread) / scale),
  };
}
