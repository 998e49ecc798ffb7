// The answer of GET /api/v1/feedback: how much feedback models took and where it came from, and their rewards, since the gateway began.
import { feedbackWays, seriesMetrics } from "../shared/metrics/series.ts";
import { nullable, Type, type Shaped } from "./shape.ts";

const count = Type.Integer({ minimum: 0 });

const rewardsShape = Type.Object(
  {
    count,
    sum: Type.Number(),
    sumSquares: Type.Number({
      description: "of their squares: with it the deviation of several replicas together",
      minimum: 0,
    }),
    mean: nullable(Type.Number()),
    deviation: nullable(Type.Number({ description: "standard deviation of the rewards", minimum: 0 })),
  },
  { description: "Without those that are no number from -1e9 to 1e9. Mean and deviation are null where there is none" },
);

const routedShape = Type.Object(
  Object.fromEntries(
    feedbackWays.map((way) => [way, Type.Integer({ description: seriesMetrics.feedback.values[way], minimum: 0 })]),
  ),
  { description: "Feedback that the model took (2xx, OK), by why it went to this predictor" },
);

export const feedbackShape = Type.Object({
  namespace: Type.String(),
  name: Type.String(),
  predictors: Type.Array(Type.Object({ name: Type.String(), routed: routedShape, rewards: rewardsShape })),
});

export type DeploymentFeedback = Shaped<typeof feedbackShape>;
