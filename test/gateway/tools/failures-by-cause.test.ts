// `sluice failures`: the cause of many failures is on the first line, then come the last few.
import { afterEach, expect, test } from "vitest";
import { accessFields } from "../../../gateway/shared/access-fields.ts";
import { FakeAdmin } from "./fake-admin.ts";
import { runTool } from "./run-tool.ts";

const none = Object.fromEntries(Object.entries(accessFields).map(([field, row]) => [field, row.none]));
const failed = (atMs: number, more: Readonly<Record<string, unknown>>): unknown => ({
  ...none,
  atMs,
  code: 503,
  flag: "UF",
  namespace: "prod",
  deployment: "iris",
  predictor: "main",
  address: "10.0.0.1:9000",
  sentence: "refused",
  requestId: `id-${atMs}`,
  ...more,
});

const admins: FakeAdmin[] = [];
afterEach(async () => {
  for (const admin of admins.splice(0)) await admin.stop();
});

async function printed(items: readonly unknown[], ...argv: string[]): Promise<readonly string[]> {
  const admin = await FakeAdmin.start((request, response) => {
    const limit = Number(new URL(request.url!, "http://a").searchParams.get("limit"));
    response.end(JSON.stringify({ items: items.slice(0, limit), continue: null, leftOut: 0 }));
  });
  admins.push(admin);
  return (await runTool("failures", "--url", admin.url, ...argv)).out.split("\n");
}

const dead = Array.from({ length: 30 }, (_, at) => failed(1000 - at, {}));
const own = failed(5, { flag: "", code: 500, predictor: "canary", sentence: "" });

test("causes are counted, the most frequent first, and the last ten requests follow", async () => {
  const lines = await printed([...dead, own]);
  expect(lines.slice(0, 5)).toEqual([
    "COUNT  FLAG  DEPLOYMENT  PREDICTOR  ENDPOINT       CAUSE",
    "   30  UF    prod/iris   main       10.0.0.1:9000  refused",
    "    1  -     prod/iris   canary     10.0.0.1:9000  the model answered 500",
    "",
    "The last 10 of 31:",
  ]);
  expect(lines[6]).toContain("id-1000");
  expect(lines).toHaveLength(6 + 10 + 1);
});

test.each([
  [30, "The last 30 of 31:"],
  [31, "All 31:"],
  [32, "All 31:"],
])("--limit %i of 31", async (limit, title) => {
  const lines = await printed([...dead, own], "--limit", String(limit));
  expect(lines[4]).toBe(title);
  expect(lines).toHaveLength(6 + Math.min(limit, 31) + 1);
});

test.each([
  [19, "", 19],
  [20, "", 20],
  [21, "and 1 more cause", 21],
  [22, "and 2 more causes", 21],
])("of %i causes at most twenty are printed", async (causes, more, count) => {
  const lines = await printed(Array.from({ length: causes }, (_, at) => failed(at, { predictor: `p${at}` })));
  const end = lines.indexOf("");
  expect(end).toBe(1 + count);
  expect(lines[end - 1]!.startsWith("and ") ? lines[end - 1] : "").toBe(more);
});

test("of a value the limit is that of the question", async () => {
  const lines = await printed([...dead, own], "-o", "json");
  expect((JSON.parse(lines.join("\n")) as { items: unknown[] }).items).toHaveLength(10);
});
