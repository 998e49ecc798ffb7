// Compared shadows on a real gateway: what a client gets, what the admin port and `sluice compare` tell of it, and a comparing thread that ends.
import { afterEach, beforeEach, expect, onTestFinished, test } from "vitest";
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
  await predict(traffic, 40);
  await until(async () => (await pairs(admin)) === 40);
  const { comparisons, disagreements } = (await compared(admin))!;
  expect(comparisons).toHaveLength(1);
  expect(comparisons[0]).toMatchObject({
    namespace: "prod",
    deployment: "iris",
    predictor: "next",
    against: "main",
    rules,
    outcomes: { agreed: 30, disagreed: 10, incomparable: 0, unanswered: 0, unasked: 0 },
    agreement: { share: 0.75 },
    noise: null,
    labels: { rows: 40, rowsApart: 10 },
  });
  expect(comparisons[0]!.paths.find(({ path }) => path === "data.ndarray")).toMatchObject({
    numbers: 80,
    numbersApart: 20,
    pairsApart: 10,
    maxDifference: expect.closeTo(0.7, 5),
  });
  // Ten that are alike are one.
  expect(disagreements.map(({ count }) => count)).toEqual([10]);
  expect(disagreements[0]!.differences).toEqual([{ path: "data.ndarray", primary: "0.9", shadow: "0.2" }]);
  expect(JSON.parse(disagreements[0]!.primary)).toMatchObject({ data: { ndarray: [[0.9, 0.1]], secret: "redacted" } });
  expect(JSON.stringify(disagreements)).not.toContain("pa55");

  const { code, out } = await runTool("compare", "iris", "--url", admin);
  expect(code).toBe(0);
  expect(out).toMatch(/^prod\/iris\n\nnext beside main\n {2}agreement {6}75.00 % \(.* of 40 pairs\n/);
  expect(out).toMatch(/ {2}data.ndarray +10 +20 of 80 /);
  expect(out).toContain("10 × the primary says setosa, the shadow virginica");
  expect((await runTool("compare", "prod/other", "--url", admin)).err).toContain(
    "no answers of prod/other were compared",
  );
  expect(JSON.parse((await runTool("compare", "prod/iris", "--url", admin, "-o", "json")).out)).toMatchObject({
    deployment: "iris",
  });
  expect((await runTool("compare", "prod/iris", "--url", admin, "-o", "html")).out).toMatch(/^<!doctype html>/);

  const metrics = await (await fetch(`${admin}/metrics`)).text();
  expect(metrics).toContain(
    'sluice_comparisons_total{namespace="prod",deployment="iris",predictor="next",against="main",outcome="disagreed"} 10',
  );
});

test("with --keep-disagreements off none is kept", async () => {
  stage.model.answer = (_, response) => response.end(answerOf([0.9, 0.1], "primary"));
  shadow.answer = (_, response) => response.end("{}");
  const { traffic, admin } = await start(1, "--keep-disagreements", "off");
  await predict(traffic, 3);
  await until(async () => (await pairs(admin)) === 3);
  expect(await compared(admin)).toMatchObject({ disagreements: [], comparisons: [{ outcomes: { disagreed: 3 } }] });
});

test("a comparing thread, a control worker and a data worker may end: nobody's answer changes, and counts stay", async () => {
  stage.model.answer = (_, response) => response.end(answerOf([0.9, 0.1], "primary"));
  shadow.answer = (_, response) => response.end(answerOf([0.9, 0.1], "shadow"));
  const { gateway, traffic, admin } = await start(1);
  await predict(traffic, 5);
  await until(async () => (await pairs(admin)) === 5);

  gateway.endThread("compare");
  await gateway.seen("worker-ended", { thread: "compare" });
  await predict(traffic, 5);
  await until(async () => (await pairs(admin)) === 10);

  gateway.endThread("control");
  await gateway.seen("worker-ended", { thread: "control" });
  await predict(traffic, 5);
  // It counts what the thread of now has compared: that of before the thread ended was the control worker's to keep.
  await until(async () => (await pairs(admin).catch(() => 0)) >= 10);

  gateway.endThread("data-0");
  await gateway.seen("worker-ended", { thread: "data-0" });
  await until(
    async () =>
      (
        await fetch(`${traffic}/seldon/prod/iris/api/v1.0/predictions`, { method: "POST", body: "{}" }).catch(
          () => null,
        )
      )?.status === 200,
  );
  const before = await pairs(admin);
  await predict(traffic, 5);
  await until(async () => (await pairs(admin)) >= before + 5);
});

test("a comparing thread that hangs is replaced, and says where it stood; meanwhile answers go on", async () => {
  stage.model.answer = (_, response) => response.end(answerOf([0.9, 0.1], "primary"));
  shadow.answer = (_, response) => response.end(answerOf([0.9, 0.1], "shadow"));
  const { gateway, traffic, admin } = await start(1, "--worker-stall-ms", "1000");
  await predict(traffic, 5);
  await until(async () => (await pairs(admin)) === 5);
  gateway.hangThread("compare");
  await predict(traffic, 5);
  const { stack } = await gateway.seen("worker-stalled", { thread: "compare" });
  expect(stack).toContain("end-thread.ts");
  await gateway.seen("worker-ended", { thread: "compare" });
  // Of the five before it ended what it had taken is gone.
  const before = await pairs(admin);
  expect(before).toBeGreaterThanOrEqual(5);
  await predict(traffic, 5);
  await until(async () => (await pairs(admin)) >= before + 5);
}, 60_000);

test.each([
  ["two replicas: it is asked twice", 2],
  ["one replica: there is no noise to measure", 1],
])("noise of a primary with %s", async (_what, replicas) => {
  const second = await ModelServer.start();
  onTestFinished(() => second.stop());
  stage.model.answer = (_, response) => response.end(answerOf([0.9, 0.1], "a"));
  second.answer = (_, response) => response.end(answerOf([0.9, 0.1], "b"));
  shadow.answer = (_, response) => response.end(answerOf([0.1, 0.9], "shadow"));
  await stage.manifests.write(
    "iris.yaml",
    comparedManifest(
      "iris",
      { main: [stage.model.port, second.port].slice(0, replicas), next: shadow.port },
      "noise 100%",
    ),
  );
  const gateway = stage.serve(1);
  const { traffic, admin } = await gateway.listening();
  for (let at = 0; at < 10; at++) {
    const answer = await fetch(`${traffic}/seldon/prod/iris/api/v1.0/predictions`, { method: "POST", body: "{}" });
    expect(answer.status).toBe(200);
    await answer.arrayBuffer();
  }
  // Feedback is none of them.
  await (await fetch(`${traffic}/seldon/prod/iris/api/v1.0/feedback`, { method: "POST", body: '{"reward":1}' })).text();
  const shown = async (): Promise<readonly unknown[]> =>
    ((await compared(admin))?.comparisons ?? []).map(
      ({ predictor, against, outcomes, noise, agreementWithoutNoise }) => [
        `${predictor} beside ${against}`,
        outcomes.agreed,
        outcomes.disagreed,
        outcomes.unasked,
        noise,
        agreementWithoutNoise,
      ],
    );
  await until(
    async () =>
      JSON.stringify(await shown()).includes(`"main beside main",${replicas === 2 ? "10" : "0,0,10"}`) &&
      JSON.stringify(await shown()).includes('"next beside main",0,10'),
  );
  expect(await shown()).toEqual(
    replicas === 2
      ? [
          ["main beside main", 10, 0, 0, null, null],
          ["next beside main", 0, 10, 0, 0, 0],
        ]
      : [
          ["main beside main", 0, 0, 10, null, null],
          ["next beside main", 0, 10, 0, null, null],
        ],
  );
  const { out } = await runTool("compare", "iris", "--url", admin);
  const sentence = "10 × no other Endpoint of the predictor could be asked, so there is no noise to measure";
  if (replicas === 1) expect(out).toContain(sentence);
  else expect(out).not.toContain(sentence);
});
