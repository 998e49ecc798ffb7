// A gateway process says of dead, sick and healthy models what its clients saw.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { Value } from "typebox/value";
import { deploymentShape, type Deployment } from "../../gateway/api/deployments.ts";
import type { Status } from "../../gateway/api/status.ts";
import { freePort } from "../ports.ts";
import { until } from "./until.ts";
import { Manifests, ModelServer, serving } from "./gateway-process.ts";

const closers: (() => unknown)[] = [];
afterAll(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

test("the counters, routes, explain and /api/v1/deployments say of each deployment what its clients saw", async () => {
  const [folder, model, sick] = [await Manifests.create(), await ModelServer.start(), await ModelServer.start()];
  sick.answer = (_, response) => response.writeHead(500).end("no");
  closers.push(
    () => folder.remove(),
    () => model.stop(),
    () => sick.stop(),
  );
  const dead = await freePort();
  await folder.deploy("well", model.port);
  await folder.deploy("sick", sick.port);
  await folder.deploy("dead", dead);
  await folder.deploy("quiet", model.port);
  await folder.deployGrpc("call", dead);
  const gateway = serving(folder.folder, 2);
  closers.push(() => gateway.kill());
  const { traffic, admin } = await gateway.listening();
  const text = { headers: { accept: "text/plain" } };
  const seen = new Map<string, number>();
  for (let count = 0; count < 30; count++)
    for (const name of ["well", "sick", "dead"]) {
      const { status } = await fetch(`${traffic}/seldon/prod/${name}/api/v1.0/predictions`, {
        method: "POST",
        body: "{}",
      });
      seen.set(`${name} ${status}`, (seen.get(`${name} ${status}`) ?? 0) + 1);
    }
  expect(Object.fromEntries(seen)).toEqual({ "well 200": 30, "sick 500": 30, "dead 503": 30 });

  // Before the control worker looks, which it does each ten seconds.
  const soon = (await (await fetch(`${admin}/api/v1/status`)).json()) as Status;
  expect(soon.failingPredictors.map(({ deployment }) => deployment).sort()).toEqual(["dead", "sick"]);

  const list = (await (await fetch(`${admin}/api/v1/deployments`)).json()) as { items: Deployment[] };
  expect(list.items.filter((item) => !Value.Check(deploymentShape, item))).toEqual([]);
  const found = list.items.map(({ name, state, lastMinute: { requests, failed, modelErrors, failures } }) => [
    name,
    state,
    requests,
    failed,
    modelErrors,
    failures.map(({ flag, count }) => `${flag} ${count}`).join(),
  ]);
  expect(found).toEqual([
    ["call", "ready", 0, 0, 0, ""],
    ["dead", "failing", 30, 30, 0, "UF 30"],
    ["quiet", "ready", 0, 0, 0, ""],
    ["sick", "failing", 30, 30, 30, " 30"],
    ["well", "ready", 30, 0, 0, ""],
  ]);
  // Data workers tell of what failed in batches.
  await until(async () => (await (await fetch(`${admin}/api/v1/deployments/prod/dead`)).text()).includes(`:${dead}`));
  const one = (await (await fetch(`${admin}/api/v1/deployments/prod/dead`)).json()) as Deployment;
  expect(one).toMatchObject({
    sentence: expect.stringMatching(/^default: ready · 30 of 30 failed in the last minute: UF, .*ECONNREFUSED.*/),
    predictors: [{ name: "default", declaredPercent: 100, servedPercent: 100, measuredPercent: 100 }],
  });
  expect((await fetch(`${admin}/api/v1/deployments/prod/nobody`)).status).toBe(404);
  // What the models at each address saw.
  const endpoints = list.items.map(({ name, predictors }) => [
    name,
    predictors.flatMap((each) =>
      each.endpoints.map(({ address, state, ejectedBy, lastMinute }) => [
        address,
        state,
        ejectedBy,
        lastMinute?.requests,
        lastMinute?.answers,
        lastMinute?.failures.map(({ flag, count }) => `${flag} ${count}`).join(),
      ]),
    ),
  ]);
  expect(endpoints).toEqual([
    ["call", [[`127.0.0.1:${dead}`, "ready", 0, 0, 0, ""]]],
    ["dead", [[`127.0.0.1:${dead}`, "ready", 0, 30, 0, "UF 30"]]],
    ["quiet", [[`127.0.0.1:${model.port}`, "ready", 0, 0, 0, ""]]],
    ["sick", [[`127.0.0.1:${sick.port}`, "ready", 0, 30, 30, " 30"]]],
    ["well", [[`127.0.0.1:${model.port}`, "ready", 0, 30, 30, ""]]],
  ]);

  const routes = await (await fetch(`${admin}/api/v1/routes`, text)).text();
  expect(routes).toMatch(/ yes .*dead-default:8000.* 30 of 30 failed in the last minute: UF, /);
  expect(routes).toMatch(/ yes .*sick-default:8000.* 30 of 30 failed in the last minute: [Tt]he model answered/);
  expect(routes).not.toMatch(/well-default.*failed/);
  const path = encodeURIComponent("/seldon/prod/dead/api/v1.0/predictions");
  expect(await (await fetch(`${admin}/api/v1/explain?path=${path}`, text)).text()).toContain(
    "last minute   30 of 30 failed: UF, ",
  );

  // Whoever's failure it is. The control worker looks each ten seconds.
  const problems = async (): Promise<string> => (await fetch(`${admin}/api/v1/problems`, text)).text();
  await until(async () => (await problems()).split("predictor-failing").length === 3);
  expect(await problems()).toMatch(
    /predictor-failing SeldonDeployment prod\/dead .*30 of 30 failed[^]*predictor-failing SeldonDeployment prod\/sick /,
  );
  await until(() =>
    gateway.records.some(({ problem }) => String(problem).includes("predictor-failing SeldonDeployment prod/dead")),
  );
  const status = (await (await fetch(`${admin}/api/v1/status`)).json()) as Status;
  expect(status.failingPredictors.map(({ deployment }) => deployment).sort()).toEqual(["dead", "sick"]);

  const metrics = await (await fetch(`${admin}/metrics`)).text();
  const labels = (name: string): string =>
    `namespace="prod",deployment="${name}",predictor="default",role="live",protocol="http"`;
  for (const line of [
    `sluice_requests_total{${labels("well")},origin="model",code="200"} 30`,
    `sluice_requests_total{${labels("sick")},origin="model",code="500"} 30`,
    `sluice_requests_total{${labels("dead")},origin="gateway",code="503"} 30`,
    `sluice_failures_total{${labels("dead")},flag="UF"} 30`,
  ])
    expect(metrics).toContain(`${line}\n`);
  expect(metrics).not.toContain(`sluice_failures_total{${labels("well")}`);

  // A deployment loses its last Endpoint: each answer says so, and names it.
  const ready = (name: string, count: number): string =>
    `sluice_endpoints{namespace="prod",deployment="${name}",predictor="default",role="live",state="ready"} ${count}\n`;
  for (const name of ["well", "call"]) expect(metrics).toContain(ready(name, 1));
  expect(status.withoutEndpoint).toEqual({ count: 0, deployments: [] });
  const file = join(folder.folder, "prod-well.yaml");
  await folder.write("prod-well.yaml", (await readFile(file, "utf8")).replace("ready: true", "ready: false"));
  await until(async () => (await (await fetch(`${admin}/metrics`)).text()).includes(ready("well", 0)));
  // Readers of a moment share a Status.
  await until(async () => (await (await fetch(`${admin}/api/v1/status`)).text()).includes('"no-endpoint"'));
  const after = (await (await fetch(`${admin}/api/v1/status`)).json()) as Status;
  expect(after.withoutEndpoint).toEqual({ count: 1, deployments: [{ namespace: "prod", name: "well" }] });
  expect(after.troubles.map(({ sentence }) => sentence)).toContain("1 deployment has no ready Endpoint: prod/well.");

  // On purpose.
  await folder.write("prod-well.yaml", (await readFile(file, "utf8")).replace("\nspec:\n", "\nspec:\n  replicas: 0\n"));
  await until(
    async () => !(await (await fetch(`${admin}/api/v1/status`)).text()).includes('"no-endpoint"'),
    "it was scaled to 0",
  );
});

test("an Endpoint that refuses connections is seen where retries hide it from clients, and status names it once it is ejected", async () => {
  const [folder, model] = [await Manifests.create(), await ModelServer.start()];
  closers.push(
    () => folder.remove(),
    () => model.stop(),
  );
  await folder.deploy("pair", model.port);
  const file = join(folder.folder, "prod-pair.yaml");
  // Nothing listens at the other.
  const other = "  - addresses: [127.0.0.2]\n    conditions: { ready: true }\n";
  await folder.write("prod-pair.yaml", `${await readFile(file, "utf8")}${other}`);
  const gateway = serving(folder.folder, 1);
  closers.push(() => gateway.kill());
  const { traffic, admin } = await gateway.listening();
  const statuses = new Set<number>();
  let asked = 0;
  const status = async (): Promise<Status> => (await (await fetch(`${admin}/api/v1/status`)).json()) as Status;
  await until(async () => {
    asked += 1;
    statuses.add((await fetch(`${traffic}/seldon/prod/pair/x`)).status);
    return (await status()).ejectedEndpoints.count > 0;
  });
  expect([...statuses]).toEqual([200]);
  const dead = `127.0.0.2:${model.port}`;
  expect((await status()).troubles).toEqual([
    {
      kind: "endpoint-ejected",
      sentence: `Sluice ejected 1 Endpoint for errors in a row: ${dead} of prod/pair default (1 of 1 data workers).`,
    },
  ]);
  const { predictors, lastMinute } = (await (
    await fetch(`${admin}/api/v1/deployments/prod/pair`)
  ).json()) as Deployment;
  expect(lastMinute).toMatchObject({ requests: asked, failed: 0 });
  expect(predictors[0]!.endpoints).toMatchObject([
    { state: "ready", ejectedBy: 0, lastMinute: { requests: asked, answers: asked, failed: 0, failures: [] } },
    {
      address: dead,
      state: "ejected",
      ejectedBy: 1,
      lastMinute: {
        requests: 5,
        answers: 0,
        failed: 5,
        failures: [{ flag: "UF", count: 5, sentence: "Sluice could not connect to the Endpoint" }],
      },
    },
  ]);
});
