// What a running gateway keeps of requests that failed: by its admin port and by the commands, with a data worker that ends.
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { AccessEntry } from "../../gateway/shared/access-fields.ts";
import { askJudged } from "./admin/judged-answer.ts";
import type { GatewayProcess } from "./gateway-process.ts";
import { GatewayStage } from "./gateway-stage.ts";
import { freePort } from "../ports.ts";
import { runTool } from "./tools/run-tool.ts";
import { until } from "./until.ts";

let stage: GatewayStage;
let gateway: GatewayProcess;
let at: { readonly traffic: string; readonly admin: string };

beforeEach(async () => {
  stage = await GatewayStage.open();
});
afterEach(() => stage.close());

async function serve(...argv: readonly string[]): Promise<void> {
  await stage.manifests.deploy("iris", stage.model.port);
  await stage.manifests.deploy("dead", await freePort());
  gateway = stage.serve(2, ...argv);
  at = await gateway.listening();
}

async function asked(path: string): Promise<{ readonly status: number; readonly id: string }> {
  const answer = await fetch(at.traffic + path, { method: "POST", body: "{}", headers: { connection: "close" } });
  await answer.text();
  return { status: answer.status, id: answer.headers.get("x-request-id")! };
}

interface Kept {
  readonly items: readonly AccessEntry[];
  readonly continue: string | null;
}

async function kept(query = ""): Promise<Kept> {
  const answer = await askJudged(Number(new URL(at.admin).port), `/api/v1/failures${query}`);
  expect(answer.status).toBe(200);
  return (await answer.json()) as Kept;
}

const iris = "/seldon/prod/iris/api/v1.0/predictions";
const dead = "/seldon/prod/dead/api/v1.0/predictions";

test("failures of the gateway and of the model, and what became of one", async () => {
  await serve();
  expect((await asked(iris)).status).toBe(200);
  const refused = await asked(dead);
  stage.model.answer = (_, response) => response.writeHead(500).end();
  const own = await asked(iris);
  const nowhere = await asked("/nowhere");
  expect([refused.status, own.status, nowhere.status]).toEqual([503, 500, 404]);
  await until(async () => (await kept()).items.length === 3);
  const { items } = await kept();
  expect(items.map(({ requestId, flag, origin, deployment }) => [requestId, flag, origin, deployment])).toEqual([
    [nowhere.id, "NR", "gateway", ""],
    [own.id, "", "model", "iris"],
    [refused.id, "UF", "gateway", "dead"],
  ]);
  const idsOf = async (query: string): Promise<readonly string[]> =>
    (await kept(query)).items.map(({ requestId }) => requestId);
  expect(await idsOf("?deployment=prod/dead")).toEqual([refused.id]);
  expect(await idsOf("?deployment=iris")).toEqual([own.id]);
  expect(await idsOf("?deployment=other/iris")).toEqual([]);
  expect(await idsOf("?namespace=prod")).toEqual([own.id, refused.id]);
  expect(await idsOf("?flag=UF")).toEqual([refused.id]);
  expect(await idsOf("?flag=-")).toEqual([own.id]);
  const part = await kept("?limit=2");
  expect(part.items.map(({ requestId }) => requestId)).toEqual([nowhere.id, own.id]);
  expect(await idsOf(`?continue=${part.continue!}`)).toEqual([refused.id]);

  const story = await askJudged(Number(new URL(at.admin).port), `/api/v1/requests/${refused.id}`);
  expect(await story.json()).toMatchObject({
    request: { requestId: refused.id, deployment: "dead", predictor: "default", flag: "UF" },
    cause: expect.stringContaining("The Endpoint refuses connections"),
    next: [expect.stringContaining("sluice failures prod/dead"), expect.stringContaining("sluice routes")],
  });
  const nobody = await askJudged(Number(new URL(at.admin).port), "/api/v1/requests/not-there");
  expect([nobody.status, await nobody.text()]).toEqual([
    404,
    expect.stringContaining("no failure has this request id"),
  ]);

  const told = await runTool("explain", refused.id, "--url", at.admin);
  expect([told.code, told.err]).toEqual([0, ""]);
  expect(told.out).toMatch(/^The gateway ended the request\.\n/);
  for (const word of [`POST ${dead}`, refused.id, "prod/dead", "default", "503", "UF", "The Endpoint refuses"])
    expect(told.out).toContain(word);
  expect((await runTool("explain", own.id, "--url", at.admin)).out).toMatch(/^The model answered\.\n[^]*kubectl logs/);
  const unknown = await runTool("explain", "11111111-2222", "--url", at.admin);
  expect([unknown.code, unknown.err]).toEqual([1, expect.stringContaining("no failure has this request id")]);
  const printed = await runTool("failures", "prod/dead", "--url", at.admin);
  expect([printed.code, printed.err]).toEqual([0, ""]);
  expect(printed.out).toMatch(
    new RegExp(
      String.raw`^COUNT .*\n +1 +UF +prod/dead +default +127\.0\.0\.1:\d+ +upstream connect error.*\n\nAll 1:\nTIME .*\n\S+Z +503 +UF +prod/dead +default +127\.0\.0\.1:\d+ +\d+ +${refused.id} +upstream connect error.* · POST ${dead}\n$`,
    ),
  );
  expect((await runTool("failures", "--url", at.admin, "--flag", "-")).out).toContain(own.id);
  expect(await runTool("failures", "nobody", "--url", at.admin)).toMatchObject({ code: 1, out: "" });
  expect(JSON.parse((await runTool("failures", "--url", at.admin, "-o", "json")).out)).toMatchObject({
    items: [{ requestId: nowhere.id }, { requestId: own.id }, { requestId: refused.id }],
    leftOut: 0,
  });
  expect((await runTool("failures", "--url", at.admin, "--flag", "XX")).code).toBe(2);
  expect((await runTool("failures")).code).toBe(2);
  const away = await runTool("failures", "--url", `127.0.0.1:${await freePort()}`);
  expect([away.code, away.out]).toEqual([1, ""]);
  expect(away.err.trimEnd().split("\n")).toHaveLength(1);
});

test("sluice logs prints requests as they end, of one deployment or with one flag", async () => {
  await serve();
  const written = vi.spyOn(process.stdout, "write");
  const following = runTool("logs", "prod/dead", "--url", at.admin, "--flag", "UF");
  const ids: string[] = [];
  await until(async () => {
    await asked(iris);
    ids.push((await asked(dead)).id);
    return written.mock.calls.some(([part]) => String(part).includes(" UF "));
  });
  await gateway.kill();
  const { code, out, err } = await following;
  expect([code, err]).toEqual([1, expect.stringContaining("ended the stream")]);
  const lines = out.trimEnd().split("\n");
  for (const line of lines)
    expect(ids.some((id) => line.includes(` UF  prod/dead  default  `) && line.includes(id))).toBe(true);
  expect((await runTool("logs", "--url", at.admin)).code).toBe(1);
  expect((await runTool("logs")).code).toBe(2);
  expect((await runTool("logs", "--url", at.admin, "--flag", "XX")).code).toBe(2);
});

test("what was handed over outlives the data workers, and with --access-log off there is no path", async () => {
  await serve("--access-log", "off");
  const { id } = await asked(dead);
  await until(async () => (await kept()).items.length === 1);
  for (const worker of [0, 1]) {
    gateway.endThread(`data-${worker}`);
    await gateway.seen("worker-ended", { thread: `data-${worker}` });
  }
  await until(async () => (await asked(dead).catch(() => ({ status: 0 }))).status === 503);
  await until(async () => (await kept()).items.length === 2);
  const [newest, first] = (await kept()).items;
  expect([first!.requestId, first!.path, newest!.deployment]).toEqual([id, "", "dead"]);
  expect(gateway.records.filter(({ event }) => event === "access")).toEqual([]);
});
