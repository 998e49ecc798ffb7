// HAProxy, one thread. Two forms: the least it can do, and the work of a gateway for Seldon.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { canaryPercent, deployments, type Deployment } from "../fleet.ts";
import { freePort, start, untilListening } from "../process.ts";
import type { Peer, PeerKind, Stage } from "./peer.ts";

const base = `global
  nbthread 1
  maxconn 8000
defaults
  mode http
  option http-keep-alive
  http-reuse always
  timeout connect 3s
  timeout client 1h
  timeout server 3s
  timeout http-keep-alive 1h
`;

/** Starts HAProxy with one frontend; `bind` follows its address, `rest` goes on in the frontend. */
export async function startHaproxy(name: string, stage: Stage, bind: string, rest: string): Promise<Peer> {
  const port = await freePort();
  const config = join(stage.folder, `${name}.cfg`);
  const logFile = join(stage.folder, `${name}.log`);
  writeFileSync(config, `${base}frontend gateway\n  bind 127.0.0.1:${port}${bind}\n${rest}`);
  const program = start({
    program: "haproxy",
    arguments: ["-db", "-f", config],
    core: stage.core,
    realTime: false,
    logFile,
    environment: {},
  });
  await untilListening(program, port);
  return { ...program, name, port };
}

export const haproxyOne: PeerKind = {
  name: "haproxy-one",
  does: "one route, one server: no rewrite, no split, no request id",
  rewrites: false,
  splits: false,
  async start(stage) {
    const first = deployments({ ...stage.fleet, deployments: 1 })[0]!;
    return startHaproxy(
      this.name,
      stage,
      "",
      `  default_backend model\nbackend model\n  server main ${first.main.host}:${first.main.port}\n`,
    );
  },
};

function backendName(deployment: Deployment): string {
  return `${deployment.namespace}_${deployment.name}`;
}

export const haproxyMap: PeerKind = {
  name: "haproxy-map",
  does: "a prefix map of every deployment to its own backend, split 75/25, rewrite, x-request-id, x-forwarded-for",
  rewrites: true,
  splits: true,
  async start(stage) {
    const fleet = deployments(stage.fleet);
    const map = join(stage.folder, `${this.name}.map`);
    writeFileSync(map, fleet.map((deployment) => `${deployment.prefix} ${backendName(deployment)}\n`).join(""));
    const backends = fleet.map(
      (deployment) => `backend ${backendName(deployment)}
  balance roundrobin
  server main ${deployment.main.host}:${deployment.main.port} weight ${100 - canaryPercent}
  server canary ${deployment.canary.host}:${deployment.canary.port} weight ${canaryPercent}
`,
    );
    return startHaproxy(
      this.name,
      stage,
      "",
      `  unique-id-format %[uuid()]
  unique-id-header x-request-id
  option forwardfor
  http-request set-var(txn.backend) path,map_beg(${map})
  http-request return status 404 unless { var(txn.backend) -m found }
  http-request set-path /%[path,field(5,/,0)]
  use_backend %[var(txn.backend)]
${backends.join("")}`,
    );
  },
};
