// AuthService and RateLimitService as they are written (Ambassador, v1 to v3alpha1). One that cannot be read is none: it closes what it would guard.
import type { AuthService } from "../../../routing/model/external-services.ts";
import { defaultConnectTimeoutMs } from "../../../routing/model/upstream.ts";
import { isUntouchableHeader } from "../../../routing/text/untouchable-headers.ts";
import type { Report } from "../values/report.ts";
import { parseService } from "../backends/service-address.ts";
import { Fields } from "../fields/fields.ts";
import { authServiceTable, rateLimitServiceTable } from "../fields/service-fields.ts";
import { checkUnread } from "../fields/unread-fields.ts";
import { defaultUpstreamLimits, type UpstreamLimits } from "../backends/upstreams.ts";
import { tlsNameIn } from "../backends/tls.ts";
import { arrayOf, booleanOf, fieldOf, scalarText, type UnknownRecord } from "../values/value.ts";
import type { ServiceKind, ServiceSaid, WrittenPlace } from "../backends/written-service.ts";

/** `field`: where the document is, for Problems. */
export function decodeService(
  kind: ServiceKind,
  record: UnknownRecord,
  field: string,
  report: Report,
): ServiceSaid | null {
  const at = field === "" ? "spec." : `${field} `;
  return kind === "AuthService"
    ? authService(new Fields(authServiceTable, record, at, report))
    : rateLimitService(new Fields(rateLimitServiceTable, record, at, report));
}

/** What Ambassador always shows an HTTP service. */
const shown = [
  "authorization",
  "cookie",
  "from",
  "proxy-authorization",
  "user-agent",
  "x-forwarded-for",
  "x-forwarded-host",
  "x-forwarded-proto",
];
/** What it always takes of such a service's answer. */
const taken = ["location", "authorization", "proxy-authenticate", "set-cookie", "www-authenticate"];

function authService(fields: Fields): ServiceSaid | null {
  const proto = fields.text("proto") ?? "http";
  if (proto !== "http" && proto !== "grpc") fields.bad("proto", proto, "http or grpc");
  const place = placeOf(fields, "auth_service", proto === "grpc", limitsOf(fields));
  checkVersion(fields);
  const pathPrefix = fields.text("path_prefix") ?? "";
  if (!/^(?:\/[\x21-\x7e]*)?$/.test(pathPrefix) || /[?#\\]/.test(pathPrefix))
    fields.bad("path_prefix", pathPrefix, "a path that begins with /");
  const requestHeaders = names(fields, "allowed_request_headers");
  const answerHeaders = names(fields, "allowed_authorization_headers");
  const status = fields.record("status_on_error");
  const said: Omit<AuthService, "places"> = {
    proto: proto === "grpc" ? "grpc" : "http",
    timeoutMs: fields.integer("timeout_ms") ?? 5000,
    // The path of each request begins with a slash of its own.
    pathPrefix: pathPrefix.replace(/\/$/, ""),
    requestHeaders: [...new Set([...requestHeaders, ...shown])],
    answerHeaders: [...new Set([...answerHeaders, ...taken])],
    trustedHeaders: [...new Set(answerHeaders.filter((name) => !taken.includes(name) && !isUntouchableHeader(name)))],
    addedHeaders: addedHeaders(fields),
    addLinkerdHeaders: fields.boolean("add_linkerd_headers"),
    body: bodyOf(fields),
    statusOnError: (status === null ? null : fields.integerIn("status_on_error", status, "code")) ?? 403,
    failureModeAllow: fields.boolean("failure_mode_allow"),
  };
  checkUnread(fields);
  return place !== null && fields.unreadable.size === 0 ? { kind: "AuthService", place, said } : null;
}

function rateLimitService(fields: Fields): ServiceSaid | null {
  const place = placeOf(fields, "service", true, defaultUpstreamLimits);
  checkVersion(fields);
  const domain = fields.text("domain") ?? "ambassador";
  if (domain === "" || domain.length > 256) fields.bad("domain", domain, "the domain of the labels that it limits");
  const grpc = fields.record("grpc");
  const exhausted = booleanOf(grpc === null ? false : (fieldOf(grpc, "use_resource_exhausted_code") ?? false));
  if (exhausted === null) fields.bad("grpc", grpc, "{use_resource_exhausted_code: true}");
  const said = {
    domain,
    timeoutMs: fields.integer("timeout_ms") ?? 20,
    failureModeDeny: fields.boolean("failure_mode_deny"),
    resourceExhausted: exhausted === true,
  };
  checkUnread(fields);
  return place !== null && fields.unreadable.size === 0 ? { kind: "RateLimitService", place, said } : null;
}

/** Ambassador reads these of an AuthService. */
function limitsOf(fields: Fields): UpstreamLimits {
  const connectTimeoutMs = fields.integer("connect_timeout_ms") ?? defaultConnectTimeoutMs;
  const idleMs = fields.integer("cluster_idle_timeout_ms") ?? 0;
  const lifetimeMs = fields.integer("cluster_max_connection_lifetime_ms") ?? 0;
  return {
    ...defaultUpstreamLimits,
    connectTimeoutMs,
    idleTimeoutMs: idleMs === 0 ? null : idleMs,
    maxLifetimeMs: lifetimeMs === 0 ? null : lifetimeMs,
  };
}

function placeOf(fields: Fields, name: string, grpc: boolean, limits: UpstreamLimits): WrittenPlace | null {
  const tls = tlsNameIn(fields);
  const written = fields.text(name) ?? "";
  const service = parseService(written, tls !== null);
  if (service === null) fields.bad(name, written, "name:port or name.namespace:port");
  return service === null ? null : { service, tls, grpc, limits };
}

/** Envoy's protocol has had one version since its v3. */
function checkVersion(fields: Fields): void {
  const version = fields.text("protocol_version") ?? "v3";
  if (version !== "v3") fields.bad("protocol_version", version, "v3, and have the service speak it");
}

function bodyOf(fields: Fields): AuthService["body"] {
  const old = fields.boolean("allow_request_body");
  const written = fields.record("include_body");
  if (written === null) return old ? { maxBytes: 4096, allowPartial: true } : null;
  const partial = booleanOf(fieldOf(written, "allow_partial") ?? false);
  if (partial === null) fields.bad("include_body", fieldOf(written, "allow_partial"), "allow_partial: true or false");
  return {
    maxBytes:
      fields.integerIn("include_body", { max_bytes: fieldOf(written, "max_bytes") ?? "nothing" }, "max_bytes") ?? 4096,
    allowPartial: partial === true,
  };
}

/** `add_auth_headers`: a text for each name. */
function addedHeaders(fields: Fields): AuthService["addedHeaders"] {
  const written = fields.record("add_auth_headers");
  const added = Object.entries(written ?? {}).map(([name, value]) => [name.toLowerCase(), scalarText(value)] as const);
  const isGood =
    added.length <= 64 &&
    added.every(
      ([name, value]) =>
        isName(name) &&
        !isUntouchableHeader(name) &&
        value !== null &&
        /^[\t\x20-\x7e\x80-\uffff]{0,1024}$/.test(value),
    );
  if (isGood) return added as AuthService["addedHeaders"];
  fields.bad("add_auth_headers", written, "at most 64 headers with a text each");
  return [];
}

const maxNames = 64;

/** Names of fields of messages, in lower case. */
function names(fields: Fields, name: string): readonly string[] {
  const value = fields.take(name);
  if (value === undefined) return [];
  const list = (Array.isArray(value) ? arrayOf(value) : [value]).map((one) => scalarText(one)?.toLowerCase() ?? "");
  if (list.length <= maxNames && list.every(isName)) return list;
  fields.bad(name, value, `at most ${maxNames} names of headers`);
  return [];
}

function isName(name: string): boolean {
  return /^[a-z0-9!#$%&'*+.^_`|~-]{1,256}$/.test(name);
}
