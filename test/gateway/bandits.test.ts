// Bandits on a real gateway: which number of feedback they learn from.
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { Deployment } from "../../gateway/api/deployments.ts";
import type { DeploymentFeedback } from "../../gateway/api/feedback.ts";
import type { Rollout } from "../../gateway/api/rollouts.ts";
import { Manifests, ModelServer, serving } from "./gateway-process.ts";
import { releasedManifest } from "./release-fixtures.ts";
import { until } from "./until.ts";

const closers: (() => unknown)[] = [];
afterAll(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function itemsOf<One>(url: string): Promise<readonly One[]> {
  return ((await (await fetch(url)).json()) as { items: readonly One[] }).items;
}

test("a bandit learns from the path that its annotation names; feedback without it is counted, and is no reward", async () => {
  const folder = await Manifests.create();
  closers.push(() => folder.remove());
  const ports: number[] = [];
  for (const name of ["main", "canary"]) {
    const model = await ModelServer.start();
    closers.push(() => model.stop());
    model.answer = ({ headers }, response) => {
      response.setHeader("x-model", name);
      response.setHeader("seldon-puid", headers["seldon-puid"] ?? "");
      response.end("{}");
    };
    ports.push(model.port);
  }
  const deploy = (bandit: string): Promise<void> =>
    folder.write(
      "iris.yaml",
      releasedManifest({
        name: "iris",
        annotations: { "sluice.io/bandit": bandit },
        predictors: [
          ["main", ports[0]!, "model:1"],
          ["canary", ports[1]!, "model:2"],
        ],
      }),
    );
  await deploy("thompson; floor 10%; every 10s; reward feedback $.truth.clicks[0]");
  const gateway = serving(folder.folder, 1, "--releases-record", join(folder.folder, ".releases"));
  closers.push(() => gateway.kill());
  const { traffic, admin } = await gateway.listening();
  const rollout = async (): Promise<Rollout> => (await itemsOf<Rollout>(`${admin}/api/v1/rollouts`))[0]!;
  await until(async () => (await rollout()).decides);
  const send = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    fetch(`${traffic}/seldon/prod/iris/api/v1.0/${path}`, { method: "POST", body: JSON.stringify(body), headers });
  const ask = async (feedback: (model: string) => unknown): Promise<void> => {
    const { headers } = await send("predictions", {});
    const [model, puid] = [headers.get("x-model")!, headers.get("seldon-puid")!];
    // Each comes twice, as from a client that did not wait long enough.
    for (let time = 0; time < 2; time += 1) {
      const answer = await send("feedback", feedback(model), { "seldon-puid": puid });
      expect([answer.status, answer.headers.get("x-model")]).toEqual([200, model]);
    }
  };

  // What stands at `reward` would say the opposite.
  for (let at = 0; at < 10; at += 1) await ask((model) => ({ reward: model === "main" ? 1 : 0 }));
  // Nobody knows whose answers these are about.
  for (let at = 0; at < 20; at += 1) await send("feedback", { truth: { clicks: [at % 2] } });
  const predictors = async (): Promise<DeploymentFeedback["predictors"]> =>
    (await itemsOf<DeploymentFeedback>(`${admin}/api/v1/feedback`))[0]!.predictors;
  const before = await predictors();
  expect(before.reduce((sum, { routed }) => sum + routed["puid"]!, 0)).toBe(20);
  expect(before.reduce((sum, { rewards }) => sum + rewards.count, 0)).toBe(20);
  expect((await rollout()).sentence).toBe(
    "main 50%, canary 50%. Waits for the first reward: a number, true or false in feedback at $.truth.clicks[0].",
  );

  for (let at = 0; at < 60; at += 1)
    await ask((model) => ({ reward: model === "main" ? 1 : 0, truth: { clicks: [model === "canary"] } }));
  const percents = async (): Promise<Record<string, number>> => {
    const found = (await (await fetch(`${admin}/api/v1/deployments/prod/iris`)).json()) as Deployment;
    return Object.fromEntries(found.predictors.map(({ name, declaredPercent }) => [name, declaredPercent]));
  };
  await until(async () => (await percents())["canary"] === 90);
  await until(async () => {
    const said =
      /^main 10% \(mean reward 0 of (\d+)\), canary 90% \(mean reward 1 of (\d+)\)\. Decided every 10s\.$/.exec(
        (await rollout()).sentence,
      );
    return Number(said?.[1]) + Number(said?.[2]) >= 59;
  });
  const [, ofMain, ofCanary] = /of (\d+).* of (\d+)/.exec((await rollout()).sentence)!;
  // Of 60 answers, rounded.
  expect(Number(ofMain) + Number(ofCanary)).toBeLessThanOrEqual(61);

  // Rewards of another path are of another scale: it forgets, and keeps its shares until it knows more.
  await deploy("thompson; floor 10%; every 10s; reward feedback $.truth.euros");
  await until(async () => (await rollout()).sentence.includes("$.truth.euros"));
  expect((await rollout()).sentence).toMatch(/^main 10%, canary 90%\. Waits for the first reward: /);
  expect(await percents()).toEqual({ main: 10, canary: 90 });
});
