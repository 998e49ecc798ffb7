// What several replicas have compared of one deployment, as if one had compared it all: the joined view of the API, of `sluice compare` and of its report.
import { addedCounts } from "../../../routing/release/compare/added.ts";
import type { ComparisonCounts } from "../../../routing/release/compare/comparison.ts";
import {
  disagreementShape,
  type ComparedDeployment,
  type ShownComparison,
  type ShownDisagreement,
  type ShownReplica,
} from "../../api/comparisons.ts";
import { maxOfDeployment } from "../../comparing/kept-disagreements.ts";
import type { ComparisonState } from "../../comparing/messages.ts";
import { disagreementKey } from "../../comparing/disagreement-key.ts";
import { shownComparisons } from "./comparisons.ts";

/** One replica's own view; null: it has compared nothing, or `sentence` says why its view is not known. */
export interface ReplicaPart extends ShownReplica {
  readonly compared: ComparedDeployment | null;
}

/** null: none of them has compared anything. */
export function joinedComparisons(parts: readonly ReplicaPart[]): ComparedDeployment | null {
  const known = parts.flatMap(({ compared }) => (compared === null ? [] : [compared]));
  const [first] = known;
  if (first === undefined) return null;
  const { namespace, deployment } = first;
  return {
    namespace,
    deployment,
    replicas: parts.map(({ replica, sentence }) => ({ replica, sentence })),
    comparisons: shownComparisons(joinedStates(known.flatMap(({ comparisons }) => comparisons.map(stateOf)))),
    disagreements: joinedDisagreements(known.flatMap(({ disagreements }) => disagreements.map(knownOf))),
  };
}

/** Pairs that were compared by other rules say nothing of these: while replicas change, those of the rules that came last count. */
function joinedStates(states: readonly ComparisonState[]): readonly ComparisonState[] {
  const joined = new Map<string, ComparisonState>();
  for (const state of states) {
    const key = JSON.stringify([state.predictor, state.against]);
    const known = joined.get(key);
    if (known === undefined) joined.set(key, state);
    else if (known.rules === state.rules)
      joined.set(key, {
        ...known,
        sinceMs: Math.min(known.sinceMs, state.sinceMs),
        counts: addedCounts(known.counts, state.counts),
      });
    else if (state.sinceMs > known.sinceMs) joined.set(key, state);
  }
  return [...joined.values()];
}

/** The counts that a replica showed so. */
function stateOf(shown: ShownComparison): ComparisonState {
  const { namespace, deployment, predictor, against, rules, sinceMs, outcomes, labels, slower, morePaths } = shown;
  const answered = slower.buckets.reduce((sum, { count }) => sum + count, 0);
  const counts: ComparisonCounts = {
    outcomes,
    reasons: shown.reasons.map(({ reason, count }) => [reason, count]),
    paths: shown.paths.map(({ meanDifference, maxDifference, ...path }) => ({
      ...path,
      // Of a sum at its bound the mean may be a little too large.
      sumDifference: Math.min(Number.MAX_VALUE, (meanDifference ?? 0) * path.numbers),
      maxDifference: maxDifference ?? 0,
    })),
    morePaths,
    rows: labels.rows,
    rowsApart: labels.rowsApart,
    confusion: labels.confusion.map(({ primary, shadow, count }) => [primary, shadow, count]),
    slower: slower.buckets.map(({ bucket, count }) => [bucket, count]),
    primaryBytes: (shown.meanPrimaryBytes ?? 0) * answered,
    shadowBytes: (shown.meanShadowBytes ?? 0) * answered,
  };
  return { namespace, deployment, predictor, against, rules, sinceMs, counts };
}

/** What a later version says beside it is left out, as of counts: nothing bounds how deep that is. */
function knownOf(one: ShownDisagreement): ShownDisagreement {
  const known = Object.fromEntries(
    Object.entries(one).filter(([name]) => Object.hasOwn(disagreementShape.properties, name)),
  ) as ShownDisagreement;
  const differences = one.differences.map(({ path, primary, shadow }) => ({ path, primary, shadow }));
  return { ...known, differences };
}

/** The last of all replicas by time; those that are alike are one, with the answers of the one that came last. */
function joinedDisagreements(all: readonly ShownDisagreement[]): ShownDisagreement[] {
  const alike = new Map<string, ShownDisagreement>();
  for (const one of all.toSorted((a, b) => b.lastMs - a.lastMs)) {
    const key = disagreementKey(one);
    const known = alike.get(key);
    alike.set(key, known === undefined ? one : { ...known, count: known.count + one.count });
  }
  return [...alike.values()].slice(0, maxOfDeployment);
}
