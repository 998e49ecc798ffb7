// The live commands: on a terminal they draw until the user ends them, in a pipe once or a line a change. Time is the test's.
import { afterEach, describe, expect, test } from "vitest";
import type { Asked } from "../../../../gateway/tools/live/ask-deployments.ts";
import type { Screen } from "../../../../gateway/tools/live/screen.ts";
import { live } from "../../../../gateway/tools/live/top.ts";
import { watchSplit } from "../../../../gateway/tools/live/watch.ts";
import { broken, FakeAdmin, withoutNames, type FakeAnswer } from "../fake-admin.ts";
import { runTool } from "../run-tool.ts";
import { deployment, measured, predictor } from "./fixtures.ts";

const asked = (share: number, notes: readonly string[] = []): Asked => ({
  kind: "asked",
  deployments: [deployment("iris", measured(60), { predictors: [predictor("main", 100, share)] })],
  notes,
});
const away: Asked = { kind: "failed", sentence: "it is away" };

/** A screen that ends after these pictures. */
function screenFor(isLive: boolean, pictures: number): Screen & { written: string[]; closed: number } {
  const screen = {
    isLive,
    written: [] as string[],
    closed: 0,
    size: () => ({ columns: 60, rows: 10 }),
    write: (text: string) => void screen.written.push(text),
    pause: async () => --pictures > 0,
    close: () => void (screen.closed += 1),
  };
  return screen;
}

/** Each answer once, in order; then the last one again. */
function answers(...given: readonly Asked[]): () => Promise<Asked> {
  let at = 0;
  return async () => given[Math.min(at++, given.length - 1)]!;
}

const admins: FakeAdmin[] = [];
afterEach(async () => {
  for (const admin of admins.splice(0)) await admin.stop();
});

async function admin(answer: FakeAnswer): Promise<string> {
  admins.push(await FakeAdmin.start(answer));
  return admins.at(-1)!.url;
}

describe("top", () => {
  const draw: Parameters<typeof live>[1] = ({ deployments, notes }) => [...notes, `${deployments.length}`];

  test("on a terminal draws until the user ends it, and says replicas that go", async () => {
    const screen = screenFor(true, 3);
    expect(await live(answers(asked(100), away, asked(100)), draw, screen)).toEqual({ kind: "ended", code: 0 });
    expect(screen.written).toEqual([
      "\u001b[H1\u001b[K\u001b[J",
      "\u001b[Hit is away\u001b[K\r\n1\u001b[K\u001b[J",
      "\u001b[H1\u001b[K\u001b[J",
    ]);
    expect(screen.closed).toBe(1);
  });

  test("in a pipe prints once; with a replica away it exits 1", async () => {
    const screen = screenFor(false, 3);
    expect(await live(answers(asked(100)), draw, screen)).toMatchObject({ kind: "done", text: "1\n", code: 0 });
    expect(await live(answers(asked(100, ["it is away"])), draw, screen)).toMatchObject({ code: 1 });
    expect(await live(answers(away), draw, screen)).toEqual(away);
    expect([screen.written, screen.closed]).toEqual([[], 3]);
  });

  test("reads every part of a list, and says who is not in it", async () => {
    const away = [{ replica: "sluice-2", sentence: "it cannot be reached" }];
    const url = await admin((request, response) => {
      const isFirst = !request.url!.includes("continue");
      const items = [deployment(isFirst ? "a" : "b", measured(60, isFirst ? 30 : 0))];
      response.end(JSON.stringify({ items, continue: isFirst ? "x y" : null, away }));
    });
    const { out, code } = await runTool("top", "--url", url);
    expect(code).toBe(1);
    expect(out).toMatch(/^sluice-2 is not in this: it cannot be reached\n/);
    expect(
      out
        .split("\n")
        .slice(3)
        .map((line) => line.split(/\s+/).slice(0, 5)),
    ).toEqual([["prod/a", "ready", "30", "50", "1.00"], ["prod/b", "ready", "0", "0", "1.00"], [""]]);
  });

  test.each([
    ["top", [], null],
    ["top", ["-n", "models"], "models"],
    ["watch", ["iris"], null],
    ["watch", ["iris", "-n", "models"], "models"],
    ["watch", ["models/iris"], "models"],
  ])("%s %j asks about one namespace where it is named", async (command, argv, namespace) => {
    const asked: (string | null)[] = [];
    const url = await admin((request, response) => {
      asked.push(new URL(request.url!, "http://x").searchParams.get("namespace"));
      response.end(JSON.stringify({ items: [], continue: null }));
    });
    await runTool(command, ...argv, "--url", url);
    expect(asked).toEqual([namespace]);
  });

  test("does not follow parts without end", async () => {
    let asks = 0;
    const url = await admin((_, response) => {
      asks += 1;
      response.end(JSON.stringify({ items: [], continue: "again" }));
    });
    expect(await runTool("top", "--url", url)).toMatchObject({
      code: 1,
      err: expect.stringContaining("does not end, or is too long"),
    });
    expect(asks).toBe(2);
  });
});

describe("watch", () => {
  test("in a pipe prints a line whenever the split is another", async () => {
    const screen = screenFor(false, 5);
    const ask = answers(asked(100), asked(100), asked(50), away, { kind: "asked", deployments: [], notes: [] });
    expect(await watchSplit(ask, "iris", screen)).toEqual({ kind: "ended", code: 1 });
    expect(screen.written).toEqual([
      "prod/iris ready: main 100%\n",
      "prod/iris ready: main 50% of 100%\n",
      "prod/iris ready: main 50% of 100% (it is away)\n",
      "prod/iris ready: main 50% of 100% (it is gone)\n",
    ]);
  });

  test.each([
    ["each replica answers", [away, asked(100)], 0],
    ["one of two replicas is away", [asked(100, ["it is away"])], 1],
    ["all are away", [asked(100), away], 1],
  ])("exits by what was so at its end: %s", async (_, given, code) => {
    const ask = answers(asked(100), ...given);
    expect(await watchSplit(ask, "iris", screenFor(false, given.length + 1))).toEqual({ kind: "ended", code });
  });

  test("of a name that nobody or several have is one sentence", async () => {
    const other = deployment("iris", measured(1), { namespace: "dev" });
    const both: Asked = { kind: "asked", deployments: [other, deployment("iris", measured(1))], notes: [] };
    expect(await watchSplit(answers(both), "iris", screenFor(false, 1))).toMatchObject({
      kind: "failed",
      sentence: "several namespaces have iris: write dev/iris or prod/iris",
    });
    expect(await watchSplit(answers(both), "rose", screenFor(false, 1))).toMatchObject({ kind: "failed" });
    expect(await watchSplit(answers(both), "dev/iris", screenFor(false, 1))).toEqual({ kind: "ended", code: 0 });
  });
});

describe.each([["top"], ["watch", "iris"]])("%s", (name, ...argv) => {
  test.each(broken)("on an admin port that is %s prints one sentence and exits 1", async (_, answer, sentence) => {
    const url = await admin(answer);
    const ran = await runTool(name, ...argv, "--url", url);
    expect(ran).toMatchObject({ code: 1, out: "" });
    const said = withoutNames(ran.err, url, "/api/v1/deployments").slice(`sluice ${name}: `.length);
    expect(said.trimEnd()).toMatch(sentence);
    expect(said.split("\n")).toHaveLength(2);
  });
});
