// Upstreams as Mappings ask for them: address, protocol, TLS, limits, and the key under which equal ones are shared.
import { createHash } from "node:crypto";
import {
  defaultConnectTimeoutMs,
  printEndpoint,
  type Breaker,
  type HealthCheck,
  type Upstream,
  type UpstreamAddress,
  type UpstreamTls,
} from "../../../routing/model/upstream.ts";
import type { Service } from "./services.ts";
import { tlsKey } from "./tls.ts";

/** An Upstream and how its Endpoints are found. */
export interface UpstreamPlan {
  readonly upstream: Upstream;
  /** `slices`: join them; `cluster-ip`: the Service's own address; `fixed`: the IP literal; `resolver`: DNS; `none`: it asks for what it cannot have. */
  readonly from: "slices" | "cluster-ip" | "fixed" | "resolver" | "none";
}

/** Limits of an Upstream that differ from the defaults are part of its key. */
export interface UpstreamLimits {
  readonly connectTimeoutMs: number;
  readonly idleTimeoutMs: number | null;
  readonly maxLifetimeMs: number | null;
  readonly breakers: readonly Breaker[];
  readonly healthCheck: HealthCheck | null;
}

export const defaultUpstreamLimits: UpstreamLimits = Object.freeze({
  connectTimeoutMs: defaultConnectTimeoutMs,
  idleTimeoutMs: null,
  maxLifetimeMs: null,
  breakers: Object.freeze([]),
  healthCheck: null,
});

export function planUpstream(
  address: UpstreamAddress,
  from: UpstreamPlan["from"],
  protocol: Upstream["protocol"],
  tls: UpstreamTls | null,
  limits: UpstreamLimits,
): UpstreamPlan {
  const key = [...addressTexts(address), " ", protocol];
  if (from === "cluster-ip") key.push(" dial=service");
  if (tls !== null) key.push(" tls=", tlsKey(tls));
  if (from === "none") key.push(" withheld");
  if (limits !== defaultUpstreamLimits) key.push(limitsText(limits));
  // Joined: a text that was added up keeps all its parts, and these are kept for long.
  return { upstream: { key: key.join(""), address, protocol, tls, ...limits }, from };
}

/** Address of a Service that exists. The name of a headless one stands for its ClusterIP. */
export function serviceAddress(
  service: Service,
  port: number,
  dial: "endpoints" | "service",
): Pick<UpstreamPlan, "from"> & { readonly address: UpstreamAddress } {
  const { namespace, name } = service;
  if (dial === "service" && service.clusterIp === "")
    return { from: "resolver", address: { kind: "dns", host: `${name}.${namespace}`, port } };
  return { from: dial === "service" ? "cluster-ip" : "slices", address: { kind: "service", namespace, name, port } };
}

/** Address of a Service that is not there: nothing in a cluster, a name to resolve in a folder (routing rule 13). */
export function absentServiceAddress(
  namespace: string,
  name: string,
  port: number,
  source: "folder" | "cluster",
): Pick<UpstreamPlan, "from"> & { readonly address: UpstreamAddress } {
  return source === "folder"
    ? { from: "resolver", address: { kind: "dns", host: `${name}.${namespace}`, port } }
    : { from: "slices", address: { kind: "service", namespace, name, port } };
}

/** `name.namespace:port`, or the host. */
export function printUpstream(address: UpstreamAddress): string {
  switch (address.kind) {
    case "service":
      return `${address.name}.${address.namespace}:${address.port}`;
    case "dns":
      return `${address.host}:${address.port}`;
    case "address":
      return printEndpoint(address.ip, address.port);
  }
}

function addressTexts(address: UpstreamAddress): readonly string[] {
  switch (address.kind) {
    case "service":
      return ["service ", address.namespace, "/", address.name, ":", String(address.port)];
    case "dns":
      return ["dns ", address.host, ":", String(address.port)];
    case "address":
      return ["address ", address.ip, ":", String(address.port)];
  }
}

function limitsText({ connectTimeoutMs, idleTimeoutMs, maxLifetimeMs, breakers, healthCheck }: UpstreamLimits): string {
  let text = "";
  if (connectTimeoutMs !== defaultConnectTimeoutMs) text += ` connect=${connectTimeoutMs}`;
  if (idleTimeoutMs !== null) text += ` idle=${idleTimeoutMs}`;
  if (maxLifetimeMs !== null) text += ` lifetime=${maxLifetimeMs}`;
  for (const { priority, maxConnections, maxPendingRequests, maxRequests, maxRetries } of breakers) {
    text += ` breaker=${priority}/${maxConnections}/${maxPendingRequests}/${maxRequests}/${maxRetries}`;
  }
  if (healthCheck !== null)
    text += ` health=${createHash("sha256").update(JSON.stringify(healthCheck)).digest("hex").slice(0, 12)}`;
  return text;
}
