// The answers of GET /api/v1/deployments: what became of requests lately, by deployment, predictor and Endpoint.
import { awayShape } from "./joined.ts";
import { nullable, oneOf, Type, type Shaped } from "./shape.ts";

export const deploymentsPath = "/api/v1/deployments";

const count = Type.Integer({ minimum: 0 });
const latencyMs = nullable(Type.Number({ minimum: 0 }));
const percent = Type.Number({ minimum: 0, maximum: 100 });

const failureCounts = Type.Array(
  Type.Object({
    flag: Type.String({ description: "the failure flag; empty: server errors of the model itself" }),
    count,
    sentence: Type.String(),
  }),
  { description: "by flag, the most frequent first; refused requests among them" },
);

const modelErrors = Type.Integer({
  description: "of these, server errors that the model itself answered",
  minimum: 0,
});

export const measuredShape = Type.Object(
  {
    requests: count,
    failed: Type.Integer({
      description:
        "of them, those that failed by the model, by Sluice on the way to it, or because the client did not wait; not those that Sluice refused because of the request itself (access, rate limits, invalid requests)",
      minimum: 0,
    }),
    modelErrors,
    failures: failureCounts,
    meanMs: latencyMs,
    p50Ms: latencyMs,
    p90Ms: latencyMs,
    p99Ms: latencyMs,
  },
  { description: "Requests of a window. Latencies are null where nothing was measured" },
);

const endpointMeasuredShape = Type.Object(
  {
    requests: Type.Integer({
      description: "tries that it answered or that failed, a retry among them; one that its client left is not counted",
      minimum: 0,
    }),
    answers: Type.Integer({ description: "of them, answers of the model, retried ones among them", minimum: 0 }),
    failed: Type.Integer({
      description: "of them, server errors of the model, and tries without a whole answer",
      minimum: 0,
    }),
    modelErrors,
    failures: failureCounts,
  },
  { description: "Tries of one Endpoint in a window, copies for shadows among them" },
);

const windows = { lastMinute: measuredShape, lastFiveMinutes: measuredShape };

const predictorShape = Type.Object({
  name: Type.String(),
  role: Type.String(),
  declaredPercent: percent,
  servedPercent: Type.Number({ description: "after readiness", minimum: 0, maximum: 100 }),
  measuredPercent: nullable(percent),
  ...windows,
  endpoints: Type.Array(
    Type.Object(
      {
        address: Type.String(),
        state: oneOf("ready", "terminating", "failing", "ejected"),
        ejectedBy: Type.Integer({ description: "data workers that ejected it", minimum: 0 }),
        lastMinute: nullable(endpointMeasuredShape),
        lastFiveMinutes: nullable(endpointMeasuredShape),
      },
      {
        description:
          "failing: its health check fails; ejected: at least one data worker ejected it. Windows are null where it has no counters of its own (sluice_endpoints_without_numbers)",
      },
    ),
    { description: "in HTTP and gRPC together, each address once; empty where a name was not looked up yet, too" },
  ),
});

export const deploymentShape = Type.Object({
  namespace: Type.String(),
  name: Type.String(),
  state: oneOf("ready", "failing", "unready"),
  sentence: Type.String(),
  predictors: Type.Array(predictorShape),
  ...windows,
});

/** Of all replicas. */
export const joinedDeploymentShape = Type.Object({ ...deploymentShape.properties, away: awayShape });

export type Measured = Shaped<typeof measuredShape>;
export type EndpointMeasured = Shaped<typeof endpointMeasuredShape>;
export type Predictor = Shaped<typeof predictorShape>;
export type Deployment = Shaped<typeof deploymentShape>;
