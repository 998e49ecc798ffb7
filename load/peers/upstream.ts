// The model servers of a comparison: one nginx that reads the whole body and then answers, with one port for each predictor that can answer.
//
// Chosen by measurement (CPU µs a request, 70 B / 100 kB, 64 connections): nginx with the echo module and `return` 7.2 / 19.4,
// HAProxy `http-request return` 8.9 / 31.8, bare sockets in Node 10.4 / 64. `return` alone answers before it has read a large body.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort, loadCore, start, untilListening, type Program } from "./process.ts";

export interface Upstream extends Program {
  /** Port by name of the predictor that it plays. */
  readonly ports: ReadonlyMap<string, number>;
}

export interface UpstreamPlan {
  readonly folder: string;
  readonly predictors: readonly string[];
  /** Body of an answer: `answerOf`, or something else to prove that the check can fail. */
  readonly answer: (predictor: string) => string;
  /** In an open loop the generator spins on the same core, and the upstream goes first. */
  readonly realTime: boolean;
}

/** The header under which a probe asks for what the upstream received. */
export const probeField = "x-probe";

function server(predictor: string, port: number, body: string): string {
  return `
  server {
    listen ${port} backlog=4096;
    location / { echo_read_request_body; echo_exec @answer; }
    location @answer {
      add_header x-received-uri $received_uri;
      add_header x-predictor $received_predictor_${predictor};
      return 200 '${body}';
    }
  }
  map $http_x_probe $received_predictor_${predictor} { default ''; yes '${predictor}'; }`;
}

export async function startUpstream(plan: UpstreamPlan): Promise<Upstream> {
  mkdirSync(plan.folder, { recursive: true });
  const ports = new Map<string, number>();
  for (const predictor of plan.predictors) ports.set(predictor, await freePort());
  const config = join(plan.folder, "upstream.conf");
  const log = join(plan.folder, "upstream.log");
  writeFileSync(
    config,
    `daemon off;
worker_processes 1;
worker_rlimit_nofile 65536;
pid ${plan.folder}/upstream.pid;
error_log ${log};
load_module /usr/lib/nginx/modules/ngx_http_echo_module.so;
events { worker_connections 32768; }
http {
  access_log off;
  default_type application/json;
  server_tokens off;
  keepalive_timeout 1h;
  keepalive_requests 1000000000;
  client_body_buffer_size 128k;
  client_body_temp_path ${plan.folder}/upstream-bodies;
  map $http_x_probe $received_uri { default ''; yes $request_uri; }
${[...ports].map(([predictor, port]) => server(predictor, port, plan.answer(predictor))).join("\n")}
}
`,
  );
  const program = start({
    program: "nginx",
    arguments: ["-c", config, "-e", log],
    core: loadCore,
    realTime: plan.realTime,
    logFile: join(plan.folder, "upstream.out"),
    environment: {},
  });
  for (const port of ports.values()) await untilListening(program, port);
  return { ...program, ports };
}
