// A limit of rate in a whole process: all workers count together, also one that takes the place of a worker that ended.
import { Agent } from "node:http";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { GatewayProcess } from "./gateway-process.ts";
import { GatewayStage } from "./gateway-stage.ts";
import { post } from "./load-client.ts";

let stage: GatewayStage;
let gateway: GatewayProcess;

beforeEach(async () => {
  stage = await GatewayStage.open();
});
afterEach(() => stage.close());

test(
  "two workers admit a burst together, and a worker that is replaced forgets nothing",
  { timeout: 60_000 },
  async () => {
    await stage.manifests.deploy("iris", stage.model.port, "prod", {
      "sluice.io/rate-limit": "40/d; 1000/h per address",
    });
    gateway = stage.serve(2);
    const { traffic, admin } = await gateway.listening();
    // A connection that the ended worker had in its queue is nobody's.
    const ask = (): Promise<number> =>
      post(`${traffic}/seldon/prod/iris/api/v1.0/predictions`, new Agent()).then(
        ({ status }) => status,
        () => 0,
      );
    const admitted = async (count: number): Promise<number> =>
      (await Promise.all(Array.from({ length: count }, ask))).filter((status) => status === 200).length;
    expect(await admitted(30)).toBe(30);
    gateway.endThread("data-0");
    await gateway.seen("worker-ended", { thread: "data-0" });
    let left = 0;
    for (let round = 0; round < 4; round++) left += await admitted(10);
    expect(left).toBe(10);
    expect(await admitted(50)).toBe(0);
    const metrics = await (await fetch(`${admin}/metrics`)).text();
    expect(metrics).toMatch(/^sluice_rate_limit_clients 1$/m);
    expect(metrics).toMatch(/^sluice_rate_limit_evictions_total 0$/m);
    expect(metrics).toMatch(/^sluice_failures_total\{.*flag="RL"\} [1-9]\d*$/m);
    expect(gateway.errors).toBe("");
  },
);
