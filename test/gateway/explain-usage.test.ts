// explain on a gateway that runs: how much of each limit is left for whom, how full the breaker is, and the step that would refuse.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { GatewayStage } from "./gateway-stage.ts";

let stage: GatewayStage;

beforeEach(async () => {
  stage = await GatewayStage.open();
});
afterEach(() => stage.close());

interface Explained {
  readonly ways: readonly {
    readonly usage: readonly string[];
    readonly refuses: { readonly step: string; readonly sentence: string } | null;
  }[];
}

test("explain counts limits as data workers do, by client, by header and of all", { timeout: 60_000 }, async () => {
  const key = "correct-horse-battery";
  const keys = join(stage.manifests.folder, "..", "explain-usage-keys.txt");
  const policy = join(stage.manifests.folder, "..", "explain-usage-policy.yaml");
  writeFileSync(keys, `mobile-app ${key}\n`);
  writeFileSync(policy, `defaults: { auth: keys }\nproviders: { keys: { kind: api-keys, file: ${keys} } }\n`);
  await stage.manifests.deploy("iris", stage.model.port, "prod", {
    "sluice.io/rate-limit": "40/d; 3/d per client; 2/d per header x-team; 1000/h per address",
  });
  const gateway = stage.serve(1, "--policy", policy);
  const { traffic, admin } = await gateway.listening();
  const path = "/seldon/prod/iris/api/v1.0/predictions";
  const send = async (team: string): Promise<number> =>
    (
      await fetch(`${traffic}${path}`, {
        method: "POST",
        headers: { "content-type": "application/json", "x-api-key": key, "x-team": team },
        body: '{"data":{"ndarray":[[1,2,3,4]]}}',
      })
    ).status;
  const explain = async (headers: readonly (readonly [string, string])[]): Promise<Explained["ways"][number]> => {
    const response = await fetch(`${admin}/api/v1/explain`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ path, method: "POST", headers }),
    });
    return ((await response.json()) as Explained).ways[0]!;
  };
  expect(await send("a")).toBe(200);
  const shown = [
    ["x-api-key", key],
    ["x-team", "a"],
  ] as const;
  const once = await explain(shown);
  expect(once.usage).toEqual([
    "the limit 40/d: 39 of 40 requests left for all callers together",
    "the limit 3/d per client: 2 of 3 requests left for mobile-app of keys",
    "the limit 2/d per header x-team: 1 of 2 requests left for requests with this x-team",
    expect.stringMatching(/^the limit 1000\/h per address: it counts each client address by itself/) as string,
    expect.stringMatching(/^the circuit breaker of .+: 0 of 1024 connections, .*requests/) as string,
  ]);
  expect(once.refuses).toBeNull();
  // To ask takes nothing, and another team has all of its own.
  expect((await explain(shown)).usage).toEqual(once.usage);
  expect((await explain([shown[0], ["x-team", "b"]])).usage[2]).toContain("2 of 2 requests left");
  expect(await send("a")).toBe(200);
  expect(await send("a")).toBe(429);
  expect((await explain(shown)).refuses).toEqual({
    step: "rate-limit",
    sentence: "the limit 2/d per header x-team: 0 of 2 requests left for requests with this x-team",
  });
  // Who is nobody is refused before anything is counted.
  expect((await explain([])).refuses).toMatchObject({ step: "identity" });
  expect(gateway.errors).toBe("");
});
