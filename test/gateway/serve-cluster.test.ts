// `sluice serve` on a cluster, as a process: the API server is a fake with faults, the rest is real. test/cluster has the real one.
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FakeApi } from "../k8s/source/cluster/fake-api.ts";
import { until } from "./until.ts";
import { GatewayProcess } from "./gateway-process.ts";

const deployments = "/apis/machinelearning.seldon.io/v1/seldondeployments";
const services = "/api/v1/services";
const anywhere = ["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--workers", "1"];

let fake: FakeApi;
let folder: string;
let gateway: GatewayProcess;

beforeEach(async () => {
  fake = await FakeApi.start();
  fake.installed.add(deployments);
  fake.put(deployments, {
    metadata: { namespace: "prod", name: "iris" },
    spec: { predictors: [{ name: "main", graph: { name: "m" } }] },
  });
  fake.put(services, {
    metadata: { namespace: "prod", name: "iris-main" },
    spec: { ports: [{ name: "http", port: 8000 }] },
  });
  folder = await mkdtemp(join(tmpdir(), "sluice-cluster-"));
});

afterEach(async () => {
  await gateway.kill();
  await fake.stop();
  await chmod(folder, 0o700);
  await rm(folder, { recursive: true });
});

async function kubeconfig(): Promise<string> {
  const file = join(folder, "kubeconfig");
  await writeFile(
    file,
    JSON.stringify({
      "current-context": "fake",
      // KubeConfig takes plain HTTP only from who wants no TLS.
      clusters: [
        { name: "fake", cluster: { server: `http://127.0.0.1:${fake.port}`, "insecure-skip-tls-verify": true } },
      ],
      users: [{ name: "user", user: { token: "good" } }],
      contexts: [{ name: "fake", context: { cluster: "fake", user: "user" } }],
    }),
  );
  return file;
}

describe("sluice serve on a cluster", () => {
  test("is ready once it has listed, answers by its objects, and says when the truth is gone", async () => {
    gateway = new GatewayProcess(["serve", "--kubeconfig", await kubeconfig(), ...anywhere]);
    const { traffic, admin } = await gateway.listening();
    const path = `${traffic}/seldon/prod/iris/api/v1.0/predictions`;
    // No slice: there is nobody to ask, but there is a Route.
    expect((await fetch(path, { method: "POST" })).status).toBe(503);
    expect((await fetch(path.replace("iris", "other"), { method: "POST" })).status).toBe(404);
    expect(fake.calls.every(({ token }) => token === "good")).toBe(true);
    await fake.stop();
    const { ageSeconds, sentence } = await gateway.seen("source-stale");
    expect(ageSeconds).toBeGreaterThanOrEqual(5);
    expect(sentence).toMatch(/cannot be read: .*ECONNREFUSED/);
    expect((await fetch(`${admin}/readyz`)).status).toBe(200);
    expect((await fetch(path, { method: "POST" })).status).toBe(503);
    expect(
      (await (await fetch(`${admin}/metrics`)).text())
        .split("\n")
        .find((line) => line.startsWith("sluice_source_age_seconds{")),
    ).toMatch(/[5-9]/);
  });

  test("starts from its snapshot while the API server is away", async () => {
    const snapshot = join(folder, "last-good");
    gateway = new GatewayProcess(["serve", "--kubeconfig", await kubeconfig(), "--snapshot", snapshot, ...anywhere]);
    await gateway.listening();
    gateway.signal("SIGTERM");
    expect(await gateway.exited).toBe(0);
    await fake.stop();
    gateway = new GatewayProcess([
      "serve",
      "--kubeconfig",
      join(folder, "kubeconfig"),
      "--snapshot",
      snapshot,
      ...anywhere,
    ]);
    const { traffic, admin } = await gateway.listening();
    await gateway.seen("snapshot-read", { objects: 2 });
    await until(
      async () => (await fetch(`${traffic}/seldon/prod/iris/api/v1.0/predictions`, { method: "POST" })).status === 503,
      "its Route",
    );
    await until(
      async () => (await (await fetch(`${admin}/api/v1/problems`)).text()).includes("served-from-snapshot"),
      "that it is served from the snapshot",
    );
  });

  test("without API server and snapshot is alive, not ready, and says why", async () => {
    const file = await kubeconfig();
    await fake.stop();
    const admin = 23_000 + Math.floor(Math.random() * 5000);
    gateway = new GatewayProcess([
      "serve",
      "--kubeconfig",
      file,
      "--listen",
      "127.0.0.1:0",
      "--admin",
      `127.0.0.1:${admin}`,
      "--workers",
      "1",
    ]);
    await gateway.seen("source-stale");
    expect((await fetch(`http://127.0.0.1:${admin}/healthz`)).status).toBe(200);
    const ready = await fetch(`http://127.0.0.1:${admin}/readyz`);
    expect(ready.status).toBe(503);
    expect(await ready.text()).toMatch(/^sluice is not ready: http:\/\/127.0.0.1:\d+ cannot be read: .*ECONNREFUSED/);
  });
});
