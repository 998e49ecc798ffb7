// Few and many data workers: each listens, answers, counts into the same breakers, follows changes and drains. Function, not speed.
import { readFile } from "node:fs/promises";
import { Agent } from "node:http";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Asked } from "./asked.ts";
import type { GatewayProcess } from "./gateway-process.ts";
import { GatewayStage } from "./gateway-stage.ts";
import { listeners } from "./listeners.ts";
import { post } from "./load-client.ts";
import { until } from "./until.ts";

const inFlight = 100;

let stage: GatewayStage;
let gateway: GatewayProcess;

beforeEach(async () => {
  stage = await GatewayStage.open();
});
afterEach(() => stage.close());

async function metric(admin: string, name: string): Promise<number> {
  const text = await (await fetch(`${admin}/metrics`)).text();
  return Number(
    text
      .split("\n")
      .find((line) => line.startsWith(`${name} `))
      ?.slice(name.length),
  );
}

async function residentMebibytes(pid: number): Promise<number> {
  return Number(/VmRSS:\s+(\d+) kB/.exec(await readFile(`/proc/${pid}/status`, "latin1"))![1]) / 1024;
}

test.each([1, 2, 8, 64])("%i data workers", { timeout: 300_000 }, async (workers) => {
  await stage.manifests.deploy("iris", stage.model.port, "prod", {
    "seldon.io/rest-timeout": "120000",
    "seldon.io/ambassador-circuit-breakers-max-requests": String(inFlight),
    "seldon.io/ambassador-circuit-breakers-max-connections": String(inFlight),
    "seldon.io/ambassador-circuit-breakers-max-pending-requests": "0",
  });
  gateway = stage.serve(workers);
  const { traffic, admin } = await gateway.listening();
  const port = Number(new URL(traffic).port);
  expect(await listeners(port)).toBe(workers);

  // The breaker of all of them: as many requests as its limit, wherever they came in, and not one more.
  const held: (() => void)[] = [];
  stage.model.answer = (_, response) => held.push(() => response.end("{}"));
  const asked = Array.from({ length: inFlight }, () => new Asked(port, "iris"));
  await until(() => held.length === inFlight || asked.some(({ status }) => status !== ""));
  expect([held.length, ...new Set(asked.map(({ status }) => status))]).toEqual([inFlight, ""]);
  const over = Array.from({ length: 10 }, () => new Asked(port, "iris"));
  await until(() => over.every(({ status }) => status !== ""));
  expect(new Set(over.map(({ status }) => status))).toEqual(new Set(["503"]));
  await until(async () => (await metric(admin, "sluice_requests_in_flight")) === inFlight);
  stage.model.answer = (_, response) => response.end("{}");
  for (const release of held) release();
  await until(() => asked.every(({ status }) => status !== ""));
  expect(new Set(asked.map(({ status }) => status))).toEqual(new Set(["200"]));
  for (const { socket } of [...asked, ...over]) socket.destroy();
  await until(async () => (await metric(admin, "sluice_requests_in_flight")) === 0);

  // A change is live once every worker has it: then no connection is answered by an earlier table.
  await stage.manifests.deploy("rose", stage.model.port);
  await until(async () => (await metric(admin, "sluice_change_live_seconds_count")) >= 1);
  const answers = await Promise.all(
    Array.from({ length: 2 * workers }, () => post(`${traffic}/seldon/prod/rose/api/v1.0/predictions`, new Agent())),
  );
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));

  // What a worker takes is its own heap: the table is there once.
  expect(await residentMebibytes(gateway.process.pid!)).toBeLessThan(250 + 45 * workers);
  gateway.signal("SIGTERM");
  expect(await gateway.exited).toBe(0);
  expect(gateway.errors).toBe("");
  expect(gateway.records.filter(({ level }) => level === "error")).toEqual([]);
});
