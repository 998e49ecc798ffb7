// Replicas have compared each a part: one view of all of them, by the API and by `sluice compare`, with a name for each that is away.
import { expect, onTestFinished, test } from "vitest";
import type { ComparedDeployment } from "../../gateway/api/comparisons.ts";
import { freePorts } from "../ports.ts";
import { comparedManifest } from "./compared-stage.ts";
import { GatewayProcess, Manifests, ModelServer } from "./gateway-process.ts";
import { runTool } from "./tools/run-tool.ts";

function answerOf(row: readonly number[], hidden: number): string {
  return JSON.stringify({ data: { names: ["setosa", "virginica"], ndarray: [row] }, secret: hidden });
}

/** Numbers that no latency or time has in it by chance. */
const secret = 918_273_645;
const apart = 87_654_321;

test("three replicas", async () => {
  const [manifests, main, shadow, ports] = [
    await Manifests.create(),
    await ModelServer.start(),
    await ModelServer.start(),
    await freePorts(3),
  ];
  onTestFinished(async () => {
    await Promise.all(gateways.map((one) => one.kill()));
    await manifests.remove();
    await main.stop();
    await shadow.stop();
  });
  await manifests.write("iris.yaml", comparedManifest("iris", { main: main.port, next: shadow.port }, "redact secret"));
  const peers = ports.flatMap((port) => ["--peers", `http://127.0.0.1:${port}`]);
  const gateways = ports.map(
    (port) =>
      new GatewayProcess([
        "serve",
        "--folder",
        manifests.folder,
        "--listen",
        "127.0.0.1:0",
        "--admin",
        `127.0.0.1:${port}`,
        "--workers",
        "1",
        ...peers,
      ]),
  );
  const traffic = await Promise.all(gateways.map(async (one) => (await one.listening()).traffic));
  const admins = ports.map((port) => `http://127.0.0.1:${port}`);
  let calls = 0;
  main.answer = (_, response) => response.end(answerOf([0.9, 0.1], secret));
  // Every second says something else.
  shadow.answer = (_, response) => response.end(answerOf(calls++ % 2 === 0 ? [0.2, 0.8] : [0.9, 0.1], secret + apart));
  const predict = async (at: number, count: number): Promise<void> => {
    for (let left = count; left > 0; left--)
      await (
        await fetch(`${traffic[at]}/seldon/prod/iris/api/v1.0/predictions`, { method: "POST", body: "{}" })
      ).text();
  };
  const shown = async (at: number, query = ""): Promise<ComparedDeployment | null> => {
    const answer = await fetch(`${admins[at]}/api/v1/comparisons/prod/iris${query}`);
    return answer.status === 200 ? ((await answer.json()) as ComparedDeployment) : null;
  };
  const pairs = async (at: number, query = ""): Promise<number> => (await shown(at, query))?.comparisons[0]?.pairs ?? 0;

  await predict(0, 6);
  await predict(1, 4);
  // The third has compared nothing, and shows what its peers have.
  for (const at of [0, 1, 2]) await expect.poll(() => pairs(at), { timeout: 30_000 }).toBe(10);
  expect([await pairs(0, "?replica=self"), await pairs(1, "?replica=self")]).toEqual([6, 4]);
  expect((await fetch(`${admins[2]}/api/v1/comparisons/prod/iris?replica=self`)).status).toBe(404);
  expect((await fetch(`${admins[2]}/api/v1/comparisons/prod/iris?replica=other`)).status).toBe(400);
  const joined = (await shown(2))!;
  expect(joined.replicas.map(({ sentence }) => sentence)).toEqual([null, null, null]);
  expect(joined.comparisons[0]).toMatchObject({ disagreed: 10 });
  // Of what is redacted only the pairs that differ are told.
  expect(joined.comparisons[0]!.paths.find(({ path }) => path === "secret")).toEqual({
    path: "secret",
    redacted: true,
    numbersApart: 0,
    maxDifference: 0,
    pairsApart: 10,
  });
  expect(joined.disagreements).toHaveLength(10);
  const printed = await runTool("compare", "prod/iris", "--url", admins[2]!, "-o", "wide");
  expect(printed.out).toMatch(/^prod\/iris\nof 3 of 3 replicas\n/);
  expect(printed.out).toMatch(/ {2}secret +10 +redacted +redacted\n/);
  // The third finds the namespace of a bare name though it has compared nothing.
  expect((await runTool("compare", "iris", "--url", admins[2]!, "-o", "wide")).out).toBe(printed.out);
  const metrics = await Promise.all(admins.map(async (admin) => (await fetch(`${admin}/metrics`)).text()));
  for (const text of [printed.out, JSON.stringify(joined), ...metrics]) {
    for (const number of [secret, secret + apart, apart]) expect(text).not.toContain(String(number));
  }

  await gateways[1]!.kill();
  await expect.poll(() => pairs(2), { timeout: 30_000 }).toBe(6);
  const left = await runTool("compare", "prod/iris", "--url", admins[2]!);
  expect(left.out).toMatch(/^prod\/iris\nof 2 of 3 replicas\n {2}not in these counts: 127\.0\.0\.1:\d+: it cannot be /);
}, 120_000);
