// What Seldon's operator 1.18.2 writes about traffic, and what Ambassador 2 and later makes of it. Only to say where Sluice differs: nothing here
// decides where a request goes.

/** The two writers of the operator (AMBASSADOR_VERSION): annotations on Services, or Mapping objects. */
export type Writer = "v1" | "v2";

/** What a predictor gets there, percent: of live requests, or of copies. */
export interface OperatorPart {
  readonly name: string;
  readonly role: "live" | "shadow";
  readonly percent: number;
}

interface Declared {
  readonly name: string;
  readonly traffic: number | null;
  readonly shadow: boolean;
}

// SDs with the same predictors have one list of them, so each split is found out once.
const known = new WeakMap<readonly Declared[], OperatorSplits>();

/** What each writer makes of the predictors. */
export type OperatorSplits = readonly { readonly writer: Writer; readonly parts: readonly OperatorPart[] }[];

export function operatorSplits(predictors: readonly Declared[]): OperatorSplits {
  let splits = known.get(predictors);
  if (splits === undefined)
    known.set(
      predictors,
      (splits = (["v1", "v2"] as const).map((writer) => ({ writer, parts: operatorSplit(predictors, writer) }))),
    );
  return splits;
}

/**
 * The split of one SD by itself. Both writers leave the first predictor without a weight; v1 leaves out a weight of 0 as well, v2 writes one for
 * everything else, 0 where there is no traffic, and for every shadow.
 */
function operatorSplit(predictors: readonly Declared[], writer: Writer): readonly OperatorPart[] {
  const weights = predictors.map(({ traffic, shadow }, index) => {
    if (writer === "v2") return index > 0 || shadow ? (traffic ?? 0) : null;
    return index > 0 && traffic !== null && traffic > 0 ? traffic : null;
  });
  const percents = ambassadorPercents(weights.filter((_, index) => !predictors[index]!.shadow));
  let nextLive = 0;
  let nextShadow = 0;
  return predictors.map(({ name, shadow }, index) => {
    if (!shadow) return { name, role: "live", percent: percents[nextLive++]! };
    // One shadow a group: the first counts.
    return { name, role: "shadow", percent: nextShadow++ === 0 ? Math.min(100, weights[index] ?? 100) : 0 };
  });
}

/** Effective percent of each member of a group; what they lack to 100 falls through to other Mappings (Emissary 3.9.1, irbasemappinggroup.py). */
export function ambassadorPercents(weights: readonly (number | null)[]): readonly number[] {
  if (weights.length === 1) return [100];
  const bounds = weights.map(() => 0);
  let sum = 0;
  for (const [index, weight] of weights.entries()) {
    if (weight === null) continue;
    if (weight > 100) return taken(weights, bounds);
    sum += roundHalfEven(weight);
    bounds[index] = sum;
  }
  const weightless = weights.flatMap((weight, index) => (weight === null ? [index] : []));
  if (sum > 100 || weightless.length === 0) return taken(weights, bounds);
  const share = roundHalfEven((100 - sum) / weightless.length);
  for (const index of weightless) bounds[index] = sum += share;
  bounds[weightless.at(-1)!] = 100;
  return taken(weights, bounds);
}

/** One draw is compared with the bounds, of weighted members first. */
function taken(weights: readonly (number | null)[], bounds: readonly number[]): readonly number[] {
  const percents = weights.map(() => 0);
  let covered = 0;
  const weighted = weights.flatMap((weight, index) => (weight === null ? [] : [index]));
  const weightless = weights.flatMap((weight, index) => (weight === null ? [index] : []));
  for (const index of [...weighted, ...weightless]) {
    const bound = Math.min(100, bounds[index]!);
    percents[index] = Math.max(0, bound - covered);
    covered = Math.max(covered, bound);
  }
  return percents;
}

/** Python's `round`. */
function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}
