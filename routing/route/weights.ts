// Weights: the one arithmetic of shares (routing rules 6 and 7). Pure numbers; who calls it says whose they are.

/** What was not served as written. `sum`: the declared values add up to `sum`, not 100, and were scaled. */
export type SharesNote =
  | { readonly kind: "scaled"; readonly sum: number }
  /** Every weight is 0: nothing can be forwarded. */
  | { readonly kind: "all-zero" }
  /** Several members and none declares a weight: equal shares. */
  | { readonly kind: "undeclared" }
  /** The first predictor declares `declared` and gets the remainder, which is something else. Percent. */
  | { readonly kind: "remainder"; readonly declared: number; readonly remainder: number };

export interface Shares {
  /** 0..1 each, in the order given; they sum to 1, or all are 0 with the note `all-zero`. */
  readonly shares: readonly number[];
  readonly note: SharesNote | null;
}

/**
 * Level 1: the members of a Route. `null` is undeclared. Values that are not numbers ≥ 0 count as 0.
 * `Differs:` sums other than 100 are scaled; Ambassador lets the rest fall through to a wider Mapping or a 404.
 */
export function memberShares(weights: readonly (number | null)[]): Shares {
  if (weights.length <= 1) return { shares: weights.map(() => 1), note: null };
  const undeclared = weights.filter((weight) => weight === null).length;
  const sum = sumOf(weights.map((weight) => declared(weight)));
  if (undeclared === weights.length)
    return { shares: weights.map(() => 1 / weights.length), note: { kind: "undeclared" } };
  if (undeclared > 0 && sum <= 100) {
    const rest = (100 - sum) / undeclared / 100;
    return { shares: weights.map((weight) => (weight === null ? rest : declared(weight) / 100)), note: null };
  }
  if (sum === 0) return { shares: weights.map(() => 0), note: { kind: "all-zero" } };
  return {
    shares: weights.map((weight) => declared(weight) / sum),
    note: sum === 100 ? null : { kind: "scaled", sum },
  };
}

/**
 * Level 2: the live predictors of one SD, `traffic` of each, `null` for absent. The first takes the remainder; 0 or absent beside declared
 * values is exactly none; over 100 is scaled and leaves the first none; nothing declared at all is an equal split.
 */
export function predictorShares(traffic: readonly (number | null)[]): Shares {
  if (traffic.length <= 1) return { shares: traffic.map(() => 1), note: null };
  if (traffic.every((value) => value === null)) return { shares: traffic.map(() => 1 / traffic.length), note: null };
  const others = traffic.slice(1).map((value) => declared(value));
  const sum = sumOf(others);
  if (sum > 100) return { shares: [0, ...others.map((value) => value / sum)], note: { kind: "scaled", sum } };
  const first = traffic[0]!;
  const remainder = 100 - sum;
  const note: SharesNote | null =
    first === null || first === remainder ? null : { kind: "remainder", declared: first, remainder };
  return { shares: [remainder / 100, ...others.map((value) => value / 100)], note };
}

/** One Mapping inside its member. */
export interface Part {
  /** Share of the Route, 0..1. */
  readonly share: number;
  /** Parts of one member have one number. */
  readonly member: number;
  readonly ready: boolean;
}

/**
 * Shares after readiness: an unready part's share goes to the ready parts of its member in proportion, else to the other members in
 * proportion. A share of 0 never receives any. All 0: no part with a share is ready.
 */
export function readyShares(parts: readonly Part[]): readonly number[] {
  const whole = new Map<number, number>();
  const ready = new Map<number, number>();
  for (const part of parts) {
    whole.set(part.member, (whole.get(part.member) ?? 0) + part.share);
    if (part.ready) ready.set(part.member, (ready.get(part.member) ?? 0) + part.share);
  }
  let reachable = 0;
  for (const [member, share] of whole) if ((ready.get(member) ?? 0) > 0) reachable += share;
  return parts.map((part) => {
    if (!part.ready || part.share === 0) return 0;
    return (part.share / ready.get(part.member)!) * (whole.get(part.member)! / reachable);
  });
}

/** Cumulative bounds of the shares above 0, for one draw in [0, 1): the last is exactly 1, so no draw falls outside. */
export function boundsOf(shares: readonly number[]): readonly number[] {
  const positive = shares.filter((share) => share > 0);
  const total = sumOf(positive);
  let sum = 0;
  return positive.map((share, index) => {
    sum += share;
    return index === positive.length - 1 ? 1 : Math.min(sum / total, 1);
  });
}

function declared(value: number | null): number {
  return value !== null && value > 0 && value < Infinity ? value : 0;
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
