// Fields of an Ambassador Mapping (v0 to v3alpha1): each once, with all that follows from it.
import type { FieldKind } from "./field-kinds.ts";
import {
  elsewhere,
  how,
  idle,
  kindsOf,
  lost,
  sameRows,
  share,
  where,
  which,
  type FieldRow,
  type FieldRows,
  type FieldTable,
} from "./field-table.ts";
import { conditions, fieldNames, keysOf, values, type Shape } from "./shape.ts";

/** `v2Representation` is a note of Ambassador's conversion between its versions. */
const addedHeaders: Shape = { named: keysOf(values("value", "append", "v2Representation")), words: {}, of: "fields" };
const substitution: Shape = keysOf(values("pattern", "substitution"));
const healthChecks: Shape = {
  each: keysOf({
    ...values("interval", "timeout", "unhealthy_threshold", "healthy_threshold"),
    health_check: keysOf({
      http: keysOf({
        ...values("path", "hostname", "remove_request_headers"),
        add_request_headers: addedHeaders,
        expected_statuses: { each: keysOf(values("min", "max")) },
      }),
      grpc: keysOf(values("upstream_name", "authority")),
    }),
  }),
};

/** A redirect needs none of these. */
const forwarding = { beside: ["host_redirect"] } as const;
const redirecting = { without: "host_redirect" } as const;
const asked = { shape: conditions };
const absentText = { empty: "text" } as const;
const edits = { ...forwarding, shape: addedHeaders };
const lostField = (shape: Shape = "value"): FieldRow =>
  lost("warning", "Sluice does not have this and ignores it; remove it", undefined, shape);
const conversion = (shape: Shape = "value"): FieldRow =>
  idle("it is a note of Ambassador's conversion between its versions", shape);

/** Fields that a Mapping and a Module share. */
export const sharedRows = {
  retry_policy: how("{ retry_on: gateway-error, num_retries: 2 }", "retries, 25 at most", {
    ...forwarding,
    shape: keysOf(values("retry_on", "num_retries", "per_try_timeout")),
  }),
  circuit_breakers: how("[{ max_connections: 200 }]", "limits of the upstream, by `priority`", {
    ...forwarding,
    shape: {
      each: keysOf(values("priority", "max_connections", "max_pending_requests", "max_requests", "max_retries")),
    },
    max: 2 ** 32 - 1,
  }),
  load_balancer: how("{ policy: ring_hash, cookie: { name: session } }", "which Endpoint a request gets", {
    ...forwarding,
    shape: keysOf({ ...values("policy", "header", "source_ip"), cookie: keysOf(values("name", "path", "ttl")) }),
  }),
  cors: how("{ origins: [https://console.example] }", "answers to browsers of other origins", {
    ...forwarding,
    shape: keysOf(
      values("origins", "methods", "headers", "credentials", "exposed_headers", "max_age", "v2CommaSeparatedOrigins"),
    ),
  }),
  cluster_idle_timeout_ms: how("60000", "closes an idle connection to a model; 0 is no limit", forwarding),
  cluster_max_connection_lifetime_ms: how("600000", "closes an old connection to a model; 0 is no limit", forwarding),
  resolver: how("endpoint", "dials the Endpoints, or with `kubernetes-service` the Service", forwarding),
  add_linkerd_headers: how("true", "sets `l5d-dst-override`", forwarding),
} satisfies FieldRows;

/** Fields below `defaults` of a Module, too. */
export const editRows = {
  add_request_headers: how("{ x-team: science }", "sets or appends headers; variables of Envoy in the value", edits),
  add_response_headers: how("{ x-team: science }", "the same, of answers", edits),
  remove_request_headers: how("[x-debug]", "removes headers", forwarding),
  remove_response_headers: how("[server]", "the same, of answers", forwarding),
} satisfies FieldRows;

const rows: FieldRows = {
  ambassador_id: which("[sluice]", "the gateways that serve it"),
  prefix: which("/mycompany/ml/", "paths that begin with it", { empty: "needed" }),
  prefix_exact: which("true", "the path is `prefix` and no longer", { beside: ["prefix_regex"] }),
  prefix_regex: which("true", "`prefix` is a regex (RE2) for the whole path"),
  case_sensitive: which("false", "letter case of the path does not count", { beside: ["prefix_regex"] }),
  hostname: which('"*.example.com"', "hosts; one star at an end", absentText),
  host: which("models.example.com", "one host", { ...absentText, beside: ["hostname"] }),
  host_regex: which("true", "`host` is a regex", { without: "host" }),
  method: which("POST", "the method", absentText),
  method_regex: which("true", "`method` is a regex", { without: "method" }),
  headers: which("{ location: london }", "headers with these values; `true`: with any", asked),
  regex_headers: which('{ location: "lon.*" }', "headers whose values match", asked),
  query_parameters: which("{ debug: true }", "parameters of the query with these values; `true`: with any", asked),
  regex_query_parameters: which('{ version: "v[12]" }', "parameters of the query whose values match", asked),
  precedence: which("10", "tried before Mappings with a lower one", { min: -1_000_000, max: 1_000_000 }),

  weight: share("25", "share in percent beside Mappings of the same match"),
  shadow: share("true", "gets copies of requests; Sluice discards its answers"),

  // These keep requests away: without one of them the model would get the requests.
  auth_context_extensions: which("{ team: science }", "sent to the AuthService", { shape: fieldNames }),
  labels: which(
    "{ ambassador: [{ clients: [{ remote_address: { key: remote_address } }] }] }",
    "sent to the RateLimitService",
    asked,
  ),
  rate_limits: which("[{ descriptor: models }]", "the same, of v0"),

  service: where("iris-default.models:8000", "`name:port` or `name.namespace:port`; a redirect: its host", {
    empty: "needed",
  }),
  tls: where("upstream-context", "the TLSContext for the upstream; `true`: TLS without one", {
    ...forwarding,
    ...absentText,
  }),
  host_redirect: where("true", "redirects to the host `service`"),
  regex_rewrite: where('{ pattern: "/v1/(.*)", substitution: "/\\\\1" }', "replaces matches in the path", {
    ...forwarding,
    shape: substitution,
  }),
  regex_redirect: where('{ pattern: "/v1/(.*)", substitution: "/\\\\1" }', "replaces matches in the redirect's path", {
    ...redirecting,
    shape: substitution,
  }),

  rewrite: how("/", 'replaces `prefix`; `""`: keeps the path', { beside: ["regex_rewrite", "host_redirect"] }),
  path_redirect: how("/new", "path of the redirect", redirecting),
  prefix_redirect: how("/new/", "replaces `prefix` in the redirect", redirecting),
  redirect_response_code: how("308", "301, 302, 303, 307 or 308", redirecting),
  host_rewrite: how("models.internal", "host that the model sees", forwarding),
  auto_host_rewrite: how("true", "the model sees the host of its Service", {
    beside: ["host_rewrite", "host_redirect"],
  }),
  ...editRows,
  ...sharedRows,
  grpc: how("true", "HTTP/2 to the model", forwarding),
  timeout_ms: how("5000", "time for one request; 0 is no limit", forwarding),
  idle_timeout_ms: how("5000", "longest pause in an answer; 0 is no limit", forwarding),
  connect_timeout_ms: how("500", "time to connect to the model", { ...forwarding, min: 1 }),
  health_checks: how("[{ health_check: { http: { path: /ready } } }]", "asks the Endpoints whether they are well", {
    shape: healthChecks,
    beside: ["v3health_checks", "host_redirect"],
  }),
  v3health_checks: how("[{ health_check: { http: { path: /ready } } }]", "the same, in v2", {
    ...forwarding,
    shape: healthChecks,
  }),
  priority: how("high", "which of `circuit_breakers` holds", forwarding),
  allow_upgrade: how("[websocket]", "WebSocket, over HTTP/1.1", forwarding),
  use_websocket: how("true", "the same, of old documents", forwarding),
  bypass_auth: how("true", "the AuthService is not asked"),

  cluster_tag: idle("Sluice tells Upstreams apart by address and protocol"),
  docs: idle("it describes the Mapping for a developer portal", fieldNames),
  v2ExplicitTLS: conversion(keysOf(values("serviceScheme", "tls"))),
  ...sameRows(conversion(), "v2BoolHeaders", "v2BoolQueryParameters"),

  // A field that is indented too deep may stand below these. Not so below `envoy_override`: Envoy's own names stand there, `weight` and `method` among them.
  ...sameRows(lostField(fieldNames), "keepalive", "outlier_detection"),
  ...sameRows(
    lostField(),
    "dns_type",
    "respect_dns_ttl",
    "enable_ipv4",
    "enable_ipv6",
    "stats_name",
    "v3StatsName",
    "modules",
    "envoy_override",
    "error_response_overrides",
    "bypass_error_response_overrides",
    "circuit_breaker",
    "cluster_timeout_ms",
  ),

  ...elsewhere("apiVersion", "kind", "name", "namespace", "generation", "ambassadorId", "metadata_labels"),
};

export const mappingTable: FieldTable = {
  rows,
  word: "a field of a Mapping",
  outcome: "the Mapping is not served in this form",
  strict: false,
};

/** What each field decides. One that is not here decides nothing. */
export const mappingFields: Readonly<Record<string, FieldKind>> = kindsOf(rows);
