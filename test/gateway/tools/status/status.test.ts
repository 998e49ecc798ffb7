// `sluice status`: one replica and several, on a real gateway and on admin ports that answer wrongly.
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { Value } from "typebox/value";
import { statusOf, type Facts } from "../../../../gateway/admin/view/status.ts";
import { statusShape, type Status } from "../../../../gateway/api/status.ts";
import { joined, joinedStatusShape } from "../../../../gateway/tools/status/joined.ts";
import { printStatus } from "../../../../gateway/tools/status/printed.ts";
import { wellFacts } from "../../admin/view/well-facts.ts";
import { until } from "../../until.ts";
import { GatewayProcess, Manifests, ModelServer } from "../../gateway-process.ts";
import { answering, broken, FakeAdmin, withoutNames } from "../fake-admin.ts";
import { runTool } from "../run-tool.ts";

const facts: Facts = {
  ...wellFacts,
  table: { version: 3, hash: "0123456789abcdef", routes: 4 },
  problems: { error: 0, warning: 1, info: 5 },
};
const well = statusOf(facts, 0);
const withTable = (hash: string): Status => ({ ...well, table: { ...well.table, hash } });
const there = (name: string, status: Status) => ({ name, status, sentence: null });

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
    expect(printStatus(joined([there("one", well), there("two", well)]))).toBe(`Well: nothing is wrong.

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

  test("a column shows each that differs, and one that is away is said first", () => {
    const behind = statusOf(
      { ...facts, version: "0.0.9", sources: [{ kind: "cluster", ageSeconds: 300, trouble: "it is away" }] },
      0,
    );
    const all = joined([
      there("one", well),
      there("two", behind),
      { name: "three", status: null, sentence: "three does not answer" },
    ]);
    expect(all.troubles).toEqual([
      "1 of 3 replicas is away: three does not answer",
      "two: The cluster was last read 5 min ago: it is away.",
    ]);
    const lines = printStatus(all).split("\n");
    expect(lines[0]).toBe("Wrong: 1 of 3 replicas is away: three does not answer");
    expect(
      lines
        .find((line) => line.includes("version"))!
        .trim()
        .split(/\s{2,}/),
    ).toEqual(["version", "0.1.0", "0.0.9", "away"]);
  });

  test("what several say alike is said once, without their names where all of them say it", () => {
    const wrong = statusOf({ ...facts, ejectedEndpoints: { count: 1, endpoints: [] } }, 0);
    expect(joined([there("one", wrong), there("two", wrong)]).troubles).toEqual([wrong.first]);
    expect(joined([there("one", wrong), there("two", wrong), there("three", well)]).troubles).toEqual([
      `one, two: ${wrong.first}`,
    ]);
  });

  test("a replica that says that something is wrong, but not what, is wrong", () => {
    const all = joined([there("one", well), there("two", { ...well, isWell: false })]);
    expect([all.isWell, all.first]).toEqual([
      false,
      "two: The gateway says that something is wrong, but not what: read its log.",
    ]);
  });

  test("tables that differ are wrong; a replica without a table does not differ", () => {
    expect(joined([there("one", withTable("a")), there("two", withTable("b"))]).first).toMatch(/different tables/);
    expect(joined([there("one", withTable("a")), there("two", withTable(""))]).isWell).toBe(true);
  });

  test("names of 64 kB with escapes stay cells of one line each", () => {
    const name = `\u001b[2J\n${"x".repeat(65_536)}`;
    const failing = { namespace: name, deployment: name, predictor: name, sentence: name };
    const status = statusOf(
      { ...facts, version: name, failingPredictors: Array.from({ length: 40 }, () => failing) },
      0,
    );
    const text = printStatus(joined([there(name, status), there("two", well)]));
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
    const one = await fake((_, response) => response.end(JSON.stringify(withTable(asked++ === 0 ? "old" : "new"))));
    const two = await fake(answering(withTable("new")));
    expect((await runTool("status", "--url", `${one.url},${two.url}`)).code).toBe(0);
    expect(asked).toBe(2);
  });

  test("without a gateway is wrong use", async () => {
    expect(await runTool("status")).toMatchObject({ code: 2, out: "" });
    const two = await runTool("status", "--url", "http://user:secret@host", "--url", "http://127.0.0.1:1");
    expect(`${two.out}${two.err}`).not.toContain("secret");
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

  const serve = async (): Promise<string> => {
    const argv = ["serve", "--folder", folder.folder, "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"];
    const gateway = new GatewayProcess([...argv, "--workers", "2", "--drain-wait-ms", "0"]);
    closers.push(() => gateway.kill());
    const { admin } = await gateway.listening();
    await until(async () => (await fetch(`${admin}/readyz`)).status === 200);
    return admin;
  };

  test("says that it is well, of two replicas too, and the Problem that comes", async () => {
    const [one, two] = await Promise.all([serve(), serve()]);
    const answer = JSON.parse(await (await fetch(`${one}/api/v1/status`)).text()) as unknown;
    expect([...Value.Errors(statusShape, answer)]).toEqual([]);
    const ran = await runTool("status", "--url", one, "--url", two);
    expect(ran.out).toMatch(/^Well: nothing is wrong\.\n\n {2}REPLICA/);
    expect(ran).toMatchObject({ code: 0, err: "" });
    const json = JSON.parse((await runTool("status", "--url", one, "-o", "json")).out) as unknown;
    expect([...Value.Errors(joinedStatusShape, json)]).toEqual([]);
    await folder.write("bad.yaml", "{{{");
    await expect
      .poll(async () => (await runTool("status", "--url", one)).out, { timeout: 10_000 })
      .toMatch(/^Wrong: 1 Problem keeps an object from being served as written/);
    const away = await runTool("status", "--url", one, "--url", "http://127.0.0.1:1");
    expect(away.code).toBe(1);
    expect(away.out).toMatch(/^Wrong: 1 of 2 replicas is away: http:\/\/127\.0\.0\.1:1 does not answer/);
    expect(away.out).toMatch(/^ {2}also: http:\S+: 1 Problem keeps/m);
  }, 30_000);
});
