// @fastify/http-proxy in one Node process: the usual way to write a gateway in this language.
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { deployments } from "../fleet.ts";
import { freePort, start, untilListening } from "../process.ts";
import type { PeerKind } from "./peer.ts";

const server = fileURLToPath(new URL("fastify-server.ts", import.meta.url));

export const fastify: PeerKind = {
  name: "fastify",
  does: "one parametric route, one server, rewrite; no split",
  rewrites: true,
  splits: false,
  async start(stage) {
    const first = deployments({ ...stage.fleet, deployments: 1 })[0]!;
    const port = await freePort();
    const logFile = join(stage.folder, "fastify.log");
    const program = start({
      program: process.execPath,
      arguments: [server, String(port), `http://${first.main.host}:${first.main.port}`],
      core: stage.core,
      realTime: false,
      logFile,
      environment: { NODE_ENV: "production" },
    });
    await untilListening(program, port);
    return { ...program, name: this.name, port };
  },
};
