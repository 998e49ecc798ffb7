// The fields of a SeldonDeployment, each declared once, and the annotations of predictors. What stands where, what a bad or misspelt one gets, and the
// table of MANIFESTS.md follow from it.
import type { FieldKind } from "./field-kinds.ts";

export interface DeploymentField {
  /** null: no request gets elsewhere without it. */
  readonly decides: FieldKind | null;
  /** A SeldonDeployment with a predictor without it is invalid, whatever stands there instead. */
  readonly isRequired: boolean;
  /** As YAML, for MANIFESTS.md, with what it means there; "": the page has it elsewhere. */
  readonly example: string;
  readonly meaning: string;
}

function field(decides: FieldKind | null, example = "", meaning = "", isRequired = false): DeploymentField {
  return { decides, example, meaning, isRequired };
}

/** Fields of the schema that decide nothing themselves. */
function others<Name extends string>(...names: readonly Name[]): Readonly<Record<Name, null>> {
  return Object.fromEntries(names.map((name) => [name, null])) as Record<Name, null>;
}

/** Fields of the schema of v1, and those of v1alpha1, by the part that they are in. */
export const deploymentSchema = {
  spec: {
    ...others("name", "predictors", "protocol", "transport", "replicas", "serverType"),
    annotations: field("which"),
    oauth_key: field(
      null,
      "oauth_key: iris",
      "a client of [Seldon's OAuth gateway](MIGRATION.md#from-seldons-oauth-gateway), with `--oauth`",
    ),
    oauth_secret: field(null, "oauth_secret: SECRET", "the secret of that client"),
  },
  predictor: {
    name: field("where", "name: main", "part of the Service's name", true),
    traffic: field("share", "traffic: 90", "in percent; the first predictor takes what the others leave"),
    shadow: field("share", "shadow: true", "it gets copies only"),
    explainer: field(null, "explainer: { type: AnchorTabular }", "a Route to the explainer"),
    ...others(
      "graph",
      "componentSpecs",
      "componentSpec",
      "replicas",
      "engineResources",
      "labels",
      "annotations",
      "ssl",
      "svcOrchSpec",
      "progressDeadlineSeconds",
    ),
  },
  explainer: others(
    "type",
    "modelUri",
    "serviceAccountName",
    "containerSpec",
    "config",
    "endpoint",
    "envSecretRefName",
    "storageInitializerImage",
    "replicas",
    "initParameters",
  ),
  endpoint: {
    service_port: field("how", "service_port: 9001", "the explainer's port, 9000 by default"),
    ...others("type", "service_host", "httpPort", "grpcPort"),
  },
  ssl: {
    certSecretName: field(
      "where",
      "ssl: { certSecretName: iris-tls }",
      "TLS to the predictor, verified if the Secret has `ca.crt`",
    ),
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, DeploymentField | null>>>>;

/** Annotations of a predictor. */
export const predictorAnnotations = {
  serviceName: { name: "seldon.io/svc-name", ...field("where", "seldon.io/svc-name: iris-service", "another Service") },
  noEngine: {
    name: "seldon.io/no-engine",
    ...field("how", 'seldon.io/no-engine: "true"', "the ports of the model itself"),
  },
};

const paths: Readonly<Record<keyof typeof deploymentSchema, string>> = {
  spec: "spec.",
  predictor: "predictors[].",
  explainer: "predictors[].explainer.",
  endpoint: "predictors[].explainer.endpoint.",
  ssl: "predictors[].ssl.",
};

/** What decides or is shown, by its path. */
export const deploymentFields: Readonly<Record<string, DeploymentField>> = {
  "metadata.annotations": field("which"),
  ...Object.fromEntries(
    (Object.keys(paths) as (keyof typeof paths)[]).flatMap((part) =>
      Object.entries<DeploymentField | null>(deploymentSchema[part]).flatMap(([name, one]) =>
        one === null ? [] : [[`${paths[part]}${name}`, one]],
      ),
    ),
  ),
  ...Object.fromEntries(
    Object.values(predictorAnnotations).map(({ name, ...one }) => [`predictors[].annotations["${name}"]`, one]),
  ),
};

/** Kinds of the fields of one part whose loss would change who gets requests. */
export function decidingIn(
  fields: Readonly<Record<string, DeploymentField | null>>,
): Readonly<Record<string, FieldKind>> {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([name, one]) =>
      one === null || one.decides === null || one.decides === "how" || one.isRequired ? [] : [[name, one.decides]],
    ),
  );
}
