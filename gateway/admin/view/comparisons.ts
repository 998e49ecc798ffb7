// Counts of comparisons as people read them, of this replica and of several as if one had compared it all: of the API and of `sluice compare`.
import { addedCounts } from "../../../routing/release/compare/comparison.ts";
import { maxPathNodes } from "../../../routing/release/compare/path-tree.ts";
import { shareOf } from "../../../routing/release/compare/share.ts";
import { compareText } from "../../../routing/text/problem.ts";
import { maxKept, type ComparedDeployment, type ShownComparison, type ShownReplica } from "../../api/comparisons.ts";
import type { ComparedSidesView, ComparedView } from "./view.ts";

/** Bytes, at most, of one deployment's comparisons as JSON, and as many of its disagreements. */
export const maxShownBytes = 128 * 1024;

export function shownComparison({ sides, sinceMs, counts }: ComparedSidesView): ShownComparison {
  const { agreed, disagreed, incomparable, leftOut, paths, morePaths } = counts;
  return {
    ...sides,
    sinceMs,
    pairs: agreed + disagreed,
    agreed,
    disagreed,
    agreement: shareOf(agreed, agreed + disagreed),
    incomparable: [...incomparable],
    leftOut: [...leftOut],
    paths: paths
      .toSorted((one, other) => other.pairsApart - one.pairsApart || compareText(one.path, other.path))
      .slice(0, maxPathNodes),
    morePaths: morePaths || paths.length > maxPathNodes,
  };
}

/** This replica's own comparisons; null: it has compared nothing. */
export function ownComparison(
  compared: ComparedView,
  namespace: string,
  deployment: string,
): ComparedDeployment | null {
  const own = compared.of(namespace, deployment);
  return own === null
    ? null
    : {
        namespace,
        deployment,
        replicas: [{ replica: "this replica", sentence: null }],
        comparisons: own.comparisons.map(shownComparison),
        disagreements: [...own.disagreements],
      };
}

/** One replica's own view; null: it has compared nothing, or `sentence` says why its view is not known. */
export interface ReplicaPart extends ShownReplica {
  readonly compared: ComparedDeployment | null;
}

/** null: none of them has compared anything. What is too much for one answer is left out, the oldest disagreements first. */
export function joinedComparisons(parts: readonly ReplicaPart[]): ComparedDeployment | null {
  const known = parts.flatMap(({ compared }) => (compared === null ? [] : [compared]));
  const [first] = known;
  if (first === undefined) return null;
  const { namespace, deployment } = first;
  const joined = new Map<string, ShownComparison>();
  for (const one of known.flatMap(({ comparisons }) => comparisons)) {
    const key = `${one.predictor}/${one.against}`;
    const other = joined.get(key);
    joined.set(key, other === undefined ? one : addedComparisons(one, other));
  }
  const comparisons = [...joined].toSorted(([one], [other]) => compareText(one, other)).map(([, one]) => one);
  const disagreements = known
    .flatMap((one) => one.disagreements)
    .toSorted((one, other) => other.atMs - one.atMs)
    .slice(0, maxKept);
  return {
    namespace,
    deployment,
    replicas: parts.map(({ replica, sentence }) => ({ replica, sentence })),
    comparisons: fitting(comparisons),
    disagreements: fitting(disagreements),
  };
}

/** Pairs that were compared by other rules say nothing of these: while replicas change, those of the rules that came last count. */
export function addedComparisons(one: ShownComparison, other: ShownComparison): ShownComparison {
  if (one.rules !== other.rules) return one.sinceMs > other.sinceMs ? one : other;
  const { namespace, deployment, predictor, against, rules } = one;
  return shownComparison({
    sides: { namespace, deployment, predictor, against, rules },
    sinceMs: Math.min(one.sinceMs, other.sinceMs),
    counts: addedCounts(one, other),
  });
}

function fitting<T>(items: readonly T[]): T[] {
  let bytes = 0;
  return items.filter((one) => (bytes += Buffer.byteLength(JSON.stringify(one))) <= maxShownBytes);
}
