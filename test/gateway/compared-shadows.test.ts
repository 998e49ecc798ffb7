// Compared shadows on a real gateway: what a client gets, what the admin port and `sluice compare` tell of it, and threads that end.
import { afterEach, beforeEach, expect, test } from "vitest";
import type { ComparedDeployment } from "../../gateway/api/comparisons.ts";
import { comparedManifest } from "./compared-stage.ts";
import { ModelServer, type GatewayProcess } from "./gateway-process.ts";
import { GatewayStage } from "./gateway-stage.ts";
import { runTool } from "./tools/run-tool.ts";
import { until } from "./until.ts";

let stage: GatewayStage;
let shadow: ModelServer;

beforeEach(async () => {
  stage = await GatewayStage.open();
  shadow = await ModelServer.start();
});
afterEach(async () => {
  await stage.close();
  await shadow.stop();
});

const rules = "tolerance 0.01; redact data.secret";

function answerOf(row: readonly number[], puid: string): string {
  return JSON.stringify({ data: { names: ["setosa", "virginica"], ndarray: [row], secret: "pa55" }, meta: { puid } });
}

async function start(
  workers: number,
  ...argv: readonly string[]
): Promise<{ gateway: GatewayProcess; traffic: string; admin: string }> {
  await stage.manifests.write(
    "iris.yaml",
    comparedManifest("iris", { main: stage.model.port, next: shadow.port }, rules),
  );
  const gateway = stage.serve(workers, ...argv);
  return { gateway, ...(await gateway.listening()) };
}

async function predict(traffic: string, count: number): Promise<void> {
  for (let at = 0; at < count; at++) {
    const answer = await fetch(`${traffic}/seldon/prod/iris/api/v1.0/predictions`, {
      method: "POST",
      body: `{"at":${at}}`,
    });
    expect([answer.status, await answer.text()]).toEqual([200, answerOf([0.9, 0.1], "primary")]);
  }
}

async function compared(admin: string): Promise<ComparedDeployment | null> {
  const answer = await fetch(`${admin}/api/v1/comparisons/prod/iris`);
  return answer.status === 404 ? null : ((await answer.json()) as ComparedDeployment);
}

async function pairs(admin: string): Promise<number> {
  return (await compared(admin))?.comparisons[0]?.pairs ?? 0;
}

test("answers of a shadow are compared, and what came of it is shown", async () => {
  let calls = 0;
  stage.model.answer = (_, response) => response.end(answerOf([0.9, 0.1], "primary"));
  // Every fourth says something else, and all others something near.
  shadow.answer = (_, response) => response.end(answerOf(calls++ % 4 === 3 ? [0.2, 0.8] : [0.901, 0.1], "shadow"));
  const { traffic, admin } = await start(2);
  await predict(traffic, 8);
  await until(async () => (await pairs(admin)) === 8);
  const { comparisons, disagreements } = (await compared(admin))!;
  expect(comparisons).toHaveLength(1);
  expect(comparisons[0]).toMatchObject({
    namespace: "prod",
    deployment: "iris",
    predictor: "next",
    against: "main",
    rules,
    agreed: 6,
    disagreed: 2,
    agreement: { share: 0.75 },
    incomparable: [],
    leftOut: [],
    paths: [{ path: "data.ndarray", numbersApart: 4, pairsApart: 2, maxDifference: expect.closeTo(0.7, 5) }],
  });
  expect(disagreements).toHaveLength(2);
  expect(disagreements[0]!.differences).toEqual([{ path: "data.ndarray", primary: "0.9", shadow: "0.2" }]);
  expect(JSON.parse(disagreements[0]!.primary)).toMatchObject({ data: { ndarray: [[0.9, 0.1]], secret: "redacted" } });
  expect(JSON.stringify(disagreements)).not.toContain("pa55");

  const { code, out } = await runTool("compare", "iris", "--url", admin);
  expect(code).toBe(0);
  expect(out).toMatch(/^prod\/iris\n\nnext beside main\n {2}agreement {2}75.00 % \(.* of 8 pairs\n/);
  expect(out).toMatch(/ {2}data.ndarray +2 +4 /);
  expect((await runTool("compare", "prod/other", "--url", admin)).err).toContain("prod/other");
  expect(JSON.parse((await runTool("compare", "prod/iris", "--url", admin, "-o", "json")).out)).toMatchObject({
    deployment: "iris",
  });
  const metrics = await (await fetch(`${admin}/metrics`)).text();
  expect(metrics).toContain(
    'sluice_comparisons_total{namespace="prod",deployment="iris",predictor="next",against="main",outcome="disagreed"} 2',
  );
});

test("of many requests at once a sample is compared; what is not compared and what is left out has each reason with its count", async () => {
  stage.model.answer = (_, response) => response.end(answerOf([0.9, 0.1], "primary"));
  shadow.answer = (_, response) => response.destroy();
  const { traffic, admin } = await start(1);
  await predict(traffic, 1);
  await until(async () => (await compared(admin)) !== null);
  const reasons = async (): Promise<readonly string[]> => {
    const [one] = (await compared(admin))!.comparisons;
    return [...one!.incomparable, ...one!.leftOut].map(({ reason }) => reason).toSorted();
  };
  shadow.answer = (_, response) => response.end("x".repeat(300_000));
  await predict(traffic, 1);
  // The copy leaves once its request was answered.
  await until(async () => (await reasons()).length === 2);
  shadow.answer = (_, response) => response.end(answerOf([0.9, 0.1], "shadow"));
  const url = `${traffic}/seldon/prod/iris/api/v1.0/predictions`;
  await Promise.all(
    Array.from({ length: 60 }, async () => (await fetch(url, { method: "POST", body: "{}" })).arrayBuffer()),
  );
  await until(async () => (await reasons()).length === 3);
  expect(await reasons()).toEqual([
    "an answer has more than 256 KiB",
    "more than 20 pairs a second of one shadow, or 500 in all, came",
    "the shadow gave no answer",
  ]);
  const { out } = await runTool("compare", "iris", "--url", admin);
  expect(out).toMatch(/ {2}not compared {2}1 × the shadow gave no answer\n {2}left out {6}\d+ × more than 20 pairs/);
  expect(out).toMatch(/\n {16}1 × an answer has more than 256 KiB\n/);
});

test("with --keep-disagreements off none is kept", async () => {
  stage.model.answer = (_, response) => response.end(answerOf([0.9, 0.1], "primary"));
  shadow.answer = (_, response) => response.end("{}");
  const { traffic, admin } = await start(1, "--keep-disagreements", "off");
  await predict(traffic, 3);
  await until(async () => (await pairs(admin)) === 3);
  expect(await compared(admin)).toMatchObject({ disagreements: [], comparisons: [{ disagreed: 3 }] });
});

test("a control worker and a data worker may end: nobody's answer changes, and comparing goes on", async () => {
  stage.model.answer = (_, response) => response.end(answerOf([0.9, 0.1], "primary"));
  shadow.answer = (_, response) => response.end(answerOf([0.9, 0.1], "shadow"));
  const { gateway, traffic, admin } = await start(1);
  await predict(traffic, 5);
  await until(async () => (await pairs(admin)) === 5);
  gateway.endThread("control");
  await gateway.seen("worker-ended", { thread: "control" });
  await predict(traffic, 2);
  await until(async () => {
    await predict(traffic, 1);
    return (await pairs(admin).catch(() => 0)) > 0;
  });
  gateway.endThread("data-0");
  await gateway.seen("worker-ended", { thread: "data-0" });
  const url = `${traffic}/seldon/prod/iris/api/v1.0/predictions`;
  await until(async () => (await fetch(url, { method: "POST", body: "{}" }).catch(() => null))?.status === 200);
  const before = await pairs(admin);
  await predict(traffic, 5);
  await until(async () => (await pairs(admin)) >= before + 5);
});
