// A replaced data worker in a whole process: it begins with what holds at that moment.
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { GatewayProcess } from "../gateway-process.ts";
import { GatewayStage } from "../gateway-stage.ts";
import { until } from "../until.ts";

let stage: GatewayStage;
let gateway: GatewayProcess;
let at: { readonly traffic: string; readonly admin: string };

beforeEach(async () => {
  stage = await GatewayStage.open();
  await stage.manifests.deploy("iris", stage.model.port);
});
afterEach(() => stage.close());

/** One data worker, so that whoever answers is the one in its place. */
async function serve(...argv: readonly string[]): Promise<void> {
  gateway = stage.serve(1, ...argv);
  at = await gateway.listening();
}

/** null: nobody answered. */
async function statusOf(name = "iris", fields: Record<string, string> = {}): Promise<number | null> {
  const answer = await fetch(`${at.traffic}/seldon/prod/${name}/api/v1.0/predictions`, {
    method: "POST",
    body: "{}",
    headers: { connection: "close", ...fields },
  }).catch(() => null);
  await answer?.text().catch(() => "");
  return answer?.status ?? null;
}

async function metric(name: string): Promise<number> {
  const text = await (await fetch(`${at.admin}/metrics`)).text();
  return Number(
    text
      .split("\n")
      .find((line) => line.startsWith(`${name} `))
      ?.slice(name.length + 1) ?? Number.NaN,
  );
}

const ended = (event: string): number => gateway.records.filter((record) => record.event === event).length;

async function endWorker(): Promise<void> {
  const before = ended("worker-ended");
  gateway.endThread("data-0");
  await until(() => ended("worker-ended") > before, "the worker ended");
}

test("takes the place of a data worker that ends, with the table and the policy of that moment", async () => {
  const write = (defaults: string): Promise<void> =>
    stage.files.write(
      "policy.yaml",
      `defaults: { auth: ${defaults} }\nproviders:\n  keys: { kind: api-keys, file: ${JSON.stringify(join(stage.files.folder, "keys"))} }\n`,
    );
  await stage.files.write("keys", "app first-key-of-app\n");
  await write("none");
  await serve("--policy", join(stage.files.folder, "policy.yaml"));
  expect(await statusOf()).toBe(200);
  await stage.manifests.deploy("rose", stage.model.port);
  await until(async () => (await statusOf("rose")) === 200, "rose is served");
  await write("keys");
  await until(async () => (await statusOf()) === 401, "the policy holds");

  const withKey = { "x-api-key": "first-key-of-app" };
  const seen = new Set<number | null>();
  await endWorker();
  await until(async () => {
    const status = await statusOf("rose", withKey);
    seen.add(status).add(await statusOf());
    return status === 200;
  }, "rose is served again");
  // Before it has the table and the policy nobody is answered.
  seen.delete(null);
  expect(seen).toEqual(new Set([200, 401]));
  // It follows changes like any other.
  await write("none");
  await until(async () => (await statusOf()) === 200, "the policy is open again");
  await stage.manifests.deploy("lily", stage.model.port);
  await until(async () => (await statusOf("lily")) === 200, "lily is served");
  expect(await metric("sluice_worker_restarts_total")).toBe(1);
  gateway.signal("SIGTERM");
  expect(await gateway.exited).toBe(0);
  expect(gateway.errors).toBe("");
});

test("the supervisor logs a data worker that runs out of memory, and replaces it", { timeout: 120_000 }, async () => {
  // A thread that collects garbage in vain does not turn either.
  await serve("--worker-stall-ms", "0");
  gateway.endThread("exhaust data-0");
  expect((await gateway.seen("worker-ended", { thread: "data-0" }))["reason"]).toMatch(/memory/);
  await until(async () => (await statusOf()) === 200, "its successor serves");
  expect(ended("worker-ended")).toBe(1);
  gateway.signal("SIGTERM");
  expect(await gateway.exited).toBe(0);
});
