// The peers for gRPC: HTTP/2 by prior knowledge on both sides. `sluice` and `envoy-emissary` serve both protocols as they are.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { canaryPercent, deployments } from "../fleet.ts";
import { clusterOf, grpcCluster } from "./envoy-routes.ts";
import { envoyEmissary, startEnvoy } from "./envoy.ts";
import { startHaproxy } from "./haproxy.ts";
import { startNginx } from "./nginx.ts";
import type { PeerKind } from "./peer.ts";
import { otherSluice, sluice } from "./sluice.ts";

const envoyOne: PeerKind = {
  name: "envoy-one",
  does: "one route, one cluster: no metadata is looked at",
  rewrites: false,
  splits: false,
  async start(stage) {
    const { main } = deployments({ ...stage.fleet, deployments: 1 })[0]!;
    const name = clusterOf(main);
    return startEnvoy(
      this.name,
      stage,
      { routes: [{ match: { prefix: "/" }, route: { cluster: name, timeout: "3s" } }] },
      [grpcCluster(name, main)],
    );
  },
};

const haproxyOne: PeerKind = {
  name: "haproxy-one",
  does: "one route, one server: no metadata is looked at",
  rewrites: false,
  splits: false,
  async start(stage) {
    const { main } = deployments({ ...stage.fleet, deployments: 1 })[0]!;
    return startHaproxy(
      this.name,
      stage,
      " proto h2",
      `  default_backend model\nbackend model\n  timeout server 1h\n  server main ${main.host}:${main.port} proto h2\n`,
    );
  },
};

const haproxyMap: PeerKind = {
  name: "haproxy-map",
  does: "a map from metadata namespace and seldon of every deployment to its own backend, split 75/25, x-request-id, x-forwarded-for",
  rewrites: true,
  splits: true,
  async start(stage) {
    const fleet = deployments(stage.fleet);
    const map = join(stage.folder, `${this.name}.map`);
    writeFileSync(map, fleet.map(({ namespace, name }) => `${namespace}/${name} ${namespace}_${name}\n`).join(""));
    const backends = fleet.map(
      ({ namespace, name, main, canary }) => `backend ${namespace}_${name}
  balance roundrobin
  timeout server 1h
  server main ${main.host}:${main.port} proto h2 weight ${100 - canaryPercent}
  server canary ${canary.host}:${canary.port} proto h2 weight ${canaryPercent}
`,
    );
    return startHaproxy(
      this.name,
      stage,
      " proto h2",
      `  unique-id-format %[uuid()]
  unique-id-header x-request-id
  option forwardfor
  http-request set-var(txn.name) req.hdr(seldon)
  http-request set-var(txn.backend) req.hdr(namespace),concat(/,txn.name),map_str(${map})
  http-request return status 200 content-type application/grpc hdr grpc-status 12 unless { var(txn.backend) -m found }
  use_backend %[var(txn.backend)]
${backends.join("")}`,
    );
  },
};

const nginx: PeerKind = {
  name: "nginx",
  does: "one route, one server: no metadata is looked at",
  rewrites: false,
  splits: false,
  async start(stage) {
    const { main } = deployments({ ...stage.fleet, deployments: 1 })[0]!;
    return startNginx(this.name, stage, main, {
      listen: " http2",
      location: "grpc_pass grpc://model;",
      http: "http2_max_concurrent_streams 128;",
    });
  },
};

const grpcPeerKinds: readonly PeerKind[] = [sluice, envoyEmissary, envoyOne, haproxyOne, haproxyMap, nginx];

/** `rewrites` means here: it finds a deployment by its metadata. */
export function grpcPeersNamed(names: readonly string[]): readonly PeerKind[] {
  return names.map((name) => {
    const kind = otherSluice(name) ?? grpcPeerKinds.find((one) => one.name === name);
    if (kind === undefined)
      throw new Error(`no gRPC peer ${name}: choose from ${grpcPeerKinds.map((one) => one.name).join(", ")}`);
    return kind;
  });
}
