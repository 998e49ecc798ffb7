// Fields of AuthServices and RateLimitServices (v1 to v3alpha1): each once, with all that follows from it.
import { mostIncludedBytes } from "../../../routing/model/external-services.ts";
import { documentRows, elsewhere, how, lost, noteRows, which, type FieldRows, type FieldTable } from "./field-table.ts";
import { fieldNames, keysOf, values } from "./shape.ts";

const ofAll: FieldRows = {
  ...documentRows,
  ...noteRows,
  tls: which("services-tls", "a TLSContext for the connection; `true`: TLS without one"),
  protocol_version: which("v3", "version of Envoy's protocol: only v3"),
  circuit_breakers: lost("warning", "Sluice does not have this and ignores it; remove it"),
  ...elsewhere("v3CircuitBreakers"),
};
const closes = { empty: "closes" } as const;

const authRows: FieldRows = {
  auth_service: which("auth.ops:3000", "`name:port` or `name.namespace:port`"),
  proto: which("grpc", "`http` (unset) or `grpc`"),
  path_prefix: which("/check", "comes before the path of each question", closes),
  allowed_request_headers: which("[x-token]", "headers that the service is shown"),
  allowed_authorization_headers: which("[x-user]", "headers of its answer that the model gets", closes),
  add_auth_headers: which("{ x-gateway: sluice }", "added to each question", { shape: fieldNames }),
  include_body: which("{ max_bytes: 4096, allow_partial: true }", "the service gets the body too", {
    ...closes,
    shape: keysOf(values("max_bytes", "allow_partial")),
    min: 1,
    max: mostIncludedBytes,
  }),
  allow_request_body: which("true", "the same with 4096 bytes, of old documents"),
  status_on_error: which("{ code: 503 }", "answer where the service fails (unset: 403)", {
    shape: keysOf(values("code")),
    min: 400,
    max: 599,
  }),
  failure_mode_allow: which("true", "requests pass where the service fails"),
  timeout_ms: how("5000", "time for one question; 0 is no limit"),
  connect_timeout_ms: how("500", "time to connect", { min: 1 }),
  cluster_idle_timeout_ms: how("60000", "closes an idle connection; 0 is no limit"),
  cluster_max_connection_lifetime_ms: how("600000", "closes an old connection; 0 is no limit"),
  add_linkerd_headers: how("true", "sets `l5d-dst-override`"),
  allowed_headers: lost(
    "warning",
    "Ambassador does nothing with it since its version 0.50, and Sluice ignores it too; write allowed_request_headers and allowed_authorization_headers",
  ),
  ...ofAll,
};

const limitRows: FieldRows = {
  service: which("limits.ops:8081", "`name:port` or `name.namespace:port`"),
  domain: which("ambassador", "domain of the labels that it limits", closes),
  failure_mode_deny: which("true", "answers 500 where the service fails", closes),
  timeout_ms: how("20", "time for one question", { min: 1 }),
  grpc: how("{ use_resource_exhausted_code: true }", "gRPC clients get RESOURCE_EXHAUSTED", {
    shape: keysOf(values("use_resource_exhausted_code")),
  }),
  ...ofAll,
};

const tableOf = (article: "a" | "an", kind: string, rows: FieldRows): FieldTable => ({
  rows,
  word: `a field of ${article} ${kind}`,
  outcome: `the ${kind} is not valid`,
  strict: true,
});
export const authServiceTable = tableOf("an", "AuthService", authRows);
export const rateLimitServiceTable = tableOf("a", "RateLimitService", limitRows);
