// The answers of /api/v1/comparisons: how far answers of shadows agree with the primary's.
import { maxDifferences } from "../../routing/release/compare/compare-values.ts";
import { maxPathNodes } from "../../routing/release/compare/path-tree.ts";
import { nullable, instantMs, Type, type Shaped } from "./shape.ts";

/** Disagreements of one deployment that are kept. */
export const maxKept = 20;

/** Of a peer, too: sums of what several say stay numbers. */
const countBounds = { minimum: 0, maximum: Number.MAX_SAFE_INTEGER };

function reasonsShape(description: string) {
  return Type.Array(Type.Object({ reason: Type.String(), count: Type.Integer(countBounds) }), {
    description,
    maxItems: 64,
  });
}

const shareShape = nullable(
  Type.Object(
    { share: Type.Number(), low: Type.Number(), high: Type.Number() },
    {
      description:
        "0 to 1, with bounds that hold the true share in 95 of 100 cases (Wilson); null: nothing was compared",
    },
  ),
);

const pathShape = Type.Object({
  path: Type.String({ description: "empty: the whole answer" }),
  redacted: Type.Boolean({ description: "rules redact it: of its values only `pairsApart` is counted" }),
  pairsApart: Type.Integer({ description: "pairs of answers that differ here", ...countBounds }),
  numbersApart: Type.Integer({ description: "numbers that differ by more than the tolerance", ...countBounds }),
  maxDifference: Type.Number({ description: "the largest of these differences", minimum: 0 }),
});

export const comparisonShape = Type.Object({
  namespace: Type.String(),
  deployment: Type.String(),
  predictor: Type.String({ description: "the shadow" }),
  against: Type.String({
    description: "the predictor that answered the client, of another deployment `main of wine`",
  }),
  rules: Type.String({ description: "of `sluice.io/compare`" }),
  sinceMs: instantMs("when the first of these pairs came"),
  pairs: Type.Integer({ description: "pairs that agreed or disagreed: a sample", ...countBounds }),
  agreed: Type.Integer(countBounds),
  disagreed: Type.Integer(countBounds),
  agreement: shareShape,
  incomparable: reasonsShape("why pairs of the sample could not be compared"),
  leftOut: reasonsShape("why pairs are not in the sample"),
  paths: Type.Array(pathShape, { description: "where answers differ, the most often first" }),
  morePaths: Type.Boolean({
    description: `answers had more than ${maxPathNodes} paths, and not all of them are listed`,
  }),
});

export const disagreementShape = Type.Object({
  predictor: Type.String(),
  against: Type.String(),
  atMs: instantMs("when both answers were there"),
  requestId: Type.String(),
  path: Type.String({ description: "of the request" }),
  differences: Type.Array(
    Type.Object({
      path: Type.String(),
      primary: nullable(Type.String()),
      shadow: nullable(Type.String()),
    }),
    { description: `the first ${maxDifferences}` },
  ),
  primaryStatus: Type.Integer(),
  shadowStatus: Type.Integer(),
  primary: Type.String({ description: "the answer, at most 4096 characters, redacted" }),
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
    description: `the last ${maxKept}, the newest first`,
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
