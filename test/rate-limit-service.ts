// Envoy's own rate limit service (Go) as a process, for tests. `test/tools/ratelimit.sh` builds it.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./ports.ts";
import { hasRedis } from "./redis-server.ts";

const program = new URL("../.cache/tools/ratelimit-v1.4.1-0.20260122083618-3fb702589d36", import.meta.url).pathname;

/** It is built, and can have its Redis. */
export const hasRateLimitService = existsSync(program) && hasRedis;
if (!existsSync(program))
  console.warn("Envoy's rate limit service is not built (test/tools/ratelimit.sh, with Go): its tests are skipped");

const config = `
domain: models
descriptors:
  - key: user
    rate_limit: { unit: hour, requests_per_unit: 3 }
  - key: user
    value: vip
    rate_limit: { unit: hour, requests_per_unit: 1000 }
`;

/** The service as a process, on a free port: of the domain `models`, three requests an hour for each `user`, a thousand for `vip`. */
export class RateLimitProcess {
  readonly #folder = mkdtempSync(join(tmpdir(), "sluice-ratelimit-"));
  readonly #child: ChildProcess;
  readonly port: number;
  readonly #statusPort: number;

  private constructor(redisPort: number, [port, statusPort, debugPort]: readonly [number, number, number]) {
    this.port = port;
    this.#statusPort = statusPort;
    mkdirSync(join(this.#folder, "ratelimit", "config"), { recursive: true });
    writeFileSync(join(this.#folder, "ratelimit", "config", "config.yaml"), config);
    const env = {
      HOST: "127.0.0.1",
      PORT: String(statusPort),
      GRPC_HOST: "127.0.0.1",
      GRPC_PORT: String(port),
      DEBUG_HOST: "127.0.0.1",
      DEBUG_PORT: String(debugPort),
      USE_STATSD: "false",
      LOG_LEVEL: "error",
      REDIS_SOCKET_TYPE: "tcp",
      REDIS_URL: `127.0.0.1:${redisPort}`,
      RUNTIME_ROOT: this.#folder,
      RUNTIME_SUBDIRECTORY: "ratelimit",
      RUNTIME_WATCH_ROOT: "false",
      LIMIT_RESPONSE_HEADERS_ENABLED: "true",
    };
    this.#child = spawn(program, { env, stdio: "ignore" });
  }

  static async start(redisPort: number): Promise<RateLimitProcess> {
    const service = new RateLimitProcess(redisPort, [await freePort(), await freePort(), await freePort()]);
    const isHealthy = (): Promise<boolean> =>
      fetch(`http://127.0.0.1:${service.#statusPort}/healthcheck`).then(
        ({ status }) => status === 200,
        () => false,
      );
    for (let healthy = await isHealthy(); !healthy; healthy = await isHealthy())
      if (service.#child.exitCode !== null) throw new Error("the rate limit service ended at its start");
    return service;
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = once(this.#child, "exit");
      this.#child.kill("SIGKILL");
      await ended;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
