// nginx, one worker, one route, request bodies streamed.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { deployments, type Place } from "../fleet.ts";
import { freePort, start, untilListening } from "../process.ts";
import type { Peer, PeerKind, Stage } from "./peer.ts";

/** What differs between the protocols: words behind `listen`, lines of the location and of `http`. */
interface NginxForm {
  readonly listen: string;
  readonly location: string;
  readonly http: string;
}

/** Starts nginx with everything going to one place. */
export async function startNginx(name: string, stage: Stage, place: Place, form: NginxForm): Promise<Peer> {
  const port = await freePort();
  const config = join(stage.folder, "nginx.conf");
  const logFile = join(stage.folder, "nginx.log");
  writeFileSync(
    config,
    `daemon off;
worker_processes 1;
worker_rlimit_nofile 65536;
pid ${stage.folder}/nginx.pid;
error_log ${logFile};
events { worker_connections 16384; }
http {
  access_log off;
  ${form.http}
  keepalive_timeout 1h;
  keepalive_requests 1000000000;
  client_body_temp_path ${stage.folder}/nginx-bodies;
  proxy_temp_path ${stage.folder}/nginx-answers;
  upstream model {
    server ${place.host}:${place.port};
    keepalive 256;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
  }
  server {
    listen 127.0.0.1:${port}${form.listen} backlog=4096;
    location / {
      ${form.location}
      client_max_body_size 0;
    }
  }
}
`,
  );
  const program = start({
    program: "nginx",
    arguments: ["-c", config, "-e", logFile],
    core: stage.core,
    realTime: false,
    logFile: join(stage.folder, "nginx.out"),
    environment: {},
  });
  await untilListening(program, port);
  return { ...program, name, port };
}

export const nginx: PeerKind = {
  name: "nginx",
  does: "one route, one server: no rewrite, no split, no request id; bodies are streamed (proxy_request_buffering off)",
  rewrites: false,
  splits: false,
  async start(stage) {
    const { main } = deployments({ ...stage.fleet, deployments: 1 })[0]!;
    const location =
      'proxy_pass http://model; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_request_buffering off;';
    return startNginx(this.name, stage, main, { listen: "", location, http: "" });
  },
};
