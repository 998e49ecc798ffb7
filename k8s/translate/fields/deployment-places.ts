// Where the fields and annotations of a SeldonDeployment may stand, after the schema of v1 and that of v1alpha1.
import { annotationKinds } from "./annotation-names.ts";
import { deciding, decidingIn, deploymentSchema, predictorAnnotations } from "./deployment-fields.ts";
import { bare } from "../../../routing/text/near-word.ts";
import { Places } from "./places.ts";
import { annotationsShape, anyTexts, fieldNames, keysOf, objectShape, values, type Keys, type Shape } from "./shape.ts";

/** The fields of a part, as values. */
const valuesOf = (part: object): Readonly<Record<string, Shape>> => values(...Object.keys(part));

/** A graph: each of its children is one. */
const graphKeys: Record<string, Shape> = {
  __proto__: null as never,
  ...values(
    "name",
    "type",
    "implementation",
    "methods",
    "parameters",
    "modelUri",
    "serviceAccountName",
    "envSecretRefName",
    "storageInitializerImage",
  ),
  endpoint: keysOf(values("type", "service_host", "service_port", "httpPort", "grpcPort")),
  logger: keysOf(values("url", "mode")),
};
const graph: Keys = { ...keysOf({}), keys: graphKeys };
graphKeys["children"] = { each: graph };

const podMetadata = values(
  "name",
  "generateName",
  "namespace",
  "creationTimestamp",
  "deletionTimestamp",
  "uid",
  "resourceVersion",
  "generation",
  "finalizers",
  "ownerReferences",
  "selfLink",
  "managedFields",
);
const componentSpec: Shape = keysOf({
  ...values("replicas", "hpaSpec", "kedaSpec", "pdbSpec"),
  metadata: keysOf({ ...podMetadata, labels: anyTexts, annotations: anyTexts }),
  spec: fieldNames,
});

const predictor: Shape = keysOf(
  {
    ...valuesOf(deploymentSchema.predictor),
    graph,
    componentSpecs: { each: componentSpec },
    componentSpec,
    engineResources: fieldNames,
    svcOrchSpec: fieldNames,
    labels: anyTexts,
    annotations: annotationsShape(
      Object.fromEntries(Object.values(predictorAnnotations).map(({ name, decides }) => [name, decides!])),
    ),
    explainer: keysOf({
      ...valuesOf(deploymentSchema.explainer),
      config: anyTexts,
      containerSpec: fieldNames,
      endpoint: keysOf(valuesOf(deploymentSchema.endpoint)),
    }),
    ssl: keysOf(valuesOf(deploymentSchema.ssl), decidingIn(deploymentSchema.ssl)),
  },
  decidingIn(deploymentSchema.predictor),
);

const spec: Shape = keysOf({
  ...valuesOf(deploymentSchema.spec),
  annotations: annotationsShape(annotationKinds),
  predictors: { each: predictor },
});

export const deploymentPlaces = new Places(objectShape(spec, annotationKinds));

const lostToPods: ReadonlySet<string> = new Set([...deciding, "annotations", "ssl"].map(bare));

/** Does a key in pods seem to be a predictor's? Of those a Source keeps no others. */
export function isPredictorsOwn(key: string): boolean {
  return lostToPods.has(bare(key)) || Object.hasOwn(annotationKinds, key);
}
