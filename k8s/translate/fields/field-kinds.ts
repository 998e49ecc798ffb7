// Field kinds: what each field that is read decides, in one table, and with it what a value gets that cannot be read. The rule behind it: what
// cannot be understood never widens who gets traffic, because a condition that is dropped leaves a Mapping that takes everybody's requests.

/**
 * `which`: which requests. `share`: how many of them, and in what role. `where`: what they reach, and what it is asked for. A Mapping, predictor
 * or SeldonDeployment with such a value that cannot be read is not served (error): its last good form is where there is one. Without one it
 * has no Route; where only its share is unknown it counts as an unready one that nothing goes to.
 *
 * `how`: with what limits and edits. The default holds (warning).
 */
export type FieldKind = "which" | "share" | "where" | "how";

type Kinds = Readonly<Record<string, FieldKind>>;

/** Fields of a SeldonDeployment; of predictors without `spec.predictors[]`. */
export const deploymentFields: Kinds = {
  "metadata.annotations": "which",
  "spec.annotations": "which",
  name: "where",
  traffic: "share",
  shadow: "share",
  "ssl.certSecretName": "where",
  'annotations["seldon.io/svc-name"]': "where",
  "explainer.endpoint.service_port": "how",
};

/** Annotations of a predictor. */
export const predictorAnnotationKinds: Kinds = {
  "seldon.io/svc-name": "where",
  "seldon.io/no-engine": "how",
};

/** Annotations of a SeldonDeployment. */
export const annotationKinds: Kinds = {
  "seldon.io/ambassador-id": "which",
  "seldon.io/ambassador-config": "which",
  "seldon.io/ambassador-service-name": "which",
  "seldon.io/ambassador-header": "which",
  "seldon.io/ambassador-regex-header": "which",

  "seldon.io/ambassador-weight": "share",
  "seldon.io/ambassador-shadow": "share",
  // What the spec declares is a share that can be read: without a last good form that holds.
  "sluice.io/traffic": "share",

  "sluice.io/auth": "which",
  "sluice.io/allow": "which",
  "sluice.io/deny": "which",
  "sluice.io/rate-limit": "share",

  "seldon.io/ambassador-retries": "how",
  "seldon.io/ambassador-circuit-breakers-max-connections": "how",
  "seldon.io/ambassador-circuit-breakers-max-pending-requests": "how",
  "seldon.io/ambassador-circuit-breakers-max-requests": "how",
  "seldon.io/ambassador-circuit-breakers-max-retries": "how",
  "seldon.io/rest-timeout": "how",
  "seldon.io/rest-read-timeout": "how",
  "seldon.io/grpc-timeout": "how",
  "seldon.io/grpc-read-timeout": "how",
};
