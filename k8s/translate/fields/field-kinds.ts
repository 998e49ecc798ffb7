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

/** Fields of an Ambassador Mapping. A field that is not here decides nothing. */
export const mappingFields: Kinds = {
  ambassador_id: "which",
  prefix: "which",
  prefix_exact: "which",
  prefix_regex: "which",
  case_sensitive: "which",
  hostname: "which",
  host: "which",
  host_regex: "which",
  method: "which",
  method_regex: "which",
  headers: "which",
  regex_headers: "which",
  query_parameters: "which",
  regex_query_parameters: "which",
  precedence: "which",

  weight: "share",
  shadow: "share",

  // What keeps requests away: without it the model would get them.
  auth_context_extensions: "which",
  labels: "which",
  rate_limits: "which",

  host_redirect: "where",
  service: "where",
  tls: "where",
  regex_rewrite: "where",
  regex_redirect: "where",

  rewrite: "how",
  path_redirect: "how",
  prefix_redirect: "how",
  redirect_response_code: "how",
  host_rewrite: "how",
  auto_host_rewrite: "how",
  add_request_headers: "how",
  add_response_headers: "how",
  remove_request_headers: "how",
  remove_response_headers: "how",
  add_linkerd_headers: "how",
  grpc: "how",
  timeout_ms: "how",
  idle_timeout_ms: "how",
  connect_timeout_ms: "how",
  cluster_idle_timeout_ms: "how",
  cluster_max_connection_lifetime_ms: "how",
  retry_policy: "how",
  circuit_breakers: "how",
  load_balancer: "how",
  health_checks: "how",
  v3health_checks: "how",
  resolver: "how",
  priority: "how",
  cors: "how",
  allow_upgrade: "how",
  use_websocket: "how",
  bypass_auth: "how",
};

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
