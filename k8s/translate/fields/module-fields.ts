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
  type FieldRows,
  type FieldTable,
} from "./field-table.ts";
import { editRows, sharedRows } from "./mapping-fields.ts";
import { fieldNames, keysOf, type Keys } from "./shape.ts";

const isOn = (value: unknown): boolean => booleanOf(value) !== false;
const isOff = (value: unknown): boolean => booleanOf(value) === false;
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

  enable_grpc_web: idle("gRPC-Web is always translated"),
  enable_http10: idle("HTTP/1.0 is always served"),
  enable_ipv6: idle("addresses of both families are dialled"),
  diagnostics: idle("diagnostics are on the admin port alone"),
  envoy_validation_timeout: idle("nothing is validated by an Envoy"),
  prune_unreachable_routes: idle("what no request can reach costs nothing"),

  // An error is a key that kept requests away: without it they are served.
  lua_scripts: lost(
    "error",
    "its code does not run, whatever it would refuse or change; say it in fields of Mappings, or keep a gateway behind this one for it",
    (value) => value !== "",
  ),
  x_forwarded_proto_redirect: lost(
    "error",
    "requests that came in cleartext are served and not redirected to https; write a Host with requestPolicy, whose action is Redirect",
    isOn,
  ),
  use_proxy_proto: lost(
    "error",
    "connections that begin with a header of the PROXY protocol are refused; write --proxy-protocol",
    isOn,
  ),
  auth_enabled: lost("error", "nobody is authenticated because of it; write who may call with sluice.io/auth", isOn),
  use_remote_address: lost(
    "warning",
    "the address of the peer is always added, and what clients say of theirs is not believed; write xff_num_trusted_hops",
    isOff,
  ),
  merge_slashes: lost(
    "warning",
    "paths keep their //, so requests with one are not taken for the path with /; correct the callers",
    isOn,
  ),
  strip_matching_host_port: lost(
    "warning",
    "models see the Host with its port, which no Route compares; write host_rewrite where one minds",
    isOn,
  ),
  keepalive: lost(
    "warning",
    "connections to models get no probes of TCP; write cluster_idle_timeout_ms, after which idle ones are closed",
  ),
  buffer: lost("warning", "bodies are passed on as they come, and long ones are not refused; write --body-bytes"),
  buffer_limit_bytes: lost(
    "warning",
    "what is held of a body has limits of its own; write --retry-body-bytes and --shadow-body-bytes",
  ),
  max_request_headers_kb: lost("warning", "the longest head of a request is as the option says; write --head-bytes"),
  regex_max_size: lost(
    "warning",
    "programs of regexes may have 200 instructions, neither more nor fewer; write shorter ones",
    (value) => numberOf(value) !== 200,
  ),
  regex_type: lost("warning", "regexes are those of RE2; write them so", (value) => scalarText(value) !== "safe"),
  default_label_domain: lost(
    "warning",
    "no other domain than that of the RateLimitService is asked; write domain there",
  ),
  use_ambassador_namespace_for_service_resolution: lost(
    "warning",
    "a service without a namespace is one of its Mapping's namespace; write name.namespace",
    isOn,
  ),
  enable_grpc_http11_bridge: lost("warning", "calls of HTTP/1.1 are not translated to gRPC; write gRPC-Web, which is"),
  gzip: lost("warning", "answers are not compressed; let the model or the proxy in front compress them"),
  grpc_stats: lost("warning", "there are no metrics by method of gRPC; read sluice_requests_total"),
  proper_case: lost("warning", "names of headers go to models as they came; correct those that mind", isOn),
  header_case_overrides: lost("warning", "names of headers go to models as they came; correct those that mind"),
  allow_chunked_length: lost(
    "warning",
    "a request with Content-Length and Transfer-Encoding is refused with 400; correct the callers",
    isOn,
  ),
  error_response_overrides: lost("warning", "failures have their own bodies; change them in the proxy in front"),
  liveness_probe: lost(
    "warning",
    "/ambassador/v0/check_alive answers on the traffic port until a Mapping takes it; remove it",
    isDisabled,
  ),
  readiness_probe: lost(
    "warning",
    "/ambassador/v0/check_ready answers on the traffic port until a Mapping takes it; remove it",
    isDisabled,
  ),
  envoy_log_type: lost("warning", "the access log is JSON on standard output; write --access-log"),
  envoy_log_format: lost("warning", "the access log has fields of its own; write --access-log"),
  envoy_log_path: lost(
    "warning",
    "the access log goes to standard output; write --access-log",
    (value) => scalarText(value) !== "/dev/fd/1",
  ),
  statsd: lost("warning", "metrics are told to nobody; let Prometheus read /metrics"),
  runtime_flags: lost("warning", "there is no Envoy that has them; remove it"),
  debug_mode: lost("warning", "there is no more to be logged; write --access-log all", isOn),
  admin_port: lost("warning", "the admin port is an option; write --admin"),
  diag_port: lost("warning", "the admin port is an option; write --admin"),
  service_port: lost("warning", "the ports are options; write --listen and --tls-listen"),
  enable_ipv4: lost("warning", "IPv4 addresses are dialled too; remove them from DNS", isOff),
  forward_client_cert_details: lost(
    "warning",
    "x-forwarded-client-cert is always as with SANITIZE_SET; remove it",
    (value) => scalarText(value) !== "SANITIZE_SET",
  ),
  set_current_client_cert_details: lost("warning", "x-forwarded-client-cert always has the same parts; remove it"),
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
  Object.fromEntries(
    Object.entries({ ...rows, ...editRows }).map(([name, { shape, decides }]) => [
      name,
      shape === "value" && decides !== "which" ? fieldNames : shape,
    ]),
  ),
  kindsOf(decidingRows),
);

const document = fieldsShape({ ...documentRows, ...noteRows });
export const moduleShape = keysOf({ ...document.keys, config }, document.kinds);
