// Where one request goes, and why, as `/api/v1/explain` answers.
import { measuredShape } from "./deployments.ts";
import { objectShape } from "./problem.ts";
import { nullable, oneOf, Type } from "./shape.ts";

const texts = (description: string) => Type.Array(Type.String(), { description });
const share = (description: string) => Type.Number({ description, minimum: 0, maximum: 1 });

export const requestShape = Type.Object({
  method: Type.String(),
  host: Type.String(),
  path: Type.String({ description: "the path as it was sent, with its query" }),
  headers: Type.Array(Type.Array(Type.String(), { minItems: 2, maxItems: 2 }), {
    description: "names and values; credentials are not shown",
  }),
  grpc: Type.Boolean(),
  secure: Type.Boolean(),
});

const decisionShape = Type.Union([
  Type.Object({
    kind: Type.Literal("forward"),
    mapping: Type.String(),
    upstream: Type.String(),
    path: Type.String(),
    shadows: texts("the Mappings that get a copy"),
  }),
  Type.Object({
    kind: Type.Literal("redirect"),
    mapping: Type.String(),
    code: Type.Integer(),
    location: Type.String(),
    shadows: texts("the Mappings that get a copy"),
  }),
  Type.Object({ kind: Type.Literal("reject"), reason: Type.String(), sentence: Type.String() }),
]);

const wayShape = Type.Object({
  share: share("the share of the requests of this Route; of a shadow, the share that is copied"),
  declared: share("the share as it is declared"),
  role: oneOf("live", "shadow"),
  ready: Type.Boolean(),
  source: objectShape,
  predictor: Type.String(),
  to: Type.String({ description: "host and port of the Upstream" }),
  decision: decisionShape,
  text: Type.String(),
  callers: texts("who may call"),
  asks: texts("the providers of which one must admit the caller"),
  steps: texts("what happens to the request on the way, in order"),
  limits: texts("the limits that apply"),
  caller: nullable(
    Type.Object(
      { provider: Type.String(), client: Type.String() },
      { description: "the caller, by what the request shows or by `as`" },
    ),
  ),
  usage: texts("how much of its limits and circuit breakers is in use now"),
  refuses: nullable(
    Type.Object(
      { step: Type.String(), sentence: Type.String() },
      { description: "the step that would refuse the request now, as far as Sluice knows it" },
    ),
  ),
  lastMinute: nullable(measuredShape),
  service: nullable(
    Type.Object({
      mapping: Type.String(),
      candidates: texts("the Services that Sluice looked for"),
      chosen: Type.String(),
      exists: Type.Boolean(),
    }),
  ),
});

export const explanationShape = Type.Object({
  request: requestShape,
  space: Type.String({ description: "where the Route was looked for" }),
  host: nullable(Type.String()),
  before: texts("the steps before the Route"),
  passed: Type.Array(Type.Object({ route: Type.String(), because: Type.String() })),
  route: nullable(Type.String()),
  ways: Type.Array(wayShape),
  sticky: nullable(
    Type.String({ description: "by what callers stay with a predictor, and whose the caller of this request is" }),
  ),
  reject: nullable(Type.Object({ reason: Type.String(), answer: Type.String(), sentence: Type.String() })),
  hints: texts("what was probably meant, or what else decides"),
});

/** The body of a question. */
export const explainParameters = {
  path: Type.String({ description: "path of the request, with its query", pattern: "^/" }),
  method: Type.String({ description: "its method (`GET`; `POST` for gRPC)" }),
  host: Type.String({ description: "its host (`localhost`)" }),
  grpc: Type.Boolean({ description: "`true`: a gRPC call" }),
  secure: Type.Boolean({ description: "`true`: over TLS" }),
  as: Type.String({ description: "`PROVIDER/CLIENT`: would Sluice admit this caller?" }),
};
