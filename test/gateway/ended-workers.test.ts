// Data workers that end in every way, under traffic: others take their places, nobody gets a wrong answer, and counters add up.
import { Agent } from "node:http";
import { afterEach, beforeEach, expect, test } from "vitest";
import { sumOf } from "../../load/peers/scraping.ts";
import type { GatewayProcess } from "./gateway-process.ts";
import { GatewayStage } from "./gateway-stage.ts";
import { post } from "./load-client.ts";
import { until } from "./until.ts";

const names = ["iris", "rose", "lily"];
const ways = ["exit", "throw", "reject", "terminate", "exit", "throw"] as const;

let stage: GatewayStage;
let gateway: GatewayProcess;

beforeEach(async () => {
  stage = await GatewayStage.open();
  for (const name of names) await stage.manifests.deploy(name, stage.model.port);
});
afterEach(() => stage.close());

test.each([1, 3])("of %i data workers each may end at any moment", async (workers) => {
  gateway = stage.serve(workers);
  const at = await gateway.listening();
  const metrics = async (): Promise<string> => (await fetch(`${at.admin}/metrics`)).text();

  const answered = new Map(names.map((name) => [name, 0]));
  const lost = new Map(names.map((name) => [name, 0]));
  const wrong: string[] = [];
  const over = new AbortController();
  const ask = async (name: string): Promise<void> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    while (!over.signal.aborted) {
      const answer = await post(`${at.traffic}/seldon/prod/${name}/api/v1.0/predictions`, agent).catch(() => null);
      const count = answer === null ? lost : answered;
      count.set(name, count.get(name)! + 1);
      if (answer !== null && answer.status !== 200) wrong.push(`${answer.status} ${answer.text}`);
    }
    agent.destroy();
  };
  const asking = [...names, ...names, ...names].map(ask);
  const total = (counts: ReadonlyMap<string, number>): number =>
    [...counts.values()].reduce((one, other) => one + other, 0);
  const ended = (): number => gateway.records.filter(({ event }) => event === "worker-ended").length;
  for (const [round, way] of ways.entries()) {
    const before = total(answered);
    await until(() => total(answered) > before + 200, "predictions are answered");
    gateway.endThread(`data-${round % workers}`, way);
    await until(() => ended() === round + 1, `it ended by ${way}`);
  }
  const before = total(answered);
  await until(() => total(answered) > before + 200, "predictions are answered");
  over.abort();
  await Promise.all(asking);

  expect(wrong).toEqual([]);
  const reasons = gateway.records.filter(({ event }) => event === "worker-ended").map(({ reason }) => reason);
  expect(reasons).toEqual(
    ways.map(
      (way) =>
        ({
          exit: "exit 3: it ended by itself",
          throw: "exit 1: Error: planted",
          reject: "exit 1: Error: planted",
          terminate: "exit 1: it ended by itself",
        })[way],
    ),
  );
  await until(
    async () => sumOf(await metrics(), "sluice_connections", 'side="client"') === 0,
    "connections are closed",
  );
  const text = await metrics();
  for (const name of names) {
    const counted = sumOf(text, "sluice_requests_total", `deployment="${name}"`);
    // What ended with its worker was counted, or was not; what was answered was.
    expect(counted).toBeGreaterThanOrEqual(answered.get(name)!);
    expect(counted).toBeLessThanOrEqual(answered.get(name)! + lost.get(name)!);
    expect(sumOf(text, "sluice_latency_seconds_count", `deployment="${name}"`)).toBe(counted);
  }
  expect(sumOf(text, "sluice_requests_in_flight")).toBe(0);
  expect(sumOf(text, "sluice_worker_restarts_total")).toBe(ways.length);
  gateway.signal("SIGTERM");
  expect(await gateway.exited).toBe(0);
});

test("each order to end a data worker ends one, also where its place is empty at that moment", async () => {
  gateway = stage.serve(1);
  await gateway.listening();
  for (const way of ways) gateway.endThread("data-0", way);
  await until(
    () => gateway.records.filter(({ event }) => event === "worker-ended").length === ways.length,
    "each of them has ended",
  );
});
