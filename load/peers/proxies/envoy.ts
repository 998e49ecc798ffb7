// Envoy, one worker thread, in three forms.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { deployments, type Deployment } from "../fleet.ts";
import { freePort, start, untilListening } from "../process.ts";
import { bestVirtualHost, clusters, clusterOf, emissaryClusters, emissaryRoutes, type Json } from "./envoy-routes.ts";
import type { Peer, PeerKind, Stage } from "./peer.ts";

const installer = fileURLToPath(new URL("../../tools/envoy.sh", import.meta.url));

function typed(type: string, fields: Readonly<Record<string, Json>>): Json {
  return { "@type": `type.googleapis.com/envoy.${type}`, ...fields };
}

/** Listener and connection manager as Emissary writes them, but with no access log (Emissary's default writes a line a request). */
function bootstrap(
  port: number,
  virtualHost: Readonly<Record<string, Json>>,
  upstreams: readonly Json[],
  filters: readonly Json[],
): Json {
  const manager = typed("extensions.filters.network.http_connection_manager.v3.HttpConnectionManager", {
    stat_prefix: "ingress_http",
    codec_type: "AUTO",
    server_name: "envoy",
    normalize_path: true,
    use_remote_address: true,
    route_config: { name: "gateway", virtual_hosts: [{ name: "gateway", domains: ["*"], ...virtualHost }] },
    http_filters: [
      { name: "envoy.filters.http.cors", typed_config: typed("extensions.filters.http.cors.v3.Cors", {}) },
      ...filters,
      { name: "envoy.filters.http.router", typed_config: typed("extensions.filters.http.router.v3.Router", {}) },
    ],
  });
  return {
    static_resources: {
      listeners: [
        {
          name: "gateway",
          address: { socket_address: { address: "127.0.0.1", port_value: port } },
          filter_chains: [
            { filters: [{ name: "envoy.filters.network.http_connection_manager", typed_config: manager }] },
          ],
        },
      ],
      clusters: upstreams,
    },
  };
}

/** Starts Envoy with one virtual host; `filters` come before its router. */
export async function startEnvoy(
  name: string,
  stage: Stage,
  virtualHost: Readonly<Record<string, Json>>,
  upstreams: readonly Json[],
  filters: readonly Json[] = [],
): Promise<Peer> {
  const program = execFileSync(installer, { encoding: "utf8" }).trim();
  const port = await freePort();
  const config = join(stage.folder, `${name}.json`);
  const logFile = join(stage.folder, `${name}.log`);
  writeFileSync(config, JSON.stringify(bootstrap(port, virtualHost, upstreams, filters)));
  const started = start({
    program,
    arguments: ["-c", config, "--concurrency", "1", "--disable-hot-restart", "--log-level", "warning"],
    core: stage.core,
    realTime: false,
    logFile,
    environment: {},
  });
  await untilListening(started, port);
  return { ...started, name, port };
}

function fleetOf(stage: Stage): readonly Deployment[] {
  return deployments(stage.fleet);
}

function emissary(name: string, does: string, grpc: boolean): PeerKind {
  return {
    name,
    does,
    rewrites: true,
    splits: true,
    async start(stage) {
      const fleet = fleetOf(stage);
      return startEnvoy(name, stage, { routes: emissaryRoutes(fleet, { grpc }) }, emissaryClusters(fleet, { grpc }));
    },
  };
}

export const envoyEmissary = emissary(
  "envoy-emissary",
  "as Emissary writes it from what Seldon's operator makes: a route for each Mapping (REST and gRPC, main and canary), walked in order, split by runtime_fraction, a cluster for each service",
  true,
);

export const envoyEmissaryRest = emissary(
  "envoy-emissary-rest",
  "the same without the gRPC Mappings, which no installation of Seldon lacks: only REST routes are walked",
  false,
);

export const envoyBest: PeerKind = {
  name: "envoy-best",
  does: "its best form: a prefix trie over the path (matcher tree) to weighted clusters, one cluster for each address",
  rewrites: true,
  splits: true,
  async start(stage) {
    const fleet = fleetOf(stage);
    return startEnvoy(
      this.name,
      stage,
      bestVirtualHost(fleet),
      clusters(fleet.flatMap((deployment) => [deployment.main, deployment.canary])),
    );
  },
};

export const envoyOne: PeerKind = {
  name: "envoy-one",
  does: "one route, one cluster: no rewrite, no split",
  rewrites: false,
  splits: false,
  async start(stage) {
    const first = deployments({ ...stage.fleet, deployments: 1 })[0]!;
    return startEnvoy(
      this.name,
      stage,
      { routes: [{ match: { prefix: "/" }, route: { cluster: clusterOf(first.main), timeout: "3s" } }] },
      clusters([first.main]),
    );
  },
};
