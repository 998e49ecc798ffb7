// Faults around the table in memory, in a real gateway: a control worker that ends in the middle of a write, data workers that are replaced while no control worker works.
import { Agent } from "node:http";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { WritePoint } from "../../routing/write/table-edit.ts";
import type { GatewayProcess } from "./gateway-process.ts";
import { GatewayStage } from "./gateway-stage.ts";
import { LoadClient, post } from "./load-client.ts";
import { listeners } from "./listeners.ts";
import { until } from "./until.ts";

const writePoints: readonly WritePoint[] = [
  "begun",
  "batch written",
  "routes written",
  "pages written",
  "root written",
];

let stage: GatewayStage;
let gateway: GatewayProcess;

/** Two data workers, whose model answers with the path that it was asked for. */
async function serve(
  ...argv: readonly string[]
): Promise<{ readonly traffic: string; readonly admin: string; readonly port: number }> {
  gateway = stage.serve(2, ...argv);
  const { traffic, admin } = await gateway.listening();
  return { traffic, admin, port: Number(new URL(traffic).port) };
}

function pathOf(name: string): string {
  return `/seldon/prod/${name}/api/v1.0/predictions`;
}

function ended(thread: string): number {
  return gateway.records.filter((record) => record.event === "worker-ended" && record["thread"] === thread).length;
}

beforeEach(async () => {
  stage = await GatewayStage.open();
  await stage.manifests.deploy("iris", stage.model.port);
});
afterEach(() => stage.close());

describe("a control worker that ends in the middle of a write", { timeout: 120_000 }, () => {
  test("costs no request, and its successor writes that change and the next", async () => {
    const { traffic, admin } = await serve();
    const load = new LoadClient(4, () => traffic + pathOf("iris"));
    const agent = new Agent();
    for (const [index, point] of writePoints.entries()) {
      await gateway.endControlAt(point);
      const name = `rose${index}`;
      await stage.manifests.deploy(name, stage.model.port);
      await until(() => ended("control") === index + 1);
      // By the table before, or already by that of the successor.
      expect([404, 200]).toContain((await post(traffic + pathOf(name), agent)).status);
      await load.more(50);
      await until(async () => (await post(traffic + pathOf(name), agent)).status === 200);
    }
    await until(async () => (await fetch(`${admin}/readyz`).catch(() => null))?.status === 200);
    await stage.manifests.deploy("lily", stage.model.port);
    await until(async () => (await post(traffic + pathOf("lily"), agent)).status === 200);
    for (const [index] of writePoints.entries())
      expect((await post(`${traffic}${pathOf(`rose${index}`)}`, agent)).status).toBe(200);
    await load.stop();
    expect(load.failures).toEqual([]);
    expect(gateway.records.filter(({ event }) => event === "table-write-torn")).toHaveLength(writePoints.length);
    expect(ended("data-0") + ended("data-1")).toBe(0);
    agent.destroy();
  });
});

test(
  "a data worker is replaced, and serves with the table that is there, while the control worker does nothing",
  { timeout: 120_000 },
  async () => {
    const { traffic, port } = await serve();
    gateway.hangThread("control");
    for (const thread of ["data-0", "data-1", "data-0"]) {
      const before = ended(thread);
      gateway.endThread(thread);
      await until(() => ended(thread) === before + 1);
      await until(async () => (await listeners(port)) === 2);
    }
    const load = new LoadClient(8, () => traffic + pathOf("iris"));
    await load.more(200);
    await load.stop();
    expect(load.failures).toEqual([]);
    expect((await fetch(`${traffic}/ambassador/v0/check_ready`)).status).toBe(200);
    expect(ended("control")).toBe(0);
  },
);
