// Counts of comparisons as people read them: shares, quantiles, means.
import { quantileOf } from "../../../routing/release/compare/difference-scale.ts";
import { maxReasons } from "../../../routing/release/compare/comparison.ts";
import { maxPathNodes } from "../../../routing/release/compare/path-tree.ts";
import { shareOf } from "../../../routing/release/compare/share.ts";
import { compareText } from "../../../routing/text/problem.ts";
import type { ShownComparison } from "../../api/comparisons.ts";
import type { ComparisonState } from "../../comparing/messages.ts";

/** Labels of a table that are shown; the others are rare. */
const maxShownConfusion = 400;

/** By namespace, deployment, shadow, and whom it is compared with. */
export function shownComparisons(states: readonly ComparisonState[]): readonly ShownComparison[] {
  return states
    .map((state) => shownComparison(state, noiseOf(state, states)))
    .toSorted((one, other) => compareText(keyOf(one), keyOf(other)));
}

function keyOf({ namespace, deployment, predictor, against }: ShownComparison): string {
  return [namespace, deployment, predictor, against].join("/");
}

/** How often the primary of this comparison disagrees with itself; null: that is not known. */
function noiseOf(
  { namespace, deployment, predictor, against }: ComparisonState,
  states: readonly ComparisonState[],
): number | null {
  if (predictor === against) return null;
  const itself = states.find(
    (one) =>
      one.namespace === namespace &&
      one.deployment === deployment &&
      one.predictor === against &&
      one.against === against,
  );
  if (itself === undefined) return null;
  const { agreed, disagreed } = itself.counts.outcomes;
  return agreed + disagreed === 0 ? null : disagreed / (agreed + disagreed);
}

function shownComparison({ counts, ...state }: ComparisonState, noise: number | null): ShownComparison {
  const { outcomes, paths, rows, rowsApart, confusion, slower, reasons } = counts;
  const pairs = outcomes.agreed + outcomes.disagreed;
  const answered = slower.reduce((sum, [, count]) => sum + count, 0);
  const agreement = shareOf(outcomes.agreed, pairs);
  return {
    ...state,
    pairs,
    outcomes,
    agreement,
    noise,
    agreementWithoutNoise: agreement === null || noise === null ? null : Math.min(1, agreement.share + noise),
    labels: {
      rows,
      rowsApart,
      agreement: shareOf(rows - rowsApart, rows),
      confusion: confusion
        .map(([primary, shadow, count]) => ({ primary, shadow, count }))
        .toSorted((one, other) => other.count - one.count)
        .slice(0, maxShownConfusion),
    },
    paths: paths
      .map(({ path, redacted, numbers, numbersApart, sumDifference, maxDifference, pairsApart }) => ({
        path,
        redacted,
        numbers,
        numbersApart,
        meanDifference: redacted ? null : numbers === 0 ? 0 : sumDifference / numbers,
        maxDifference: redacted ? null : maxDifference,
        pairsApart,
      }))
      .toSorted((one, other) => other.pairsApart - one.pairsApart || compareText(one.path, other.path))
      .slice(0, maxPathNodes),
    morePaths: counts.morePaths || paths.length > maxPathNodes,
    slower: {
      p50: quantileOf(slower, 0.5),
      p90: quantileOf(slower, 0.9),
      p99: quantileOf(slower, 0.99),
      buckets: slower.map(([bucket, count]) => ({ bucket, count })),
    },
    meanPrimaryBytes: answered === 0 ? null : counts.primaryBytes / answered,
    meanShadowBytes: answered === 0 ? null : counts.shadowBytes / answered,
    reasons: reasons
      .map(([reason, count]) => ({ reason, count }))
      .toSorted((one, other) => other.count - one.count)
      .slice(0, maxReasons),
  };
}
