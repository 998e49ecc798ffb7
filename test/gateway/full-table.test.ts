// A large change, of which some batches are written when the memory of the table is full, in a real process: nobody's traffic feels it, people are told, and it heals.
import { Agent } from "node:http";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type GatewayProcess, Manifests, ModelServer, serving } from "./gateway-process.ts";
import { LoadClient, post } from "./load-client.ts";
import { until } from "./until.ts";

/** Of Mappings with two texts of 7500 bytes: a namespace may have four, and the memory holds some thousand. */
const mappingsOfNamespace = 4;
const text = "x".repeat(7500);

let manifests: Manifests;
let model: ModelServer;
let gateway: GatewayProcess;

beforeEach(async () => {
  manifests = await Manifests.create();
  model = await ModelServer.start();
  await manifests.deploy("iris", model.port);
  gateway = serving(manifests.folder, 2, "--table-mib", "16", "--drain-wait-ms", "0", "--claims", "open");
});
afterEach(async () => {
  await gateway.kill();
  await model.stop();
  await manifests.remove();
});

/** Behind a Service that has no Endpoints. */
function mappingsOf(namespace: string): string {
  const mappings = Array.from(
    { length: mappingsOfNamespace },
    (_, index) =>
      `apiVersion: getambassador.io/v2\nkind: Mapping\nmetadata: { name: m${index}, namespace: ${namespace} }\nspec: { prefix: /seldon/${namespace}/m${index}/, service: "model:80", add_request_headers: { x-a: ${text} }, add_response_headers: { x-b: ${text} } }\n`,
  );
  return [
    `apiVersion: v1\nkind: Service\nmetadata: { name: model, namespace: ${namespace} }\nspec: { clusterIP: 10.0.0.1, ports: [{ name: http, port: 80 }] }\n`,
    ...mappings,
  ].join("---\n");
}

/** One file, put in place at once: one change. */
async function declare(namespaces: number): Promise<void> {
  await manifests.write(
    "large.yaml",
    Array.from({ length: namespaces }, (_, index) => mappingsOf(`team-${index}`)).join("---\n"),
  );
}

test(
  "a change of many Mappings that does not fit costs no request, is told, and heals with the next that fits, also through new threads",
  { timeout: 240_000 },
  async () => {
    const { traffic, admin } = await gateway.listening();
    const agent = new Agent();
    const statusOf = async (path: string): Promise<number> => (await post(traffic + path, agent)).status;
    // On connections of their own: those to an admin port that ended are no use.
    const told = async (path: string): Promise<string> =>
      (await fetch(admin + path, { headers: { connection: "close" } })).text();
    const full = async (): Promise<string | null> =>
      /the table does not fit into its memory[^"]*/.exec(await told("/api/v1/problems").catch(() => ""))?.[0] ?? null;
    const metric = async (name: string): Promise<string> =>
      new RegExp(`^${name} (.*)$`, "m").exec(await told("/metrics"))![1]!;
    const pathOf = (name: string): string => `/seldon/prod/${name}/api/v1.0/predictions`;
    await until(async () => (await statusOf(pathOf("iris"))) === 200);
    const routes = await metric("sluice_table_routes");
    const load = new LoadClient(1, () => traffic + pathOf("iris"));

    await declare(300);
    await until(async () => (await full()) !== null, "it does not fit");
    expect(await full()).toMatch(
      /of 16 MiB: Sluice keeps serving the table from before, without changes of any namespace; start with a larger --table-mib, or remove deployments of the namespaces that have most: team-\d+ \(0\.1 MiB\), team-/,
    );
    expect([await metric("sluice_table_routes"), await statusOf("/seldon/team-0/m0/x")]).toEqual([routes, 404]);
    // What others declare waits.
    await manifests.deploy("rose", model.port);
    await load.more(200);

    // Threads that come meanwhile have the table that is served, and say the same.
    gateway.endThread("control");
    await gateway.seen("worker-ended", { thread: "control" });
    await until(async () => (await full()) !== null, "its successor says so");
    await load.more(200);
    expect(await metric("sluice_table_routes")).toBe(routes);

    // In the middle of the write that does not fit.
    const inTheMiddle = gateway.endControlAt("batch written");
    await inTheMiddle;
    await declare(301);
    await until(
      () =>
        gateway.records.filter(({ event, thread }) => event === "worker-ended" && thread === "control").length === 2,
    );
    await until(async () => (await full()) !== null, "the next successor says so");
    await load.more(200);

    await declare(100);
    await until(async () => (await statusOf("/seldon/team-99/m3/x")) === 503, "what fits is served");
    await until(async () => (await statusOf(pathOf("rose"))) === 200, "what waited is served");
    // Large answers are made once a second.
    await until(async () => (await full()) === null, "the Problem is gone");
    await load.more(200);
    await load.stop();
    expect(load.failures).toEqual([]);
    expect(gateway.errors).toBe("");
  },
);
