// Evidence that the canary is beyond a bound, by looks: each look says by how much, and how far looks differ is the noise.
//
// A bound is a question (`routing/release/rollout/gates.ts:Question`) of which each look has an excess: what the canary has more than the bound allows beside main in this look. What hits both arms at once
// cancels; what hits the canary in one look, such as a burst of failures, is one event, because its square grows as fast as it does. `logEvidence` is the likelihood ratio of a t-test, averaged over sizes of the
// effect. Of looks that are alike and independent it is a test martingale whatever their variance is, so the chance that it ever reaches 1/alpha, however often one asks, is at most alpha (Ville). Counts
// are no normal numbers: where failures are few, looks with one are right-skewed, which makes it slower and not wrong.

/** So much for one question, summed over looks. */
export interface Excess {
  /** That had something to say. */
  readonly looks: number;
  readonly sum: number;
  readonly squares: number;
  /** Variance of the sum, as if each request were independent. */
  readonly noise: number;
  /** Requests of the canary that it is worth: beside a main of the same size half as many. */
  readonly weight: number;
  /** The sum with each look's part cut at what chance explains, so that a burst is no rate. */
  readonly cut: number;
  /** Looks that were beyond the bound. */
  readonly beyond: number;
}

export const noExcess: Excess = { looks: 0, sum: 0, squares: 0, noise: 0, weight: 0, cut: 0, beyond: 0 };

/** What an arm has: see `routing/release/rollout/gates.ts:Measured`. */
interface Measured {
  readonly total: number;
  readonly sum: number;
  readonly squares: number;
}

/** See `routing/release/rollout/gates.ts:Question`. */
interface Bound {
  readonly times: number;
  readonly slack: number;
  readonly direction: 1 | -1;
  readonly allowed: number | null;
}

/** Of one look. `mainShare`: where main has no part of the traffic, what it had before; null: it is beside the canary. */
export function excessOf(
  { times, slack, direction, allowed }: Bound,
  canary: Measured,
  main: Measured,
  mainShare: number | null,
): Excess {
  const isAlone = times === 0 || mainShare !== null;
  const both = canary.total + main.total;
  if (canary.total <= 0 || (!isAlone && main.total <= 0)) return noExcess;
  const [ofCanary, ofMain] = isAlone ? [1, 0] : [main.total / both, canary.total / both];
  const weight = canary.total * ofCanary;
  const compared = times * (isAlone ? (mainShare ?? 0) * canary.total : ofMain * main.sum);
  const excess = direction * (ofCanary * canary.sum - compared - slack * weight);
  const most = allowed === null ? Infinity : 3 * Math.sqrt(allowed * weight) + 1;
  return {
    looks: 1,
    sum: excess,
    squares: excess ** 2,
    noise: ofCanary ** 2 * varianceIn(canary) + (times * ofMain) ** 2 * varianceIn(main),
    weight,
    cut: Math.min(excess, most),
    beyond: excess > 0 ? 1 : 0,
  };
}

export function addedExcess(one: Excess, other: Excess): Excess {
  return {
    looks: one.looks + other.looks,
    sum: one.sum + other.sum,
    squares: one.squares + other.squares,
    noise: one.noise + other.noise,
    weight: one.weight + other.weight,
    cut: one.cut + other.cut,
    beyond: one.beyond + other.beyond,
  };
}

function varianceIn({ total, sum, squares }: Measured): number {
  return total > 0 ? Math.max(0, squares - sum ** 2 / total) : 0;
}

/** Sizes of the effect that are expected, in standard deviations of one look: a fault that shows in hours, and one that shows in a minute. */
const effects = [0.5, 3];

/** Natural logarithm of the evidence that the excess is above 0; 0 or less: none. `extra`: variance of the sum that looks do not show. */
export function logEvidence({ looks, sum, squares, noise }: Excess, extra: number): number {
  if (looks < 2 || sum <= 0) return 0;
  const byLooks = (looks / (looks - 1)) * Math.max(0, squares - sum ** 2 / looks);
  const t2 = sum ** 2 / (Math.max(byLooks, noise, 1e-9 * sum ** 2) + extra);
  const logs = effects.map((effect) => {
    const spread = 1 + looks * effect ** 2;
    const ratio = (1 + t2 / (looks - 1)) / (1 + t2 / ((looks - 1) * spread));
    return (looks * Math.log(ratio) - Math.log(spread)) / 2;
  });
  const highest = Math.max(...logs);
  return highest + Math.log(logs.reduce((total, log) => total + Math.exp(log - highest), 0) / logs.length);
}

/** A t-statistic of so many degrees of freedom as the normal deviate of the same tail (Wallace). */
export function normalOf(t: number, freedom: number): number {
  if (!(freedom > 0)) return -Infinity;
  return Math.sign(t) * ((8 * freedom + 1) / (8 * freedom + 3)) * Math.sqrt(freedom * Math.log1p(t ** 2 / freedom));
}

/** So many looks, those that were among them, are enough evidence if the others are like them. null: thousands are not. `extra`: as of `logEvidence`, for one request of weight. */
export function looksWanted(
  { looks, sum, squares, noise, weight, cut, beyond }: Excess,
  extra: number,
  evidence: number,
): number | null {
  if (looks === 0) return null;
  for (let wanted = looks + 1; wanted < 5000; wanted = Math.max(wanted + 1, Math.floor(wanted * 1.05))) {
    const times = wanted / looks;
    const grown = {
      looks: wanted,
      sum: sum * times,
      squares: squares * times,
      noise: noise * times,
      weight,
      cut,
      beyond,
    };
    if (logEvidence(grown, extra * (weight * times) ** 2) >= evidence) return wanted;
  }
  return null;
}
