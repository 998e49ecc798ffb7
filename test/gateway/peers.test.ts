// Replicas that know each other: three real gateway processes on one folder.
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Status } from "../../gateway/api/status.ts";
import { callPeer } from "../../gateway/control/peers/peer-call.ts";
import { Peers } from "../../gateway/control/peers/peers.ts";
import { systemClock } from "../../gateway/shared/clock.ts";
import { build } from "../../gateway/shared/build.ts";
import { freePorts } from "../ports.ts";
import { GatewayProcess, Manifests, ModelServer } from "./gateway-process.ts";

let manifests: Manifests;
let model: ModelServer;
let ports: readonly number[];
let gateways: (GatewayProcess | null)[];

beforeEach(async () => {
  [manifests, model, ports] = [await Manifests.create(), await ModelServer.start(), await freePorts(3)];
  // Of what is not released nothing is gathered. It has one predictor, so nothing moves.
  await manifests.deploy("iris", model.port, "prod", { "sluice.io/rollout": "canary" });
  gateways = [];
});

afterEach(async () => {
  await Promise.all(gateways.map(async (gateway) => gateway?.kill()));
  await manifests.remove();
  await model.stop();
});

async function start(at: number): Promise<void> {
  const peers = ports.flatMap((port) => ["--peers", `http://127.0.0.1:${port}`]);
  const state = ["--releases-record", join(manifests.folder, ".releases")];
  const folder = ["--folder", manifests.folder, "--listen", "127.0.0.1:0", "--admin", `127.0.0.1:${ports[at]!}`];
  gateways[at] = new GatewayProcess(["serve", ...folder, "--workers", "2", ...peers, ...state]);
  await gateways[at].listening();
}

async function statusOf(at: number): Promise<Status> {
  return (await (await fetch(`http://127.0.0.1:${ports[at]!}/api/v1/status`)).json()) as Status;
}

async function predict(at: number, count: number): Promise<void> {
  const { traffic } = await gateways[at]!.listening();
  for (let left = count; left > 0; left--) {
    const response = await fetch(`${traffic}/seldon/prod/iris/api/v1.0/predictions`, { method: "POST", body: "{}" });
    await response.arrayBuffer();
  }
}

/** As a replica would that leads. */
function asker(): Peers {
  return new Peers(
    ports.map((port) => ({ kind: "address", host: "127.0.0.1", port })),
    {
      clock: systemClock,
      epochMs: Date.now,
      instance: "asker",
      version: build.version,
      finder: null,
      call: (replica, path) => callPeer(replica, path, null),
      tableHash: () => "",
    },
  );
}

test("know who answers and who is away, add up what each has counted, and one of them leads", async () => {
  await Promise.all([0, 1, 2].map(start));
  const answering = async (at: number): Promise<number | undefined> =>
    (await statusOf(at)).peers?.peers.filter(({ state }) => state === "answering").length;
  await expect.poll(() => answering(0), { timeout: 20_000 }).toBe(2);
  await expect.poll(async () => (await statusOf(0)).peers?.tablesAgree, { timeout: 10_000 }).toBe(true);
  const leaders = async (): Promise<readonly string[]> =>
    (await Promise.all([0, 1, 2].filter((at) => gateways[at] !== null).map(statusOf))).flatMap(
      ({ leader }) => leader ?? [],
    );
  expect(await leaders()).toHaveLength(1);

  await predict(0, 3);
  model.answer = (_, response) => response.writeHead(500).end("{}");
  await predict(1, 2);
  const peers = asker();
  const counted = async (): Promise<readonly string[]> =>
    [...(await peers.evidence(["prod/iris"]))("prod/iris").byInstance.values()]
      .flatMap(({ deployments }) => deployments)
      .flatMap(({ predictors }) => predictors)
      .map(({ predictor, counts: { requests, failed } }) => `${predictor} ${requests} ${failed}`)
      .toSorted();
  await peers.look();
  await expect.poll(counted, { timeout: 10_000 }).toEqual(["default 0 0", "default 2 2", "default 3 0"]);

  // The leader is killed: it is away at the others, its lock is free at once, and its counts end with it.
  const all = await Promise.all([0, 1, 2].map(statusOf));
  const leading = all.findIndex(({ leader }) => leader !== null);
  await gateways[leading]!.kill();
  gateways[leading] = null;
  await expect.poll(async () => (await leaders()).length, { timeout: 10_000 }).toBe(1);
  const other = [0, 1, 2].find((at) => at !== leading)!;
  await expect.poll(() => answering(other), { timeout: 20_000 }).toBe(1);
  const [away] = (await statusOf(other)).peers!.peers.filter(({ state }) => state === "away");
  expect(away).toMatchObject({
    address: `127.0.0.1:${ports[leading]!}`,
    sentence: "it cannot be reached (ECONNREFUSED)",
  });

  // A control worker that ends takes the evidence of its process with it: it begins at 0, and is the same process to its peers.
  const instances = async (): Promise<readonly string[]> =>
    [...(await peers.evidence(["prod/iris"]))("prod/iris").byInstance.keys()].toSorted();
  const before = await instances();
  expect(before).toHaveLength(2);
  const [left] = [0, 1, 2].filter((at) => at !== leading && at !== other);
  gateways[other]!.endThread("control");
  await gateways[other]!.seen("worker-ended");
  await expect
    .poll(counted, { timeout: 20_000 })
    .toEqual(["default 0 0", ["default 3 0", "default 2 2", "default 0 0"][left!]!].toSorted());
  expect(await instances()).toEqual(before);
}, 150_000);
