// AuthService and RateLimitService as they are written (Ambassador, v1 to v3alpha1). One that cannot be read is none: it closes what it would guard.
import { mostIncludedBytes, type AuthService } from "../../../routing/model/external-services.ts";
import { isUntouchableHeader } from "../../../routing/text/untouchable-headers.ts";
import type { Report } from "../values/report.ts";
import { parseService } from "../backends/service-address.ts";
import { isName, ServiceFields } from "./service-fields.ts";
import { maxTimeMs } from "../deployments/time-limits.ts";
import { defaultConnectTimeoutMs, defaultUpstreamLimits, type UpstreamLimits } from "../backends/upstreams.ts";
import { tlsNameIn } from "../backends/tls.ts";
import { booleanOf, fieldOf, scalarText, type UnknownRecord } from "../values/value.ts";
import type { ServiceKind, ServiceSaid, WrittenPlace } from "../backends/written-service.ts";

/** `field`: where the document is, for Problems. */
export function decodeService(
  kind: ServiceKind,
  record: UnknownRecord,
  field: string,
  report: Report,
): ServiceSaid | null {
  const fields = new ServiceFields(record, field, report);
  return kind === "AuthService" ? authService(fields) : rateLimitService(fields);
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

function authService(fields: ServiceFields): ServiceSaid | null {
  const proto = fields.text("proto", "http");
  if (proto !== "http" && proto !== "grpc") fields.bad("proto", proto, "http or grpc");
  const place = placeOf(fields, "auth_service", proto === "grpc", limitsOf(fields));
  checkVersion(fields);
  const pathPrefix = fields.text("path_prefix", "");
  if (!/^(?:\/[\x21-\x7e]*)?$/.test(pathPrefix) || /[?#\\]/.test(pathPrefix))
    fields.bad("path_prefix", pathPrefix, "a path that begins with /");
  const requestHeaders = fields.names("allowed_request_headers");
  const answerHeaders = fields.names("allowed_authorization_headers");
  const status = fields.record("status_on_error", ["code"]);
  const said: Omit<AuthService, "places"> = {
    proto: proto === "grpc" ? "grpc" : "http",
    timeoutMs: fields.integer("timeout_ms", 5000, 0, maxTimeMs),
    // The path of each request begins with a slash of its own.
    pathPrefix: pathPrefix.replace(/\/$/, ""),
    requestHeaders: [...new Set([...requestHeaders, ...shown])],
    answerHeaders: [...new Set([...answerHeaders, ...taken])],
    trustedHeaders: [...new Set(answerHeaders.filter((name) => !taken.includes(name) && !isUntouchableHeader(name)))],
    addedHeaders: addedHeaders(fields),
    addLinkerdHeaders: fields.boolean("add_linkerd_headers"),
    body: bodyOf(fields),
    statusOnError:
      status === null ? 403 : fields.integer("status_on_error", 403, 400, 599, fieldOf(status, "code") ?? 403),
    failureModeAllow: fields.boolean("failure_mode_allow"),
  };
  fields.checkUnread({
    allowed_headers:
      "Ambassador does nothing with it since its version 0.50, and Sluice ignores it too; write allowed_request_headers and allowed_authorization_headers",
  });
  return place !== null && fields.valid ? { kind: "AuthService", place, said } : null;
}

function rateLimitService(fields: ServiceFields): ServiceSaid | null {
  const place = placeOf(fields, "service", true, defaultUpstreamLimits);
  checkVersion(fields);
  const domain = fields.text("domain", "ambassador");
  if (domain === "" || domain.length > 256) fields.bad("domain", domain, "the domain of the labels that it limits");
  const grpc = fields.record("grpc", ["use_resource_exhausted_code"]);
  const exhausted = booleanOf(grpc === null ? false : (fieldOf(grpc, "use_resource_exhausted_code") ?? false));
  if (exhausted === null) fields.bad("grpc", grpc, "{use_resource_exhausted_code: true}");
  const said = {
    domain,
    timeoutMs: fields.integer("timeout_ms", 20, 1, maxTimeMs),
    failureModeDeny: fields.boolean("failure_mode_deny"),
    resourceExhausted: exhausted === true,
  };
  fields.checkUnread();
  return place !== null && fields.valid ? { kind: "RateLimitService", place, said } : null;
}

/** Ambassador reads these of an AuthService. */
function limitsOf(fields: ServiceFields): UpstreamLimits {
  const connectTimeoutMs = fields.integer("connect_timeout_ms", defaultConnectTimeoutMs, 1, maxTimeMs);
  const idleMs = fields.integer("cluster_idle_timeout_ms", 0, 0, maxTimeMs);
  const lifetimeMs = fields.integer("cluster_max_connection_lifetime_ms", 0, 0, maxTimeMs);
  return {
    ...defaultUpstreamLimits,
    connectTimeoutMs,
    idleTimeoutMs: idleMs === 0 ? null : idleMs,
    maxLifetimeMs: lifetimeMs === 0 ? null : lifetimeMs,
  };
}

function placeOf(fields: ServiceFields, name: string, grpc: boolean, limits: UpstreamLimits): WrittenPlace | null {
  const tls = tlsNameIn(fields);
  const written = fields.text(name, "");
  const service = parseService(written, tls !== null);
  if (service === null) fields.bad(name, written, "name:port or name.namespace:port");
  return service === null ? null : { service, tls, grpc, limits };
}

/** Envoy's protocol has had one version since its v3. */
function checkVersion(fields: ServiceFields): void {
  const version = fields.text("protocol_version", "v3");
  if (version !== "v3") fields.bad("protocol_version", version, "v3, and have the service speak it");
}

function bodyOf(fields: ServiceFields): AuthService["body"] {
  const old = fields.boolean("allow_request_body");
  const written = fields.record("include_body", ["max_bytes", "allow_partial"]);
  if (written === null) return old ? { maxBytes: 4096, allowPartial: true } : null;
  const partial = booleanOf(fieldOf(written, "allow_partial") ?? false);
  if (partial === null) fields.bad("include_body", fieldOf(written, "allow_partial"), "allow_partial: true or false");
  return {
    maxBytes: fields.integer("include_body", 4096, 1, mostIncludedBytes, fieldOf(written, "max_bytes") ?? "nothing"),
    allowPartial: partial === true,
  };
}

/** `add_auth_headers`: a text for each name. */
function addedHeaders(fields: ServiceFields): AuthService["addedHeaders"] {
  const written = fields.record("add_auth_headers", null);
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
