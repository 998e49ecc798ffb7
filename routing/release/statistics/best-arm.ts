// How probable it is that each of several unknown means is the highest.

/** What is believed of one mean. */
export type Belief =
  /** In [0, 1]: so many successes and failures, each at least 1 for the prior. */
  | { readonly kind: "beta"; readonly successes: number; readonly failures: number }
  | { readonly kind: "normal"; readonly mean: number; readonly deviation: number };

/** How far from its mean a belief reaches, in its own deviations. */
const reach = 9;
/** Gauss's rule of two points of equal weight, which is all but exact on an interval of one deviation. */
const gauss = [0.5 - Math.sqrt(1 / 12), 0.5 + Math.sqrt(1 / 12)];

/**
 * For each belief the probability that its mean is the highest of all: at least 0, together 1, off by less than 0.001. By numeric integration over at most
 * some 800 intervals.
 */
export function probabilitiesBest(beliefs: readonly Belief[]): number[] {
  const shapes = beliefs.map(shapeOf);
  const grid = gridOf(shapes);
  const points = grid.slice(1).flatMap((high, at) =>
    gauss.map((part): Point => {
      const point = grid[at]! + part * (high - grid[at]!);
      return { at: point, log: Math.log(Math.max(point, 1e-300)), logRest: Math.log(Math.max(1 - point, 1e-300)) };
    }),
  );
  const below = shapes.map((shape) => cumulated(shape, grid, points));
  const best = beliefs.map(() => 0);
  const after = beliefs.map(() => 1);
  for (let at = 1; at < grid.length; at += 1) {
    // That of all others it is the highest: the product over those before it, and over those after it.
    let product = 1;
    for (let arm = below.length - 1; arm >= 0; arm -= 1) {
      after[arm] = product;
      product *= (below[arm]![at]! + below[arm]![at - 1]!) / 2;
    }
    product = 1;
    for (let arm = 0; arm < below.length; arm += 1) {
      best[arm]! += (below[arm]![at]! - below[arm]![at - 1]!) * product * after[arm]!;
      product *= (below[arm]![at]! + below[arm]![at - 1]!) / 2;
    }
  }
  const sum = best.reduce((total, one) => total + one, 0);
  return best.map((one) => (sum > 0 ? one / sum : 1 / best.length));
}

interface Shape {
  readonly mean: number;
  readonly deviation: number;
  /** Range of the mean. */
  readonly least: number;
  readonly most: number;
  /** But for a factor. */
  readonly density: (point: Point) => number;
}

/** With what the densities of all beliefs need of it. */
interface Point {
  readonly at: number;
  readonly log: number;
  readonly logRest: number;
}

function shapeOf(belief: Belief): Shape {
  if (belief.kind === "normal") {
    const { mean } = belief;
    const deviation = Math.max(belief.deviation, 1e-9 * Math.abs(mean), 1e-12);
    const density = ({ at }: Point): number => Math.exp(-(((at - mean) / deviation) ** 2) / 2);
    return { mean, deviation, least: -Infinity, most: Infinity, density };
  }
  const { successes, failures } = belief;
  const total = successes + failures;
  const mean = successes / total;
  const deviation = Math.sqrt((mean * (1 - mean)) / (total + 1));
  const [logMean, logRestOfMean] = [Math.log(mean), Math.log1p(-mean)];
  const density = ({ log, logRest }: Point): number =>
    Math.exp((successes - 1) * (log - logMean) + (failures - 1) * (logRest - logRestOfMean));
  return { mean, deviation, least: 0, most: 1, density };
}

/** Points of each belief, and between where the highest can lie. */
function gridOf(shapes: readonly Shape[]): readonly number[] {
  const from = Math.max(...shapes.map(({ mean, deviation, least }) => Math.max(least, mean - reach * deviation)));
  const to = Math.max(...shapes.map(({ mean, deviation, most }) => Math.min(most, mean + reach * deviation)));
  const perArm = Math.max(2 * reach, Math.floor(256 / shapes.length));
  const points = shapes.flatMap(({ mean, deviation, least, most }) =>
    Array.from({ length: perArm + 1 }, (_, at) =>
      Math.min(most, Math.max(least, mean + deviation * reach * ((2 * at) / perArm - 1))),
    ),
  );
  const between = Array.from({ length: 129 }, (_, at) => from + ((to - from) * at) / 128);
  return [...new Set([...points, ...between])].sort((a, b) => a - b);
}

/** The share of a belief below each point. */
function cumulated(
  { mean, deviation, density }: Shape,
  grid: readonly number[],
  points: readonly Point[],
): readonly number[] {
  const below = grid.map(() => 0);
  for (let at = 1; at < grid.length; at += 1) {
    const [low, high] = [grid[at - 1]!, grid[at]!];
    let mass = 0;
    if (high > mean - reach * deviation && low < mean + reach * deviation)
      mass = density(points[2 * at - 2]!) + density(points[2 * at - 1]!);
    below[at] = below[at - 1]! + (mass * (high - low)) / 2;
  }
  const all = below.at(-1)!;
  return below.map((mass) => (all > 0 ? mass / all : 0));
}
