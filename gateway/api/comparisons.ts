// The answers of /api/v1/comparisons: how far answers of shadows agree with the primary's.
import { comparisonOutcomes } from "../../routing/release/compare/comparison.ts";
import { nullable, instantMs, Type, type Shaped } from "./shape.ts";

/** Of a peer, too: sums of what several say stay numbers. */
const countBounds = { minimum: 0, maximum: Number.MAX_SAFE_INTEGER };
const count = Type.Integer(countBounds);

const shareShape = nullable(
  Type.Object(
    { share: Type.Number(), low: Type.Number(), high: Type.Number() },
    {
      description:
        "0 to 1, with bounds that hold the true share in 95 of 100 cases (Wilson); null: nothing was compared",
    },
  ),
);

const quantileShape = nullable(
  Type.Object(
    { ms: Type.Number(), low: Type.Number(), high: Type.Number() },
    { description: "ms; above 0: the shadow is slower" },
  ),
);

const pathShape = Type.Object({
  path: Type.String(),
  redacted: Type.Boolean({ description: "rules redact it: of its values only `pairsApart` is counted" }),
  numbers: Type.Integer({ description: "numbers that were compared", ...countBounds }),
  numbersApart: Type.Integer({ description: "of them, those beyond the tolerance", ...countBounds }),
  meanDifference: nullable(Type.Number({ description: "null: it is redacted", minimum: 0 })),
  maxDifference: nullable(Type.Number({ description: "null: it is redacted", minimum: 0 })),
  pairsApart: Type.Integer({ description: "pairs of answers that differ here", ...countBounds }),
});

export const comparisonShape = Type.Object({
  namespace: Type.String(),
  deployment: Type.String(),
  predictor: Type.String({ description: "the shadow" }),
  against: Type.String({
    description:
      "the predictor that answered the client, of another deployment `main of wine`; the same name: how far it agrees with itself",
  }),
  rules: Type.String({ description: "of `sluice.io/compare`" }),
  sinceMs: instantMs("when the first of these pairs came"),
  pairs: Type.Integer({ description: "those that agreed or disagreed", ...countBounds }),
  outcomes: Type.Object(
    Object.fromEntries(comparisonOutcomes.map((outcome) => [outcome, count])) as Record<
      (typeof comparisonOutcomes)[number],
      typeof count
    >,
  ),
  agreement: shareShape,
  noise: nullable(
    Type.Number({
      description: "share of pairs in which the primary disagreed with itself; null: it was not asked twice",
    }),
  ),
  agreementWithoutNoise: nullable(Type.Number({ description: "the agreement with that share given back" })),
  labels: Type.Object({
    rows: count,
    rowsApart: Type.Integer({ description: "rows whose largest output, or label, differs", ...countBounds }),
    agreement: shareShape,
    confusion: Type.Array(Type.Object({ primary: Type.String(), shadow: Type.String(), count }), {
      description: "the most frequent first",
    }),
  }),
  paths: Type.Array(pathShape, { description: "paths that differ most often first" }),
  morePaths: Type.Boolean({ description: "answers had more than 256 paths, and not all of them are listed" }),
  slower: Type.Object({
    p50: quantileShape,
    p90: quantileShape,
    p99: quantileShape,
    buckets: Type.Array(Type.Object({ bucket: Type.Integer({ minimum: -200, maximum: 200 }), count }), {
      description: "how often each bucket of differences came: from them quantiles of several replicas are made",
      maxItems: 401,
    }),
  }),
  meanPrimaryBytes: nullable(Type.Number()),
  meanShadowBytes: nullable(Type.Number()),
  reasons: Type.Array(Type.Object({ reason: Type.String(), count }), {
    description: "why answers were not compared, or disagreed as wholes",
  }),
});

export const disagreementShape = Type.Object({
  predictor: Type.String(),
  against: Type.String(),
  atMs: instantMs("when both answers were there"),
  count: Type.Integer({
    description: "pairs that disagreed so: at the same paths, by the same values",
    ...countBounds,
    minimum: 1,
  }),
  lastMs: instantMs("when the last of them came; `atMs`, the answers and the times are those of the first"),
  requestId: Type.String(),
  path: Type.String(),
  reason: Type.String(),
  differences: Type.Array(
    Type.Object({
      path: Type.String(),
      primary: nullable(Type.String()),
      shadow: nullable(Type.String()),
    }),
  ),
  primaryStatus: Type.Integer(),
  shadowStatus: Type.Integer(),
  primaryMs: Type.Number(),
  shadowMs: Type.Number(),
  primary: Type.String({ description: "the answer, at most 64 KiB, redacted" }),
  shadow: Type.String({ description: "the same" }),
});

/** Of one part of a joined view. */
const replicaShape = Type.Object({
  replica: Type.String({ description: "its pod, its address, or `this replica`" }),
  sentence: nullable(Type.String({ description: "why its counts are not in these; null: they are" })),
});

export const comparedDeploymentShape = Type.Object({
  namespace: Type.String(),
  deployment: Type.String(),
  replicas: Type.Array(replicaShape, { description: "whose counts are joined here, and whose are not" }),
  comparisons: Type.Array(comparisonShape),
  disagreements: Type.Array(disagreementShape, {
    description: "the last 100 that differ from each other, the newest first",
  }),
});

export type ShownComparison = Shaped<typeof comparisonShape>;
export type ShownDisagreement = Shaped<typeof disagreementShape>;
export type ComparedDeployment = Shaped<typeof comparedDeploymentShape>;
export type ShownReplica = Shaped<typeof replicaShape>;

/** Reads a peer's answer about a deployment; null: it is not of its shape, or is about another one, which who asks may not see. */
export async function peerComparisonReader(
  namespace: string,
  deployment: string,
): Promise<(value: unknown) => ComparedDeployment | null> {
  const { Value } = await import("typebox/value");
  const isOf = (one: Pick<ComparedDeployment, "namespace" | "deployment">): boolean =>
    one.namespace === namespace && one.deployment === deployment;
  return (value) =>
    Value.Check(comparedDeploymentShape, value) && [value, ...value.comparisons].every(isOf) ? value : null;
}
