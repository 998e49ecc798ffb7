// Fields of a raw Mapping about its Endpoints: circuit breakers, load balancer, health check.
import type { LoadBalancer } from "../../../routing/model/mapping.ts";
import { defaultBreaker, type Breaker, type HealthCheck } from "../../../routing/model/upstream.ts";
import { isUntouchableHeader } from "../../../routing/text/untouchable-headers.ts";
import type { Fields } from "../fields/fields.ts";
import {
  arrayOf,
  booleanOf,
  durationMs,
  fieldOf,
  integerOf,
  isRecord,
  recordOf,
  scalarText,
  textOf,
  type UnknownRecord,
} from "../values/value.ts";

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}$/;
const mostBreakers = 8;

/** Of two for one priority the last counts. */
export function decodeBreakers(fields: Fields): readonly Breaker[] {
  const breakers: Breaker[] = [];
  const written = fields.list("circuit_breakers").map(recordOf);
  if (written.length > mostBreakers) fields.bad("circuit_breakers", written.length, `at most ${mostBreakers} entries`);
  for (const entry of written.slice(0, mostBreakers)) {
    const priority = fieldOf(entry, "priority") ?? "default";
    if (priority !== "default" && priority !== "high") {
      fields.bad("circuit_breakers", priority, "priority default or high");
      continue;
    }
    const limit = (name: string, otherwise: number): number =>
      fields.integerIn("circuit_breakers", entry, name) ?? otherwise;
    breakers.push({
      priority,
      maxConnections: limit("max_connections", defaultBreaker.maxConnections),
      maxPendingRequests: limit("max_pending_requests", defaultBreaker.maxPendingRequests),
      maxRequests: limit("max_requests", defaultBreaker.maxRequests),
      maxRetries: limit("max_retries", defaultBreaker.maxRetries),
    });
  }
  return breakers;
}

const leastRequest: LoadBalancer = Object.freeze({ kind: "least-request" });

export function decodeLoadBalancer(fields: Fields): LoadBalancer {
  const written = fields.record("load_balancer");
  if (written === null || Object.keys(written).length === 0) return leastRequest;
  const policy = textOf(fieldOf(written, "policy"));
  if (policy === "least_request") return leastRequest;
  if (policy === "round_robin") return { kind: "round-robin" };
  if (policy === "ring_hash" || policy === "maglev") {
    const on = hashOn(fields, written);
    return on === null ? leastRequest : { kind: "hash", policy, on };
  }
  fields.bad("load_balancer", policy, "policy round_robin, least_request, ring_hash or maglev");
  return leastRequest;
}

type HashOn = Extract<LoadBalancer, { readonly kind: "hash" }>["on"];

function hashOn(fields: Fields, written: UnknownRecord): HashOn | null {
  const cookie = fieldOf(written, "cookie");
  const header = scalarText(fieldOf(written, "header"));
  const sourceIp = booleanOf(fieldOf(written, "source_ip")) === true;
  if ([isRecord(cookie), header !== null, sourceIp].filter(Boolean).length !== 1) {
    fields.bad(
      "load_balancer",
      textOf(fieldOf(written, "policy")),
      "exactly one of cookie, header and source_ip beside it",
    );
    return null;
  }
  if (sourceIp) return { kind: "source-ip" };
  if (header === null) return hashOnCookie(fields, recordOf(cookie));
  if (token.test(header)) return { kind: "header", name: header.toLowerCase() };
  fields.bad("load_balancer", header, "the name of a header");
  return null;
}

/** Without `ttl` no cookie is made; only those that clients have count (Envoy). */
function hashOnCookie(fields: Fields, cookie: UnknownRecord): HashOn | null {
  const name = textOf(fieldOf(cookie, "name"));
  const ttl = fieldOf(cookie, "ttl") ?? null;
  const ttlMs = ttl === null ? null : durationMs(ttl);
  const path = textOf(fieldOf(cookie, "path"));
  if (!token.test(name)) fields.bad("load_balancer", name, "a cookie name of letters, digits and - _ .");
  else if (ttl !== null && ttlMs === null) fields.bad("load_balancer", ttl, "ttl as a time: 60s, 1h");
  else if (!/^[\x20-\x3a\x3c-\x7e]{0,1024}$/.test(path)) fields.bad("load_balancer", path, "a path without ;");
  else return { kind: "cookie", name, ttlMs, path };
  return null;
}

const mostHeaders = 16;
const mostRanges = 8;

/** Envoy takes one health check a cluster; so of several the first counts. */
export function decodeHealthCheck(fields: Fields, grpc: boolean): HealthCheck | null {
  // The second is the name of the field in the CRD of v2.
  const newer = fields.list("v3health_checks");
  const older = fields.list("health_checks");
  const written = newer.length > 0 ? newer : older;
  if (written.length === 0) return null;
  if (written.length > 1) fields.bad("health_checks", written.length, "one health check; the first counts");
  const entry = recordOf(written[0]);
  const probe = decodeProbe(fields, recordOf(fieldOf(entry, "health_check")), grpc);
  if (probe === null) return null;
  const time = (name: string, otherwiseMs: number, leastMs: number, mostMs: number): number => {
    const value = fieldOf(entry, name) ?? null;
    if (value === null) return otherwiseMs;
    const ms = durationMs(value);
    if (ms !== null && ms >= leastMs && ms <= mostMs) return ms;
    fields.bad("health_checks", value, `${name} as a time from ${leastMs}ms to ${mostMs}ms`);
    return otherwiseMs;
  };
  const threshold = (name: string, otherwise: number): number =>
    fields.integerIn("health_checks", entry, name, { min: 1, max: 100 }) ?? otherwise;
  return {
    intervalMs: time("interval", 5000, 1000, 3_600_000),
    timeoutMs: time("timeout", 3000, 10, 60_000),
    unhealthyThreshold: threshold("unhealthy_threshold", 2),
    healthyThreshold: threshold("healthy_threshold", 1),
    probe,
  };
}

function decodeProbe(fields: Fields, written: UnknownRecord, grpc: boolean): HealthCheck["probe"] | null {
  const http = fieldOf(written, "http");
  const call = fieldOf(written, "grpc");
  if (isRecord(http) === isRecord(call)) {
    fields.bad("health_checks", isRecord(http) ? "both" : "neither", "health_check with one of http and grpc");
    return null;
  }
  if (isRecord(http)) return decodeHttpProbe(fields, http);
  if (!grpc) {
    fields.bad("health_checks", "grpc", "grpc: true for the Mapping, or an http check");
    return null;
  }
  const service = textOf(fieldOf(recordOf(call), "upstream_name"));
  const authority = hostText(fields, fieldOf(recordOf(call), "authority"));
  if (authority === undefined) return null;
  if (/^[\x21-\x7e]{0,256}$/.test(service)) return { kind: "grpc", service, authority };
  fields.bad("health_checks", service, "upstream_name as the name of a gRPC service");
  return null;
}

function decodeHttpProbe(fields: Fields, http: UnknownRecord): HealthCheck["probe"] | null {
  const path = textOf(fieldOf(http, "path"));
  if (!/^\/[\x21\x22\x24-\x7e]{0,1023}$/.test(path)) {
    fields.bad("health_checks", path, "a path that begins with /");
    return null;
  }
  const host = hostText(fields, fieldOf(http, "hostname"));
  return host === undefined
    ? null
    : { kind: "http", path, host, headers: decodeHeaders(fields, http), statuses: decodeStatuses(fields, http) };
}

/** null: not written; undefined: no host, which is reported. */
function hostText(fields: Fields, written: unknown): string | null | undefined {
  const text = textOf(written);
  if (text === "") return null;
  if (/^[0-9A-Za-z._:[\]-]{1,255}$/.test(text)) return text;
  fields.bad("health_checks", text, "a host name");
  return undefined;
}

/** `remove_request_headers` takes out headers that Envoy adds; a probe of ours has none of them. */
function decodeHeaders(fields: Fields, http: UnknownRecord): readonly (readonly [string, string])[] {
  const written = Object.entries(recordOf(fieldOf(http, "add_request_headers")));
  if (written.length > mostHeaders)
    fields.bad("health_checks", written.length, `at most ${mostHeaders} add_request_headers`);
  const headers: (readonly [string, string])[] = [];
  for (const [name, given] of written.slice(0, mostHeaders)) {
    const value = scalarText(isRecord(given) ? fieldOf(given, "value") : given);
    if (value !== null && token.test(name) && !isUntouchableHeader(name) && /^[\t\x20-\x7e]{0,1024}$/.test(value))
      headers.push([name.toLowerCase(), value]);
    else fields.bad("health_checks", name, "headers that are not about the connection, with a text of one line");
  }
  return headers;
}

function decodeStatuses(fields: Fields, http: UnknownRecord): readonly (readonly [number, number])[] {
  const written = arrayOf(fieldOf(http, "expected_statuses")).map(recordOf);
  const ranges: (readonly [number, number])[] = [];
  for (const range of written.slice(0, mostRanges)) {
    const [least, most] = [integerOf(fieldOf(range, "min")), integerOf(fieldOf(range, "max"))];
    if (least !== null && most !== null && least >= 100 && most <= 599 && least <= most) ranges.push([least, most]);
    else
      fields.bad(
        "health_checks",
        `${textOf(scalarText(fieldOf(range, "min")))}-${textOf(scalarText(fieldOf(range, "max")))}`,
        "expected_statuses with min and max from 100 to 599",
      );
  }
  if (written.length > mostRanges)
    fields.bad("health_checks", written.length, `at most ${mostRanges} expected_statuses`);
  return ranges.length === 0 ? [[200, 200]] : ranges;
}
