// Events of a rollout on a real API server: each step is one, from two replicas of which the leader is killed in the middle.
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Rollout } from "../../gateway/api/rollouts.ts";
import type { GatewayProcess } from "../gateway/gateway-process.ts";
import { ApiServer } from "./api-server.ts";
import { installChart, startInstalled } from "./installed-gateway.ts";
import { describeCluster } from "./suite.ts";

const namespace = "models";
const text = "to canary; steps 20%, 100%; every 1m; min 60 requests; errors ≤ 20%";

interface ToldEvent {
  readonly metadata: { readonly name: string };
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly count: number;
}

describeCluster("Events of a rollout", () => {
  let cluster: ApiServer;
  let replicas: GatewayProcess[] = [];

  beforeAll(async () => {
    cluster = await ApiServer.start();
    await cluster.install("seldondeployments");
    await cluster.admin.createNamespace(namespace);
    const installed = await installChart(cluster, { rollouts: true, podDisruptionBudget: { enabled: false } });
    for (let at = 0; at < 2; at++) {
      const snapshot = `--snapshot=${join(cluster.folder, `snapshot-${at}`)}`;
      const gateway = await startInstalled(cluster, installed, ["--workers=1", "--admin-token=token", snapshot]);
      replicas.push(gateway);
      await gateway.listening();
    }
  }, 120_000);

  afterAll(async () => {
    await Promise.all(replicas.map((gateway) => gateway.kill()));
    await cluster?.stop();
  });

  const apply = (annotations: Readonly<Record<string, string>>, image: string): Promise<void> =>
    cluster.admin.apply([
      {
        apiVersion: "machinelearning.seldon.io/v1",
        kind: "SeldonDeployment",
        metadata: { name: "iris", namespace, annotations: { "sluice.io/rollout": text, ...annotations } },
        spec: {
          predictors: ["main", "canary"].map((name) => ({
            name,
            graph: { name: "classifier" },
            componentSpecs: [{ spec: { containers: [{ name: "classifier", image }] } }],
          })),
        },
      },
    ]);
  const told = async (): Promise<readonly string[]> => {
    const events = (await cluster.admin.list(`/api/v1/namespaces/${namespace}/events`)) as unknown as ToldEvent[];
    return events
      .filter(({ reason }) => reason.startsWith("Rollout"))
      .map(({ type, reason, message, count }) => `${count} ${type} ${reason}: ${message}`)
      .toSorted();
  };
  const leader = async (): Promise<GatewayProcess | null> => {
    for (const gateway of replicas) {
      const { admin } = await gateway.listening();
      const answer = await fetch(`${admin}/api/v1/rollouts?deployment=iris`, {
        headers: { authorization: "Bearer token" },
      });
      const { items } = (await answer.json()) as { readonly items: readonly Rollout[] };
      if (items[0]?.decides === true) return gateway;
    }
    return null;
  };

  test("it begins, is paused, is promoted by a person, begins with another model and is aborted: five Events, each counted once", async () => {
    const began = "1 Normal RolloutBegan: canary gets 20% of the traffic: it begins.";
    const paused = "1 Normal RolloutPaused: sluice.io/rollout-pause holds the rollout: canary gets 20% of the traffic.";
    const promoted =
      "1 Normal RolloutPromoted: canary is promoted: it gets all live traffic. A person asked for it by sluice.io/rollout-promote.";
    const anew = "1 Normal RolloutBegan: canary gets 20% of the traffic: the model is another one.";
    const aborted =
      "1 Warning RolloutAborted: canary is rolled back from 20% of the traffic. A person asked for it by sluice.io/rollout-abort.";
    const expectTold = (...events: readonly string[]): Promise<void> =>
      expect.poll(told, { timeout: 40_000 }).toEqual(events.toSorted());
    await apply({}, "model:1");
    await expectTold(began);
    await apply({ "sluice.io/rollout-pause": "true" }, "model:1");
    await expectTold(began, paused);
    await expect.poll(leader, { timeout: 20_000 }).not.toBeNull();
    const killed = (await leader())!;
    await killed.kill();
    replicas = replicas.filter((one) => one !== killed);
    await expect.poll(leader, { timeout: 40_000 }).toBe(replicas[0]);
    await apply({ "sluice.io/rollout-promote": "true" }, "model:1");
    await expectTold(began, paused, promoted);
    await apply({ "sluice.io/rollout-promote": "true" }, "model:2");
    await expectTold(began, paused, promoted, anew);
    await apply({ "sluice.io/rollout-abort": "true" }, "model:2");
    await expectTold(began, paused, promoted, anew, aborted);
  }, 240_000);
});
