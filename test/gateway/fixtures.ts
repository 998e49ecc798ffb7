// Mappings and Upstreams for tests of the control plane: complete, with nothing special about them.
import { plainGuard } from "../../routing/model/guard.ts";
import type { Mapping, Series } from "../../routing/model/mapping.ts";
import type { Endpoint, Upstream, UpstreamEndpoints } from "../../routing/model/upstream.ts";
import { frontOf, type Front } from "../../gateway/edge/io/front.ts";
import { defaultLimits } from "../../gateway/options/limits.ts";

export function seriesOf(deployment: string): Series {
  return { namespace: "prod", deployment, predictor: "default", role: "live", protocol: "http" };
}

export function mappingOf(name: string, upstream: string, weight: number | null = null): Mapping {
  return {
    id: `${name}/http`,
    source: { kind: "SeldonDeployment", namespace: "prod", name },
    namespace: "prod",
    space: "prod",
    granted: false,
    member: `SeldonDeployment prod/${name}`,
    match: {
      path: { kind: "prefix", prefix: `/seldon/prod/${name}/`, caseSensitive: true },
      host: { kind: "any" },
      method: null,
      headers: [],
      query: [],
    },
    precedence: 0,
    sticky: null,
    role: { kind: "live", weight, share: 1 },
    target: {
      kind: "forward",
      upstream,
      rewrite: { kind: "prefix", with: "/" },
      hostRewrite: { kind: "client" },
      requestHeaders: { remove: [], add: [] },
      responseHeaders: { remove: [], add: [] },
      timeout: { ms: 3000, setBy: null },
      idleTimeout: { ms: 300_000, setBy: null },
      retry: null,
      loadBalancer: { kind: "least-request" },
      priority: "default",
      cors: null,
      upgrades: [],
      dialService: false,
      released: false,
      externalPolicy: { bypassAuth: false, authContextExtensions: {}, labels: null },
      compare: "",
      rewardPath: null,
      model: "",
    },
    guard: plainGuard,
    series: seriesOf(name),
  };
}

export function upstreamOf(key: string, host: string | null = null): Upstream {
  return {
    key,
    address:
      host === null ? { kind: "service", namespace: "prod", name: key, port: 8000 } : { kind: "dns", host, port: 8000 },
    protocol: "http1",
    tls: null,
    connectTimeoutMs: 3000,
    idleTimeoutMs: null,
    maxLifetimeMs: null,
    breakers: [],
    healthCheck: null,
  };
}

export function endpointsOf(key: string, ports: readonly number[]): UpstreamEndpoints {
  const endpoints = ports.map((port): Endpoint => ({ ip: "127.0.0.1", port, state: "ready" }));
  return { key, ready: endpoints.length > 0, endpoints };
}

/** A Front that believes so many proxies, and is plain otherwise. */
export function frontWith(trustedHops = 0): Front {
  return frontOf({ trustedHops, connectionIdleWritten: false, limits: defaultLimits }, null);
}
