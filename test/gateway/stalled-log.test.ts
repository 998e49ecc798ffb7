// A log that nobody reads: traffic goes on, and SIGTERM ends the process all the same.
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync, readSync } from "node:fs";
import { Agent } from "node:http";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { entry } from "./entry.ts";
import { Manifests, ModelServer } from "./gateway-process.ts";
import { post } from "./load-client.ts";
import { freePort } from "../ports.ts";

let manifests: Manifests;
let model: ModelServer;
let gateway: ChildProcess | null = null;

beforeEach(async () => {
  manifests = await Manifests.create();
  model = await ModelServer.start();
  await manifests.deploy("iris", model.port);
});
afterEach(async () => {
  gateway?.kill("SIGKILL");
  await model.stop();
  await manifests.remove();
});

/** Until it serves the deployment: its port is bound, closed and bound again before, and a table comes after. */
async function serves(url: string, agent: Agent): Promise<void> {
  while (
    (await post(url, agent).then(
      ({ status }) => status,
      () => 0,
    )) !== 200
  ) {
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
  }
}

/** Starts a gateway on this standard output, fills it with access lines, and gives the exit code after SIGTERM. */
async function endOf(stdout: "pipe" | number): Promise<number | null> {
  const port = await freePort();
  const options = [
    "serve",
    "--folder",
    manifests.folder,
    "--listen",
    `127.0.0.1:${port}`,
    "--admin",
    "127.0.0.1:0",
    "--workers",
    "1",
    "--drain-wait-ms",
    "0",
    "--access-log",
    "all",
  ];
  gateway = spawn(process.execPath, [entry, ...options], {
    stdio: ["ignore", stdout, "ignore"],
    env: { PATH: process.env["PATH"] },
  });
  const exited = once(gateway, "exit").then(([code]) => code as number | null);
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  const url = `http://127.0.0.1:${port}/seldon/prod/iris/api/v1.0/predictions?${"x".repeat(200)}`;
  await serves(url, agent);
  // Lines of some 600 bytes: more than any pipe or socket holds.
  for (let round = 0; round < 60; round++) await Promise.all(Array.from({ length: 20 }, () => post(url, agent)));
  expect((await post(url, agent)).status).toBe(200);
  agent.destroy();
  gateway.kill("SIGTERM");
  return exited;
}

describe("SIGTERM while nobody reads the log", () => {
  test("of a socket", async () => {
    expect(await endOf("pipe")).toBe(0);
  });

  test("of a pipe", async () => {
    const fifo = join(manifests.folder, "log.fifo");
    spawnSync("sh", ["-c", 'mkfifo "$0"', fifo]);
    const both = openSync(fifo, "r+");
    expect(await endOf(both)).toBe(0);
    // What came before it was full is whole lines.
    const bytes = Buffer.alloc(65_536);
    const text = bytes.toString("utf8", 0, readSync(both, bytes));
    const events = text
      .split("\n")
      .slice(0, -1)
      .map((line) => (JSON.parse(line) as { readonly event: string }).event);
    expect(events).toContain("listening");
    closeSync(both);
  });
});

test.skipIf(!existsSync("/dev/full"))(
  "SIGTERM while the disk of the log is full: the gateway has served, and ends",
  async () => {
    const full = openSync("/dev/full", "w");
    expect(await endOf(full)).toBe(0);
    closeSync(full);
  },
);
