// Upstreams and Endpoints: where a Mapping's requests go, and the addresses behind it.

/** Where the addresses of an Upstream come from. */
export type UpstreamAddress =
  /** A Kubernetes Service: endpoints from its EndpointSlices, joined by port name. `port` is the Service's port number. */
  | { readonly kind: "service"; readonly namespace: string; readonly name: string; readonly port: number }
  /** A DNS name, resolved in the control worker on first use. */
  | { readonly kind: "dns"; readonly host: string; readonly port: number }
  /** An IP literal. */
  | { readonly kind: "address"; readonly ip: string; readonly port: number };

/** TLS towards an Upstream. Private keys live here: never print or log this object. */
export interface UpstreamTls {
  /** Name of the context, for people: the Secret's or the TLSContext's name. */
  readonly context: string;
  /** Name sent in the handshake, or null for none (Ambassador sends none unless the TLSContext has `sni`). */
  readonly sni: string | null;
  /** Authorities to verify the peer against, PEM; null: the peer is not verified (as Seldon and Ambassador ship it). */
  readonly caPem: string | null;
  /** Client certificate and key, PEM, or null. */
  readonly certificate: { readonly certPem: string; readonly keyPem: string } | null;
}

/** A named destination. Two Mappings with equal `key` share pools, breakers and ejection. */
export interface Upstream {
  /** Unique text: address, protocol and TLS context: `service prod/iris-default:8000 http1`. */
  readonly key: string;
  readonly address: UpstreamAddress;
  readonly protocol: "http1" | "http2";
  /** null: plain. An Upstream that asks for TLS and cannot have it is given with `ready: false`, never as plain. */
  readonly tls: UpstreamTls | null;
  /** Time to connect, ms, 1 or more; `defaultConnectTimeoutMs`: the gateway's `--connect-timeout-ms`. */
  readonly connectTimeoutMs: number;
  /** Idle time after which a pooled connection is closed, ms; null: the gateway's `--upstream-idle-ms`. */
  readonly idleTimeoutMs: number | null;
  /** Lifetime after which a connection is no longer reused, ms; null: none. */
  readonly maxLifetimeMs: number | null;
  readonly breakers: readonly Breaker[];
  /** null: none is declared. */
  readonly healthCheck: HealthCheck | null;
}

/** An active health check (Ambassador 3.x `health_checks`): every Endpoint is asked in turn, and one that fails gets no new requests. */
export interface HealthCheck {
  /** Between the end of one probe of an Endpoint and the next, 1000..3600000. */
  readonly intervalMs: number;
  /** 10..60000. */
  readonly timeoutMs: number;
  /** Failures in a row after which an Endpoint fails, and successes in a row after which it does no longer: 1..100. */
  readonly unhealthyThreshold: number;
  readonly healthyThreshold: number;
  readonly probe: HttpProbe | GrpcProbe;
}

export interface HttpProbe {
  readonly kind: "http";
  readonly path: string;
  /** null: the address of the Endpoint. */
  readonly host: string | null;
  /** Names in lower case. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Ranges, both ends included. */
  readonly statuses: readonly (readonly [least: number, most: number])[];
}

/** `grpc.health.v1.Health/Check`. */
export interface GrpcProbe {
  readonly kind: "grpc";
  /** "": the server as a whole. */
  readonly service: string;
  /** null: the address of the Endpoint. */
  readonly authority: string | null;
}

/** Circuit-breaker limits of one priority (Ambassador `circuit_breakers`; Envoy's defaults 1024/1024/1024/3). */
export interface Breaker {
  readonly priority: "default" | "high";
  readonly maxConnections: number;
  readonly maxPendingRequests: number;
  readonly maxRequests: number;
  readonly maxRetries: number;
}

/** Ambassador's `connect_timeout_ms`. */
export const defaultConnectTimeoutMs = 3000;

/** Envoy's defaults, which Ambassador ships. */
export const defaultBreaker: Omit<Breaker, "priority"> = Object.freeze({
  maxConnections: 1024,
  maxPendingRequests: 1024,
  maxRequests: 1024,
  maxRetries: 3,
});

/** One ip:port of an Upstream. */
export interface Endpoint {
  readonly ip: string;
  readonly port: number;
  /** `ready` takes new requests; `terminating` (serving and terminating) only when no ready one is left. */
  readonly state: "ready" | "terminating";
}

/** The Endpoints of one Upstream at one moment. */
export interface UpstreamEndpoints {
  readonly key: string;
  /** Routing rule 7: at least one ready Endpoint, or, if none, one serving and terminating. A DNS Upstream that is not resolved yet is ready. */
  readonly ready: boolean;
  readonly endpoints: readonly Endpoint[];
}

/** Whether every Endpoint is about to end, and there are some. */
export function isEnding({ endpoints }: UpstreamEndpoints): boolean {
  return endpoints.length > 0 && endpoints.every(({ state }) => state === "terminating");
}

/** `ip:port`, for people and as a key. */
export function printEndpoint(ip: string, port: number): string {
  return ip.includes(":") ? `[${ip}]:${port}` : `${ip}:${port}`;
}
