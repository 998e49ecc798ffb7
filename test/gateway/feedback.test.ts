// Feedback at whole gateways: any replica with the key finds the predictor that answered, also after a restart; and what was counted outlives the worker that counted it.
import { randomBytes } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { DeploymentFeedback } from "../../gateway/api/feedback.ts";
import { type GatewayProcess, Manifests, ModelServer, serving } from "./gateway-process.ts";
import { until } from "./until.ts";

const sd = `apiVersion: machinelearning.seldon.io/v1
kind: SeldonDeployment
metadata: { name: iris, namespace: prod }
spec:
  predictors:
    - { name: main, traffic: 50, graph: { name: classifier, implementation: SKLEARN_SERVER } }
    - { name: canary, traffic: 50, graph: { name: classifier, implementation: SKLEARN_SERVER } }
`;

const serviceOf = (name: string, port: number): string => `---
apiVersion: v1
kind: Service
metadata: { name: iris-${name}, namespace: prod }
spec: { clusterIP: 10.0.0.1, ports: [{ name: http, port: 8000 }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: iris-${name}-1
  namespace: prod
  labels: { kubernetes.io/service-name: iris-${name}, endpointslice.kubernetes.io/managed-by: endpointslice-controller.k8s.io }
addressType: IPv4
ports: [{ name: http, port: ${port} }]
endpoints: [{ addresses: [127.0.0.1], conditions: { ready: true } }]
`;

let manifests: Manifests;
let models: readonly ModelServer[];
let keyFile: string;
const running: GatewayProcess[] = [];

beforeEach(async () => {
  manifests = await Manifests.create();
  models = [await ModelServer.start(), await ModelServer.start()];
  for (const [at, model] of models.entries())
    model.answer = ({ headers }, response) => {
      response.setHeader("x-model", at === 0 ? "main" : "canary");
      response.setHeader("seldon-puid", headers["seldon-puid"] ?? "none");
      response.end("{}");
    };
  await manifests.write("iris.yaml", sd + serviceOf("main", models[0]!.port) + serviceOf("canary", models[1]!.port));
  keyFile = join(manifests.folder, "..", `${randomBytes(8).toString("hex")}.puid-key`);
  await writeFile(keyFile, `${randomBytes(48).toString("base64")}\n`);
});
afterEach(async () => {
  for (const gateway of running.splice(0)) await gateway.kill();
  for (const model of models) await model.stop();
  await rm(keyFile);
  await manifests.remove();
});

const started = async (
  ...more: readonly string[]
): Promise<{ gateway: GatewayProcess; traffic: string; admin: string }> => {
  const gateway = serving(manifests.folder, 1, ...more);
  running.push(gateway);
  return { gateway, ...(await gateway.listening()) };
};
const ask = (traffic: string, path: string, headers: Record<string, string> = {}) =>
  fetch(`${traffic}/seldon/prod/iris/api/v1.0/${path}`, { method: "POST", body: '{"reward":0.5}', headers });
const predictorsAt = async (admin: string): Promise<DeploymentFeedback["predictors"]> => {
  const { items } = (await (await fetch(`${admin}/api/v1/feedback`)).json()) as {
    items: readonly DeploymentFeedback[];
  };
  return items[0]!.predictors;
};

test("replicas with one key know each other's answers, and so does the next process; without it they draw", async () => {
  const one = await started("--puid-key", keyFile);
  const other = await started("--puid-key", keyFile);
  const apart = await started();
  const answers: (readonly [model: string, puid: string])[] = [];
  while (new Set(answers.map(([model]) => model)).size < 2 || answers.length < 12) {
    const { headers } = await ask(one.traffic, "predictions");
    answers.push([headers.get("x-model")!, headers.get("seldon-puid")!]);
  }
  await one.gateway.kill();
  const again = await started("--puid-key", keyFile);
  for (const { traffic } of [other, again])
    for (const [model, puid] of answers)
      expect((await ask(traffic, "feedback", { "seldon-puid": puid })).headers.get("x-model")).toBe(model);
  for (const [, puid] of answers) await ask(apart.traffic, "feedback", { "seldon-puid": puid });
  const canaries = answers.filter(([model]) => model === "canary").length;
  expect((await predictorsAt(again.admin)).find(({ name }) => name === "canary")).toMatchObject({
    routed: { puid: canaries, unknown_puid: 0 },
    rewards: { count: canaries, sum: canaries / 2, sumSquares: canaries / 4, mean: 0.5, deviation: 0 },
  });
  const drawn = await predictorsAt(apart.admin);
  expect(drawn.map(({ routed }) => routed["puid"])).toEqual([0, 0]);
  expect(drawn.reduce((sum, { routed }) => sum + routed["unknown_puid"]!, 0)).toBe(answers.length);
});

test("what was counted stays when its worker dies, in /metrics too, and the next one knows its puids without a file", async () => {
  const { gateway, traffic, admin } = await started();
  const { headers } = await ask(traffic, "predictions");
  const [model, puid] = [headers.get("x-model")!, headers.get("seldon-puid")!];
  const feedback = () => ask(traffic, "feedback", { "seldon-puid": puid });
  await feedback();
  gateway.endThread("data-0");
  await until(() => gateway.records.some(({ event }) => event === "worker-ended"), "the worker ended");
  await until(
    async () => (await feedback().catch(() => null))?.headers.get("x-model") === model,
    "the next one answers",
  );
  const counted = async (): Promise<number> =>
    (await predictorsAt(admin)).find(({ name }) => name === model)!.rewards.count;
  await until(async () => (await counted()) >= 2, "both were counted");
  const count = await counted();
  const text = await (await fetch(`${admin}/metrics`)).text();
  const labels = `namespace="prod",deployment="iris",predictor="${model}",role="live",protocol="http"`;
  for (const line of [
    `sluice_feedback_total{${labels},routed="puid"} ${count}`,
    `sluice_reward_bucket{${labels},le="0.25"} 0`,
    `sluice_reward_bucket{${labels},le="0.5"} ${count}`,
    `sluice_reward_sum{${labels}} ${count / 2}`,
    `sluice_reward_count{${labels}} ${count}`,
  ])
    expect(text).toContain(`${line}\n`);
});

test.each([
  ["missing", null, /--puid-key .* cannot be read \(ENOENT\)/],
  ["empty", "", /has no keys: write 1 to 4 lines/],
  ["too short a key", Buffer.alloc(31).toString("base64"), /has no keys/],
])("a file of keys that is %s stops the start, with a sentence", async (_what, text, sentence) => {
  if (text === null) await rm(keyFile);
  else await writeFile(keyFile, text);
  const gateway = serving(manifests.folder, 1, "--puid-key", keyFile);
  expect(await gateway.exited).toBe(1);
  expect(gateway.errors).toMatch(sentence);
  if (text === null) await writeFile(keyFile, "");
});
