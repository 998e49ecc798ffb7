// /api/v1/feedback: what was counted of feedback, by deployment and live predictor.
import type { DeploymentFeedback } from "../../api/feedback.ts";
import { deploymentKeys, type DeploymentKey } from "../view/deployments.ts";
import type { EndpointParts, Handler } from "../endpoint.ts";
import { listing } from "../list.ts";
import type { CountedView } from "../view/view.ts";

export function feedback({ view }: EndpointParts): Handler {
  return listing<DeploymentKey>({
    gather: (slices) => deploymentKeys(view, slices),
    key: ({ namespace, name }) => JSON.stringify([namespace, name]),
    namespace: ({ namespace }) => namespace,
    json: (key) => feedbackOf(view.counted, key),
    wanted: (query) => {
      const named = query.get("deployment");
      return ({ namespace, name }) => named === null || named === name || named === `${namespace}/${name}`;
    },
  });
}

function feedbackOf(
  counted: Pick<CountedView, "feedbackOf">,
  { namespace, name, predictors }: DeploymentKey,
): DeploymentFeedback {
  const live = predictors.filter(({ role }) => role === "live");
  return {
    namespace,
    name,
    predictors: live.map((predictor) => {
      const { routed, rewards } = counted.feedbackOf(predictor);
      const { count, sum, sumSquares } = rewards;
      const mean = count === 0 ? null : sum / count;
      // Rounding may leave less than nothing.
      const deviation = mean === null ? null : Math.sqrt(Math.max(0, sumSquares / count - mean * mean));
      return { name: predictor.predictor, routed, rewards: { count, sum, sumSquares, mean, deviation } };
    }),
  };
}
