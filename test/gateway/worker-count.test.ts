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

test(
  "a table that does not fit into --table-mib is a Problem, and the one before is served on",
  { timeout: 120_000 },
  async () => {
    const text = "x".repeat(7500);
    const manyOf = (namespace: string): string =>
      Array.from(
        { length: 4 },
        (_, i) =>
          `apiVersion: getambassador.io/v2\nkind: Mapping\nmetadata: { name: m${i}, namespace: ${namespace} }\nspec: { prefix: /seldon/${namespace}/m${i}/, service: "iris-default:8000", add_request_headers: { x-a: ${text} }, add_response_headers: { x-b: ${text} } }\n`,
      ).join("---\n");
    await stage.manifests.deploy("iris", stage.model.port);
    gateway = stage.serve(2, "--table-mib", "16");
    const { traffic, admin } = await gateway.listening();
    const agent = new Agent();
    const statusOf = async (path: string): Promise<number> => (await post(traffic + path, agent)).status;
    const problems = async (): Promise<string> => (await fetch(`${admin}/api/v1/problems`)).text();
    // What 32 namespaces may have at most is 2 MiB.
    const fileOf = (file: number): string =>
      Array.from({ length: 32 }, (_, i) => manyOf(`n${file}-${i}`)).join("---\n");
    for (let file = 0; file < 10; file++) await stage.manifests.write(`f${file}.yaml`, fileOf(file));
    await until(async () => (await problems()).includes("table-full"));
    expect(await problems()).toMatch(
      /memory of 16 MiB: Sluice keeps serving the table from before, without changes of any namespace; start with a larger --table-mib/,
    );
    expect(await statusOf("/seldon/prod/iris/api/v1.0/predictions")).toBe(200);
    await stage.manifests.deploy("rose", stage.model.port);
    // Room again: what did not fit before is served, too.
    for (let file = 5; file < 10; file++) await stage.manifests.write(`f${file}.yaml`, "");
    await until(async () => (await statusOf("/seldon/prod/rose/api/v1.0/predictions")) === 200);
    await until(async () => !(await problems()).includes("table-full"));
  },
);
