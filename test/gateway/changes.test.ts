// Changes of a folder, in a real process: what each one says in the log and in /metrics.
import { spawn } from "node:child_process";
import { Value } from "typebox/value";
import { afterEach, beforeEach, expect, test } from "vitest";
import { changeLine, changeShape, type Change } from "../../gateway/api/changes.ts";
import { entry } from "./entry.ts";
import { GatewayProcess, Manifests, ModelServer } from "./gateway-process.ts";
import { runTool } from "./tools/run-tool.ts";
import { until } from "./until.ts";

let manifests: Manifests;
let model: ModelServer;
let gateway: GatewayProcess;

beforeEach(async () => {
  manifests = await Manifests.create();
  model = await ModelServer.start();
  await manifests.deploy("iris", model.port);
  gateway = new GatewayProcess(
    ["serve", "--folder", manifests.folder, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"].concat([
      "--workers",
      "2",
      "--drain-wait-ms",
      "0",
    ]),
  );
});
afterEach(async () => {
  await gateway.kill();
  await model.stop();
  await manifests.remove();
});

async function countsOf(admin: string): Promise<Record<string, number>> {
  const text = await (await fetch(`${admin}/metrics`)).text();
  const samples = text.matchAll(/^sluice_changes_total\{outcome="([^"]+)"\} (\d+)$/gm);
  return Object.fromEntries(Array.from(samples, ([, outcome, count]) => [outcome!, Number(count)]));
}

const told = (sentence: string): Promise<unknown> =>
  gateway.seen("change", { kind: "SeldonDeployment", namespace: "prod", name: "iris", sentence });

test("a start is one line; an edit says what changed and on how many workers it is live", async () => {
  const { admin } = await gateway.listening();
  await gateway.seen("change", { outcome: "read", sentence: "3 objects read" });
  await manifests.deploy("iris", model.port, "prod", { "seldon.io/rest-timeout": "5000" });
  const { sentence } = await gateway.seen("change", { name: "iris", outcome: "live" });
  expect(sentence).toMatch(/^annotation seldon\.io\/rest-timeout: absent → 5000, live on 2 of 2 workers after \d+ ms$/);
  await manifests.deploy("late", model.port);
  await gateway.seen("change", { kind: "SeldonDeployment", name: "late", outcome: "live" });
  expect(gateway.records.filter(({ event, outcome }) => event === "change" && outcome === "read")).toHaveLength(1);
  expect(await countsOf(admin)).toMatchObject({ "not-taken": 0, waiting: 0 });
  expect((await countsOf(admin))["live"]).toBeGreaterThanOrEqual(2);
});

test("an edit that did not take says why, and its Problem's end says so", async () => {
  const { admin } = await gateway.listening();
  await manifests.deploy("iris", model.port, "prod", { "seldon.io/rest-timeout": "soon" });
  const { sentence } = await gateway.seen("change", { name: "iris", outcome: "not-taken" });
  expect(sentence).toContain('annotation seldon.io/rest-timeout: absent → soon: not taken: "soon" is not a number');
  await gateway.seen("problem");
  await manifests.deploy("iris", model.port);
  await told('metadata.annotations["seldon.io/rest-timeout"]: bad-value has ended');
  expect(await countsOf(admin)).toMatchObject({ "not-taken": 1, ended: 1, problem: 0 });
});

test("the admin port and the command tell them, to each viewer those of its namespaces, and follow them", async () => {
  const { admin } = await gateway.listening();
  const gone = new AbortController();
  const stream = await fetch(`${admin}/api/v1/changes?namespace=prod`, {
    headers: { accept: "text/event-stream" },
    signal: gone.signal,
  });
  const following = spawn(process.execPath, [entry, "changes", "--url", admin, "--follow"]);
  let followed = "";
  following.stdout.on("data", (piece: Buffer) => (followed += piece.toString()));
  await until(() => followed.includes("3 objects read"));
  await manifests.deploy("other", model.port, "dev");
  await gateway.seen("change", { name: "other" });
  await manifests.deploy("iris", model.port, "prod", { "seldon.io/grpc-timeout": "5000" });
  const { sentence } = await gateway.seen("change", { name: "iris" });
  await until(() => followed.includes(`SeldonDeployment prod/iris ${String(sentence)}\n`));
  following.kill();

  const decoder = new TextDecoder();
  let events = "";
  for await (const piece of stream.body!) {
    events += decoder.decode(piece, { stream: true });
    if (/data:.*\n\n/.test(events)) break;
  }
  gone.abort();
  const change = JSON.parse(/data: (.*)/.exec(events)![1]!) as Change;
  expect(change).toMatchObject({
    object: { kind: "SeldonDeployment", namespace: "prod", name: "iris" },
    field: "annotation seldon.io/grpc-timeout",
    from: "absent",
    to: "5000",
    outcome: "live",
    sentence,
    workers: "2 of 2",
  });
  expect(events).not.toContain("dev");

  const listed = async (): Promise<readonly Change[]> => {
    const answer = await fetch(`${admin}/api/v1/changes?deployment=prod/iris`);
    return ((await answer.json()) as { items: readonly Change[] }).items;
  };
  // A list serves all who ask within a second.
  await until(async () => (await listed()).length > 0);
  const items = await listed();
  expect(items).toEqual([change]);
  expect(Value.Check(changeShape, items[0])).toBe(true);
  const { code, out } = await runTool("changes", "iris", "--url", admin);
  expect(code).toBe(0);
  expect(out).toBe(`${changeLine(change)}\n`);
});
