// Keys of Ambassador's Module below `config`: each once, with all that follows from it.
import { booleanOf, fieldOf, numberOf, recordOf, scalarText } from "../values/value.ts";
import {
  documentRows,
  fieldsShape,
  how,
  idle,
  kindsOf,
  lost,
  noteRows,
  which,
  type FieldRow,
  type FieldRows,
  type FieldTable,
} from "./field-table.ts";
import { editRows, sharedRows } from "./mapping-fields.ts";
import { fieldNames, keysOf, type Keys } from "./shape.ts";

const isOn = (value: unknown): boolean => booleanOf(value) !== false;
const isOff = (value: unknown): boolean => booleanOf(value) === false;
const ignored = (sentence: string, asks?: (value: unknown) => boolean): FieldRow => lost("warning", sentence, asks);
const isDisabled = (value: unknown): boolean => booleanOf(fieldOf(recordOf(value), "enabled")) === false;

/** Keys that decide whose request passes, or who it is taken to come from. */
export const decidingRows = {
  xff_num_trusted_hops: which("1", "proxies in front whose `x-forwarded-for` is believed", {
    // Without hops the peer itself is taken for the client.
    empty: "absent",
    max: 10,
  }),
  headers_with_underscores_action: which("REJECT_REQUEST", "`ALLOW`, `DROP_HEADER` or `REJECT_REQUEST`", {
    empty: "closes",
  }),
  reject_requests_with_escaped_slashes: which("true", "answers 400 to paths with `%2F`", { empty: "closes" }),
  ip_allow: which("[{ peer: 10.0.0.0/8 }]", "addresses that may call; `remote`: as believed proxies say", {
    empty: "closes",
  }),
  ip_deny: which("[{ remote: 192.0.2.7 }]", "addresses that may not call", { empty: "closes" }),
} satisfies FieldRows;
export type Deciding = keyof typeof decidingRows;
export const deciding = Object.keys(decidingRows) as readonly Deciding[];

const rows: FieldRows = {
  ...decidingRows,
  cluster_request_timeout_ms: how("5000", "default of `timeout_ms`, also for SeldonDeployments"),
  ...sharedRows,
  defaults: how("{ httpmapping: { remove_response_headers: [server] } }", "default header edits of Mappings"),
  default_labels: how(
    "{ ambassador: { defaults: [{ remote_address: { key: remote_address } }] } }",
    "labels before those of each group of the domain",
  ),
  server_name: how("models", "`server` of forwarded answers"),
  suppress_envoy_headers: how("true", "no `x-envoy-…` headers in either direction"),
  preserve_external_request_id: how("true", "keeps a client's `x-request-id` of at most 128 bytes"),
  listener_idle_timeout_ms: how("60000", "closes a client's idle connection", { min: 1, max: 86_400_000 }),

  enable_grpc_web: idle("Sluice always translates gRPC-Web"),
  enable_http10: idle("Sluice always serves HTTP/1.0"),
  enable_ipv6: idle("Sluice dials addresses of both families"),
  diagnostics: idle("Sluice has diagnostics on the admin port alone"),
  envoy_validation_timeout: idle("Sluice has no Envoy that validates anything"),
  prune_unreachable_routes: idle("a Route that no request can reach costs nothing"),

  // An error is a key that kept requests away: without it they are served.
  lua_scripts: lost(
    "error",
    "Sluice does not run its code, whatever it would refuse or change; write fields of Mappings, or keep a gateway behind this one for it",
    (value) => value !== "",
  ),
  x_forwarded_proto_redirect: lost(
    "error",
    "Sluice serves requests in cleartext and does not redirect them to https; write a Host with requestPolicy, whose action is Redirect",
    isOn,
  ),
  use_proxy_proto: lost(
    "error",
    "Sluice refuses connections that begin with a header of the PROXY protocol; write --proxy-protocol",
    isOn,
  ),
  auth_enabled: lost(
    "error",
    "Sluice ignores it and authenticates no client because of it; write who may call with sluice.io/auth",
    isOn,
  ),
  use_remote_address: ignored(
    "Sluice always adds the address of the peer, and does not believe the address that a client claims; write xff_num_trusted_hops",
    isOff,
  ),
  merge_slashes: ignored("Sluice keeps // in a path, and a Route for / does not match it; correct the callers", isOn),
  strip_matching_host_port: ignored(
    "models see the Host with its port, and no Route compares the port; write host_rewrite if a model minds",
    isOn,
  ),
  keepalive: ignored(
    "Sluice sends no TCP keep-alive probes to models; write cluster_idle_timeout_ms, which closes idle connections",
  ),
  buffer: ignored("Sluice passes bodies on as they come and does not refuse long ones; write --body-bytes"),
  buffer_limit_bytes: ignored(
    "other options limit the part of a body that Sluice holds; write --retry-body-bytes and --shadow-body-bytes",
  ),
  max_request_headers_kb: ignored("an option limits the head of a request; write --head-bytes"),
  regex_max_size: ignored(
    "a regex may have 200 instructions, whatever this says; write shorter ones",
    (value) => numberOf(value) !== 200,
  ),
  regex_type: ignored(
    "Sluice reads every regex in RE2's language; write it so",
    (value) => scalarText(value) !== "safe",
  ),
  default_label_domain: ignored("Sluice asks only for the domain of the RateLimitService; write domain there"),
  use_ambassador_namespace_for_service_resolution: ignored(
    "Sluice looks for a service without a namespace in the namespace of its Mapping; write name.namespace",
    isOn,
  ),
  enable_grpc_http11_bridge: ignored(
    "Sluice does not translate calls over HTTP/1.1 to gRPC; write gRPC-Web, which it translates",
  ),
  gzip: ignored("Sluice does not compress answers; let the model or the proxy in front compress them"),
  grpc_stats: ignored("Sluice has no metrics by method of gRPC; read sluice_requests_total"),
  proper_case: ignored(
    "Sluice passes names of headers to models as clients write them; correct the models that mind",
    isOn,
  ),
  header_case_overrides: ignored(
    "Sluice passes names of headers to models as clients write them; correct the models that mind",
  ),
  allow_chunked_length: ignored(
    "Sluice answers 400 to a request with both Content-Length and Transfer-Encoding; correct the callers",
    isOn,
  ),
  error_response_overrides: ignored("Sluice's failures have bodies of their own; change them in the proxy in front"),
  liveness_probe: ignored(
    "Sluice answers /ambassador/v0/check_alive on the traffic port until a Mapping takes it; remove it",
    isDisabled,
  ),
  readiness_probe: ignored(
    "Sluice answers /ambassador/v0/check_ready on the traffic port until a Mapping takes it; remove it",
    isDisabled,
  ),
  envoy_log_type: ignored("Sluice writes the access log as JSON to standard output; write --access-log"),
  envoy_log_format: ignored("Sluice's access log has fields of its own; write --access-log"),
  envoy_log_path: ignored(
    "Sluice writes the access log to standard output; write --access-log",
    (value) => scalarText(value) !== "/dev/fd/1",
  ),
  statsd: ignored("Sluice sends metrics to no server; let Prometheus read /metrics"),
  runtime_flags: ignored("Sluice has no Envoy; remove it"),
  debug_mode: ignored("Sluice has no debug log; write --access-log all", isOn),
  admin_port: ignored("an option sets the admin port; write --admin"),
  diag_port: ignored("an option sets the admin port; write --admin"),
  service_port: ignored("options set the ports; write --listen and --tls-listen"),
  enable_ipv4: ignored("Sluice dials IPv4 addresses too; remove them from DNS", isOff),
  forward_client_cert_details: ignored(
    "Sluice always sets x-forwarded-client-cert as with SANITIZE_SET; remove it",
    (value) => scalarText(value) !== "SANITIZE_SET",
  ),
  set_current_client_cert_details: ignored("Sluice always writes the same parts of x-forwarded-client-cert; remove it"),
};

export const moduleTable: FieldTable = {
  rows,
  word: "a key of the Module",
  outcome: "the Module is not served in this form",
  strict: false,
};

/** Below `defaults`. */
export const moduleEdits: FieldTable = { ...moduleTable, rows: editRows };

/** Of `config`: a key may slip into any map that stands before it. */
const config: Keys = keysOf(
  {
    ...Object.fromEntries(
      Object.entries(rows).map(([name, { shape, decides }]) => [
        name,
        shape === "value" && decides !== "which" ? fieldNames : shape,
      ]),
    ),
    defaults: keysOf({ ...fieldsShape(editRows).keys, httpmapping: fieldsShape(editRows) }),
  },
  kindsOf(decidingRows),
);

const document = fieldsShape({ ...documentRows, ...noteRows });
export const moduleShape = keysOf({ ...document.keys, config }, document.kinds);
