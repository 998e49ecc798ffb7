// What counts against a canary: faults of its model, and no client that leaves.
import { afterAll, expect, test } from "vitest";
import type { Rollout } from "../../gateway/api/rollouts.ts";
import { Manifests, ModelServer, serving } from "./gateway-process.ts";
import { releasedManifest } from "./release-fixtures.ts";
import { until } from "./until.ts";

const closers: (() => unknown)[] = [];
afterAll(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

test("clients that leave are no evidence of the canary, requests that the model refuses are no failures, and a model that leaves fails", async () => {
  const [folder, main, canary] = [await Manifests.create(), await ModelServer.start(), await ModelServer.start()];
  closers.push(
    () => folder.remove(),
    () => main.stop(),
    () => canary.stop(),
  );
  await folder.write(
    "iris.yaml",
    releasedManifest({
      name: "iris",
      annotations: {
        "sluice.io/rollout":
          "to canary; steps 99%, 100%; every 30d; warm 0s, 0 requests; min 1000000 requests; errors ≤ 1%",
      },
      predictors: [
        ["main", main.port, "model:1"],
        ["canary", canary.port, "model:2"],
      ],
    }),
  );
  const gateway = serving(folder.folder, 1, "--releases-record", `${folder.folder}/.releases`);
  closers.push(() => gateway.kill());
  const { traffic, admin } = await gateway.listening();
  const shown = async (): Promise<Rollout> =>
    ((await (await fetch(`${admin}/api/v1/rollouts?deployment=iris`)).json()) as { items: Rollout[] }).items[0]!;
  await until(async () => (await shown()).waitsFor?.startsWith("1000000 more requests") === true);
  const url = `${traffic}/seldon/prod/iris/api/v1.0/predictions`;
  const send = (signal: AbortSignal | null = null): Promise<unknown> =>
    fetch(url, { method: "POST", body: "{}", signal })
      .then((answer) => answer.text())
      .catch(() => undefined);

  // The model has the request, and its client leaves: before any answer, and in the middle of one.
  for (const begin of ["", "half an answer"]) {
    for (let left = 0; left < 20; left += 1) {
      const leaving = new AbortController();
      main.answer = canary.answer = (request, response) => {
        request.resume();
        if (begin !== "") response.writeHead(200, { "content-length": 1000 }).write(begin);
        leaving.abort();
      };
      await send(leaving.signal);
    }
  }
  let [served, refused] = [0, 0];
  main.answer = (_, response) => void response.end("{}");
  canary.answer = (_, response) => {
    if (served > refused) refused += 1;
    else served += 1;
    response.writeHead(served === refused ? 400 : 200).end("{}");
  };
  for (let sent = 0; sent < 60; sent += 1) await send();
  expect(refused).toBeGreaterThan(0);
  await until(async () => ((await shown()).evidence?.canary.requests ?? 0) >= served + refused);
  expect(await shown()).toMatchObject({
    state: "stepping",
    evidence: { canary: { requests: served + refused, failed: 0 } },
  });

  canary.answer = (_, response) => {
    response.writeHead(200, { "content-length": 1000 }).write("half");
    setImmediate(() => response.destroy());
  };
  for (let sent = 0; sent < 20; sent += 1) await send();
  await until(async () => (await shown()).state === "aborted");
  expect((await shown()).sentence).toMatch(/^canary is rolled back/);
}, 120_000);
