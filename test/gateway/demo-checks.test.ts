import { createServer, type Server } from "node:http";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checks } from "../../gateway/demo/checks.ts";
import { timedChecks } from "../../gateway/demo/timed-checks.ts";
import { tolerance } from "../../gateway/demo/predictions.ts";
import { createModelServer } from "../../gateway/demo/model-server.ts";
import type { AddressInfo } from "node:net";

// A gateway that is wrong in every respect: whatever is asked, version 1 of the model answers it.
const wrong = createServer((request, response) => {
  request.url = "/api/v1.0/predictions";
  model.emit("request", request, response);
});
const model = createModelServer("1", () => {});
let folder = "";
const all = [...checks, ...timedChecks];
/** Nobody stops them. */
const { signal: stop } = new AbortController();
const address = { http: 1, grpc: 2 };
const ports = { first: address, second: address, shadow: address };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-demo-test-"));
  await listen(wrong);
});

afterAll(async () => {
  wrong.close();
  wrong.closeAllConnections();
  await rm(folder, { recursive: true });
});

test("a gateway that ignores the manifests fails the checks of split, header, shadow, Mapping, 404, live edit, sticky canary, comparison, rollouts and bandit", async () => {
  const base = `http://127.0.0.1:${(wrong.address() as AddressInfo).port}`;
  const stage = { base, admin: base, folder, ports, shadowed: () => Promise.resolve(0), patienceMs: 50, stop };
  const verdicts = new Map<string, boolean>();
  for (const check of all) {
    const { asked, expected } = await check(stage);
    verdicts.set(asked, expected);
  }
  const passed = [...verdicts].filter(([, expected]) => expected).map(([asked]) => asked);
  expect(verdicts.size).toBe(all.length);
  expect(passed).toEqual([
    "one deployment: predictions v1.0 (ndarray) and v0.1 (tensor)",
    "the model's own error passes",
  ]);
  // The edits were made, and undone.
  expect(await readdir(folder)).toEqual(["canary-by-annotation.yaml", "rollout.yaml"]);
});

test("no gateway at all fails every check, and throws nothing", async () => {
  const nobody = "http://127.0.0.1:1";
  const stage = { base: nobody, admin: nobody, folder, ports, shadowed: () => Promise.resolve(0), patienceMs: 0, stop };
  for (const check of all) expect(await check(stage)).toMatchObject({ expected: false });
});

test("the bound of a share is six standard deviations", () => {
  expect(tolerance(400, 0.25)).toBe(52);
  expect(tolerance(400, 0.5)).toBe(60);
});

async function listen(server: Server): Promise<void> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
}
