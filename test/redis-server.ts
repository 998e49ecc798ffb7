// A real redis-server of a test, on a free port of loopback, that can be stopped, killed and started again on the same port.
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RedisSettings } from "../gateway/options/redis-settings.ts";
import { freePort } from "./ports.ts";

/** redis-server is installed. */
export const hasRedis = spawnSync("redis-server", ["--version"]).status === 0;
if (!hasRedis)
  console.warn("redis-server is not installed (Debian: apt-get install redis-server): its tests are skipped");

export class RedisServer {
  readonly port: number;
  readonly #folder = mkdtempSync(join(tmpdir(), "sluice-redis-"));
  readonly #args: readonly string[];
  #process: ChildProcess | null = null;

  private constructor(port: number, args: readonly string[]) {
    this.port = port;
    this.#args = args;
  }

  /** A Sentinel with this configuration, which says its port. */
  static async sentinel(config: string, port: number): Promise<RedisServer> {
    const server = new RedisServer(port, [config, "--sentinel"]);
    await server.restart();
    return server;
  }

  /** `args`: further options of redis-server. Resolves when it takes connections. */
  static async start(...args: string[]): Promise<RedisServer> {
    const server = new RedisServer(await freePort(), args);
    await server.restart();
    return server;
  }

  /** A node of a Cluster. Its bus has a port of its own: the usual one, 10,000 above, is among those that the kernel gives to clients. */
  static async clusterNode(): Promise<RedisServer> {
    return RedisServer.start("--cluster-enabled", "yes", "--cluster-port", String(await freePort()));
  }

  /** Starts it again on its port, empty. */
  async restart(): Promise<void> {
    const isSentinel = this.#args.includes("--sentinel");
    const child = spawn(
      "redis-server",
      isSentinel
        ? this.#args
        : [
            "--port",
            String(this.port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
            "--dir",
            this.#folder,
            ...this.#args,
          ],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    this.#process = child;
    let said = "";
    for await (const piece of child.stdout) {
      said += String(piece);
      if (/Ready to accept connections|Sentinel ID/.test(said)) {
        child.stdout.resume();
        return;
      }
    }
    throw new Error(`redis-server did not start: ${said}`);
  }

  /** It is gone at once, with what it held. */
  async kill(): Promise<void> {
    const child = this.#process;
    this.#process = null;
    if (child === null) return;
    const ended = once(child, "exit");
    // A process that stands still does not take it otherwise.
    child.kill("SIGKILL");
    await ended;
  }

  /** It stands still: connections stay, and nothing is answered. */
  freeze(): void {
    this.#process?.kill("SIGSTOP");
  }

  thaw(): void {
    this.#process?.kill("SIGCONT");
  }

  /** What redis-cli prints for a command. */
  cli(...args: string[]): string {
    const { stdout, stderr } = spawnSync("redis-cli", ["-p", String(this.port), ...args], { encoding: "utf8" });
    return (stdout + stderr).trim();
  }

  async close(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

export function redisAt(port: number, more: Partial<RedisSettings> = {}): RedisSettings {
  return {
    kind: "single",
    nodes: [{ host: "127.0.0.1", port }],
    master: "",
    tls: false,
    caFile: null,
    username: "",
    passwordFile: null,
    database: 0,
    timeoutMs: 50,
    ...more,
  };
}
