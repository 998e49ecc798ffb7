// /api/v1/feedback: what was counted of feedback by all replicas, by deployment and live predictor.
import { isNamed } from "../../explain/who.ts";
import { feedbackShape, type DeploymentFeedback } from "../../api/feedback.ts";
import { deploymentKeys, type DeploymentKey } from "../view/deployments.ts";
import type { EndpointParts, Handler } from "../endpoint.ts";
import { listing } from "../list.ts";
import { feedbackWays } from "../../shared/metrics/series.ts";
import type { CountedView } from "../../api/counted.ts";

export function feedback({ view, peers }: EndpointParts): Handler {
  return listing<DeploymentKey, DeploymentFeedback>({
    gather: (slices) => deploymentKeys(view, slices),
    key: ({ namespace, name }) => JSON.stringify([namespace, name]),
    namespace: ({ namespace }) => namespace,
    json: (key) => feedbackOf(view.counted, key),
    wanted: (query) => {
      const named = query.get("deployment");
      return (key) => isNamed(key, named);
    },
    joining: {
      peers,
      item: feedbackShape,
      namespace: ({ namespace }) => namespace,
      merge: (same) => [joinedFeedback(same.map(({ value }) => value))],
    },
  });
}

type Predictor = DeploymentFeedback["predictors"][number];
type Sums = Pick<Predictor["rewards"], "count" | "sum" | "sumSquares">;

function feedbackOf(
  counted: Pick<CountedView, "feedbackOf">,
  { namespace, name, predictors }: DeploymentKey,
): DeploymentFeedback {
  const live = predictors.filter(({ role }) => role === "live");
  const shown = live.map((predictor) => {
    const { routed, rewards } = counted.feedbackOf(predictor);
    return predictorOf(predictor.predictor, routed, rewards);
  });
  return { namespace, name, predictors: shown };
}

function joinedFeedback(all: readonly DeploymentFeedback[]): DeploymentFeedback {
  const same = Map.groupBy(
    all.flatMap(({ predictors }) => predictors),
    ({ name }) => name,
  );
  return {
    ...all[0]!,
    predictors: Array.from(same, ([name, of]) => {
      const total = (count: (one: Predictor) => number): number => of.reduce((sum, one) => sum + count(one), 0);
      return predictorOf(
        name,
        Object.fromEntries(feedbackWays.map((way) => [way, total(({ routed }) => routed[way] ?? 0)])),
        {
          count: total(({ rewards }) => rewards.count),
          sum: total(({ rewards }) => rewards.sum),
          sumSquares: total(({ rewards }) => rewards.sumSquares),
        },
      );
    }),
  };
}

function predictorOf(name: string, routed: Predictor["routed"], { count, sum, sumSquares }: Sums): Predictor {
  const mean = count === 0 ? null : sum / count;
  // Rounding may leave less than nothing.
  const deviation = mean === null ? null : Math.sqrt(Math.max(0, sumSquares / count - mean * mean));
  return { name, routed, rewards: { count, sum, sumSquares, mean, deviation } };
}
