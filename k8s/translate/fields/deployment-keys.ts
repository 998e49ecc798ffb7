// The keys of a SeldonDeployment, after the schema of v1 and that of v1alpha1.
import { annotationKinds } from "./annotation-names.ts";
import { annotations } from "./annotations.ts";
import { decidingIn, deploymentSchema, predictorAnnotations } from "./deployment-fields.ts";
import { mappingFields } from "./mapping-fields.ts";
import {
  annotationsShape,
  anyTexts,
  fieldNames,
  keysOf,
  objectShape,
  strictly,
  values,
  type Keys,
  type Names,
  type Shape,
} from "./shape.ts";
import { KnownKeys, type UnknownKey } from "./unknown-keys.ts";
import { fieldOf, recordOf, type UnknownRecord } from "../values/value.ts";

/** The fields of a part, as values. */
const valuesOf = (part: object): Readonly<Record<string, Shape>> => values(...Object.keys(part));

/** Keys of a predictor, and of what it stands in: indented too deep they end up in its graph or in its pods. */
export const predictorWords: readonly string[] = ["traffic", "shadow", "ssl", "annotations", "explainer", "predictors"];
const inGraph = (keys: Readonly<Record<string, Shape>>): Keys => ({ ...keysOf(keys), never: predictorWords });

/** A graph: each of its children is one. */
const graphKeys: Record<string, Shape> = {
  __proto__: null as never,
  ...values(
    "name",
    "type",
    "implementation",
    "methods",
    "modelUri",
    "serviceAccountName",
    "envSecretRefName",
    "storageInitializerImage",
  ),
  parameters: { each: inGraph(values("name", "value", "type")) },
  endpoint: inGraph(values("type", "service_host", "service_port", "httpPort", "grpcPort")),
  logger: inGraph(values("url", "mode")),
};
const graph: Keys = { ...inGraph({}), keys: graphKeys };
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
/** A part of a pod has the keys that Kubernetes knows, and none of these. */
const podPart: Names = { named: "value", words: {}, of: "fields", never: predictorWords };
/** Parts of a component beside its pod. */
export const podScalers = ["hpaSpec", "kedaSpec", "pdbSpec"] as const;
const componentSpec: Shape = keysOf({
  ...values("replicas"),
  ...Object.fromEntries(podScalers.map((name) => [name, podPart])),
  spec: podPart,
  metadata: keysOf({ ...podMetadata, labels: anyTexts, annotations: anyTexts }),
});
/** Keys of pods and of their metadata: a Source keeps few of these, and all others. */
export const podKeys: ReadonlySet<string> = new Set(["replicas", ...podScalers, "spec", "metadata"]);
export const podMetadataKeys: ReadonlySet<string> = new Set([...Object.keys(podMetadata), "labels", "annotations"]);

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
    ssl: strictly(keysOf(valuesOf(deploymentSchema.ssl), decidingIn(deploymentSchema.ssl))),
  },
  decidingIn(deploymentSchema.predictor),
);

const spec: Shape = keysOf({
  ...valuesOf(deploymentSchema.spec),
  annotations: annotationsShape(annotationKinds),
  predictors: { each: predictor },
});

export const deploymentKeys = new KnownKeys(objectShape(spec, annotationKinds));

/** Unknown keys of a SeldonDeployment, and lines of a configuration that are indented as the annotations are. */
export function unknownKeysOf(object: UnknownRecord): readonly UnknownKey[] {
  return [...deploymentKeys.unknownIn(object), ...configurationLines(object)];
}

function configurationLines(object: UnknownRecord): readonly UnknownKey[] {
  return ["spec", "metadata"].flatMap((place) => {
    const texts = recordOf(fieldOf(recordOf(fieldOf(object, place)), "annotations"));
    if (!Object.hasOwn(texts, annotations.config.name)) return [];
    const keys = Object.keys(mappingFields).filter((key) => mappingFields[key] !== "how" && Object.hasOwn(texts, key));
    return keys.map((key) => ({
      code: "unknown-annotation" as const,
      field: `${place}.annotations["${key}"]`,
      near: key,
      decides: true,
      write: `indent it as the other lines of ${annotations.config.name}`,
    }));
  });
}
