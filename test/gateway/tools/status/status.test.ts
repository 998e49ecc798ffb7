// `sluice status`: one replica and several, on a real gateway and on admin ports that answer wrongly.
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { Value } from "typebox/value";
import { statusOf, type Facts } from "../../../../gateway/admin/view/status.ts";
import type { Peer } from "../../../../gateway/api/peer.ts";
import {
  joinedStatusShape,
  type JoinedStatus,
  type ReplicaStatus,
  type Status,
} from "../../../../gateway/api/status.ts";
import { joinedStatus } from "../../../../gateway/admin/view/joined-status.ts";
import { printStatus } from "../../../../gateway/tools/status/printed.ts";
import { wellFacts } from "../../admin/view/well-facts.ts";
import { freePorts } from "../../../ports.ts";
import { GatewayProcess, Manifests, ModelServer } from "../../gateway-process.ts";
import { broken, FakeAdmin, withoutNames } from "../fake-admin.ts";
import { runTool } from "../run-tool.ts";

const facts: Facts = {
  ...wellFacts,
  table: { version: 3, hash: "0123456789abcdef", routes: 4 },
  problems: { error: 0, warning: 1, info: 5 },
};
const well = statusOf(facts, 0);
const withTable = (hash: string): Status => ({ ...well, table: { ...well.table, hash } });
const there = (name: string, status: Status): ReplicaStatus => ({ name, status, sentence: null });
const gone = (name: string): ReplicaStatus => ({ name, status: null, sentence: "it does not answer" });
const joined = (first: ReplicaStatus, ...others: readonly ReplicaStatus[]): JoinedStatus =>
  joinedStatus(first.status!, [first, ...others]);
const sentences = ({ troubles }: JoinedStatus): readonly string[] => troubles.map(({ sentence }) => sentence);

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function fake(...given: Parameters<typeof FakeAdmin.start>): Promise<FakeAdmin> {
  const admin = await FakeAdmin.start(...given);
  closers.push(() => admin.stop());
  return admin;
}

describe("joined answers", () => {
  test("of replicas that agree are one column", () => {
    expect(printStatus(joined(there("one", well), there("two", well)))).toBe(`Well: nothing is wrong.

  REPLICA       one  two
  version       0.1.0
  ready         yes
  workers       2 of 2 serve
  table         0123456789abc, 4 Routes
  source        folder, current
  predictors    none fails
  endpoints     every deployment has a ready one, or is scaled to 0
  breakers      none is at its limit
  ejected       no Endpoint
  problems      0 errors, 1 warning, 5 for information
  certificates  none ends within 30 days
  peers         not asked
  leader        none
  redis         not used
`);
  });

  test("a column shows each that differs, and one that is away is said", () => {
    const behind = statusOf(
      { ...facts, version: "0.0.9", sources: [{ kind: "cluster", ageSeconds: 300, trouble: "it is away" }] },
      0,
    );
    const answered = { name: "three", state: "answering" } as Peer;
    const one = { ...well, peers: { trouble: null, tablesAgree: true, peers: [answered] } };
    const all = joined(there("one", one), there("two", behind), gone("three"), gone("four"));
    // The fourth comes or goes: who knows it says so when that takes too long.
    expect(sentences(all)).toEqual([
      "two: The cluster was last read 5 min ago: it is away.",
      "three does not say how it is: it does not answer.",
    ]);
    const lines = printStatus(all).split("\n");
    expect(
      lines
        .find((line) => line.includes("version"))!
        .trim()
        .split(/\s{2,}/),
    ).toEqual(["version", "0.1.0", "0.0.9", "away", "away"]);
  });

  test("what several say alike is said once, without their names where all of them say it", () => {
    const wrong = statusOf({ ...facts, ejectedEndpoints: { count: 1, endpoints: [] } }, 0);
    expect(sentences(joined(there("one", wrong), there("two", wrong)))).toEqual([wrong.first]);
    expect(sentences(joined(there("one", wrong), there("two", wrong), there("three", well)))).toEqual([
      `one, two: ${wrong.first}`,
    ]);
  });

  test("tables that differ are wrong; a replica without a table does not differ", () => {
    expect(joined(there("one", withTable("a")), there("two", withTable("b"))).troubles[0]).toMatchObject({
      kind: "tables-differ",
    });
    expect(joined(there("one", withTable("a")), there("two", withTable(""))).isWell).toBe(true);
  });

  test("names of 64 kB with escapes stay cells of one line each", () => {
    const name = `\u001b[2J\n${"x".repeat(65_536)}`;
    const failing = { namespace: name, deployment: name, predictor: name, sentence: name };
    const status = statusOf(
      { ...facts, version: name, failingPredictors: Array.from({ length: 40 }, () => failing) },
      0,
    );
    const text = printStatus(joined(there(name, status), there("two", well)));
    expect(text).not.toMatch(/[\p{Cc}--[\n]]/v);
    expect(text.split("\n").length).toBeLessThan(20);
    expect(Math.max(...text.split("\n").map((line) => line.length))).toBeLessThan(420);
  });
});

describe("the command", () => {
  test.each(broken)("on an admin port that is %s prints one sentence and exits 1", async (_, answer, sentence) => {
    const admin = await fake(answer);
    const ran = await runTool("status", "--url", admin.url);
    expect(ran).toMatchObject({ code: 1, out: "" });
    const [line, ...more] = ran.err.split("\n");
    expect(more).toEqual([""]);
    const said = withoutNames(line!, admin.url, "/api/v1/status");
    expect(said.startsWith("sluice status: ")).toBe(true);
    expect(said.slice("sluice status: ".length)).toMatch(sentence);
  });

  test("asks again before it says that tables differ", async () => {
    let asked = 0;
    const url = (
      await fake((_, response) => {
        const other = there("two", withTable(asked++ === 0 ? "old" : "new"));
        response.end(JSON.stringify(joined(there("one", withTable("new")), other)));
      })
    ).url;
    expect((await runTool("status", "--url", url)).code).toBe(0);
    expect(asked).toBe(2);
  });

  test("without a gateway is wrong use", async () => {
    expect(await runTool("status")).toMatchObject({ code: 2, out: "" });
    expect((await runTool("status", "--url", "http://user:secret@host")).err).not.toContain("secret");
  });
});

describe("on a real gateway", () => {
  let folder: Manifests;
  let model: ModelServer;
  beforeAll(async () => {
    [folder, model] = [await Manifests.create(), await ModelServer.start()];
    await folder.deploy("iris", model.port);
    return async () => {
      await folder.remove();
      await model.stop();
    };
  });

  test("says that it is well, of two replicas too, and the Problem that comes, and a replica that goes", async () => {
    const ports = await freePorts(2);
    const gateways = ports.map((port) => {
      const argv = ["serve", "--folder", folder.folder, "--listen", "127.0.0.1:0", "--admin", `127.0.0.1:${port}`];
      const peers = ports.flatMap((peer) => ["--peers", `http://127.0.0.1:${peer}`]);
      const gateway = new GatewayProcess([...argv, ...peers, "--workers", "2", "--drain-wait-ms", "0"]);
      closers.push(() => gateway.kill());
      return gateway;
    });
    const [one] = await Promise.all(gateways.map(async (gateway) => (await gateway.listening()).admin));
    const ask = (...more: string[]) => runTool("status", "--url", one!, ...more);
    await expect
      .poll(async () => (await ask()).out, { timeout: 30_000 })
      .toMatch(/^Well: nothing is wrong\.\n\n {2}REPLICA +this replica +127\.0\.0\.1/);
    const json = async (): Promise<JoinedStatus> => JSON.parse((await ask("-o", "json")).out) as JoinedStatus;
    expect([...Value.Errors(joinedStatusShape, await json())]).toEqual([]);
    // The other one may still start.
    await expect
      .poll(async () => (await json()).replicas.map(({ status }) => status?.isWell), { timeout: 30_000 })
      .toEqual([true, true]);
    await folder.write("bad.yaml", "{{{");
    await expect
      .poll(async () => (await ask()).out, { timeout: 10_000 })
      .toMatch(/^Wrong: 1 Problem keeps an object from being served as written/);
    await gateways[1]!.kill();
    await expect
      .poll(async () => (JSON.parse((await ask("-o", "json")).out) as JoinedStatus).replicas[1]?.status, {
        timeout: 10_000,
      })
      .toBe(null);
  }, 60_000);
});
