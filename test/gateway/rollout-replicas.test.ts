// A rollout on three replicas, three gateway processes on one folder and one record, whose leader is killed in the middle of it.
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import type { Deployment } from "../../gateway/api/deployments.ts";
import type { Rollout } from "../../gateway/api/rollouts.ts";
import { freePorts } from "../ports.ts";
import { GatewayProcess, Manifests, ModelServer } from "./gateway-process.ts";
import { releasedManifest } from "./release-fixtures.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

test("all counts decide, nothing goes on while a replica is away, and the next leader goes on from the record", async () => {
  const [folder, main, canary] = [await Manifests.create(), await ModelServer.start(), await ModelServer.start()];
  const ports = await freePorts(3);
  closers.push(
    () => folder.remove(),
    () => main.stop(),
    () => canary.stop(),
  );
  const deploy = (orders: Record<string, string>): Promise<void> =>
    folder.write(
      "iris.yaml",
      releasedManifest({
        name: "iris",
        annotations: {
          "sluice.io/rollout":
            "to canary; steps 20%, 100%; every 10s; warm 0s, 0 requests; min 60 requests; errors ≤ 20%",
          ...orders,
        },
        predictors: [
          ["main", main.port, "model:1"],
          ["canary", canary.port, "model:2"],
        ],
      }),
    );
  // A look that counts enough also goes on: a person holds the step until the leader is gone.
  await deploy({ "sluice.io/rollout-pause": "true" });
  const gateways: (GatewayProcess | null)[] = [];
  const start = async (at: number): Promise<void> => {
    const argv = ["serve", "--folder", folder.folder, "--listen", "127.0.0.1:0", "--admin", `127.0.0.1:${ports[at]!}`];
    const peers = ports.flatMap((port) => ["--peers", `http://127.0.0.1:${port}`]);
    const more = ["--workers", "1", "--releases-record", join(folder.folder, ".releases")];
    const gateway = new GatewayProcess([...argv, ...peers, ...more]);
    gateways[at] = gateway;
    closers.push(() => gateway.kill());
    await gateway.listening();
  };
  for (const at of [0, 1, 2]) await start(at);
  const there = (): readonly number[] => [0, 1, 2].filter((at) => gateways[at] !== null);
  const asked = async <T>(at: number, path: string): Promise<T> =>
    (await (await fetch(`http://127.0.0.1:${ports[at]!}${path}`)).json()) as T;
  const percents = (): Promise<readonly number[]> =>
    Promise.all(
      there().map(async (at) => {
        const { predictors } = await asked<Deployment>(at, "/api/v1/deployments/prod/iris");
        return predictors.find(({ name }) => name === "canary")!.declaredPercent;
      }),
    );
  const rolloutAt = async (at: number): Promise<Rollout> =>
    (await asked<{ items: Rollout[] }>(at, "/api/v1/rollouts")).items[0]!;
  const leaderOf = async (): Promise<{ readonly at: number; readonly rollout: Rollout } | null> => {
    for (const at of there()) {
      const rollout = await rolloutAt(at);
      if (rollout.decides) return { at, rollout };
    }
    return null;
  };
  await expect.poll(percents, { timeout: 20_000 }).toEqual([20, 20, 20]);

  const failed: string[] = [];
  const killed = new Set<number>();
  const over = new AbortController();
  const client = async (at: number): Promise<void> => {
    const gateway = gateways[at]!;
    const { traffic } = await gateway.listening();
    while (!over.signal.aborted && gateways[at] === gateway) {
      try {
        const url = `${traffic}/seldon/prod/iris/api/v1.0/predictions`;
        const response = await fetch(url, { method: "POST", body: "{}" });
        await response.arrayBuffer();
        if (response.status !== 200) failed.push(`${at} ${response.status}`);
      } catch (error) {
        if (!killed.has(at)) failed.push(`${at} ${String(error)}`);
      }
      await new Promise((resolve) => {
        setTimeout(resolve, 10);
      });
    }
  };
  const clients = [0, 1, 2].map(client);
  // Counts of all three.
  await expect
    .poll(async () => (await leaderOf())?.rollout.evidence?.canary.requests ?? 0, { timeout: 60_000 })
    .toBeGreaterThan(30);
  const { at: leading } = (await leaderOf())!;
  killed.add(leading);
  await gateways[leading]!.kill();
  gateways[leading] = null;
  await deploy({});
  await expect
    .poll(async () => (await leaderOf())?.rollout.waitsFor, { timeout: 60_000 })
    .toBe("an answer of each replica");
  expect(await percents()).toEqual([20, 20]);
  await start(leading);
  await expect.poll(percents, { timeout: 60_000 }).toEqual([100, 100, 100]);
  over.abort();
  await Promise.all(clients);
  expect(failed).toEqual([]);
}, 150_000);
