// What `top` and `watch` draw: pure, at any width, whatever names hold.
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Deployment } from "../../../../gateway/api/deployments.ts";
import { joinedDeployment } from "../../../../gateway/admin/view/joined-deployments.ts";
import { drawTop, topOrders } from "../../../../gateway/tools/live/top-drawn.ts";
import { drawWatch, splitLine } from "../../../../gateway/tools/live/watch-drawn.ts";
import { cell, cut } from "../../../../gateway/tools/terminal/cells.ts";
import { deployment, endpointWindows, measured, predictor } from "./fixtures.ts";

const all = Infinity;
const iris = deployment("iris", measured(600, 27, 12.3), { state: "failing" });
const wine = deployment("wine", measured(6000, 0, 1500));
const idle = deployment("idle", measured(0));

/** Columns that a terminal takes for these lines, at most. */
const widest = (lines: readonly string[]): number => Math.max(...lines.map((line) => Array.from(line).length));
const isPlain = (lines: readonly string[]): boolean => !/[\p{Cc}\p{Cf}]/u.test(lines.join(""));

describe("top", () => {
  test("shows the most failures first, with rate and p99", () => {
    expect(drawTop([idle, wine, iris], "failures", [], { columns: 80, rows: all })).toEqual([
      "3 deployments, 1 not ready or failing, last minute",
      "DEPLOYMENT                                 STATE     FAILED    %  RATE/S     P99",
      "prod/iris                                  failing       27    5      10    12ms",
      "prod/wine                                  ready          0    0     100    1.5s",
      "prod/idle                                  ready          0    -       0       -",
    ]);
    const names = (order: (typeof topOrders)[number]): readonly string[] =>
      drawTop([idle, wine, iris], order, [], { columns: 80, rows: all })
        .slice(2)
        .map((line) => line.split(" ")[0]!);
    expect(names("failures")).toEqual(["prod/iris", "prod/wine", "prod/idle"]);
    expect(names("rate")).toEqual(["prod/wine", "prod/iris", "prod/idle"]);
    expect(names("p99")).toEqual(["prod/wine", "prod/iris", "prod/idle"]);
  });

  test("says the figures of the last minute", () => {
    const [, , line] = drawTop([iris], "failures", [], { columns: 80, rows: all });
    expect(line!.split(/\s+/)).toEqual(["prod/iris", "failing", "27", "5", "10", "12ms"]);
    const [, , none] = drawTop([idle], "failures", [], { columns: 80, rows: all });
    expect(none!.split(/\s+/)).toEqual(["prod/idle", "ready", "0", "-", "0", "-"]);
  });

  test("in 20 columns has the name and the figure that it is ordered by", () => {
    expect(drawTop([iris, wine], "failures", [], { columns: 20, rows: all })).toEqual([
      "2 deployments, 1 no…",
      "DEPLOYMENT    FAILED",
      "prod/iris         27",
      "prod/wine          0",
    ]);
    expect(drawTop([iris], "p99", [], { columns: 20, rows: all }).at(-1)).toBe("prod/iris       12ms");
  });

  test("in few rows says how many more there are", () => {
    const many = Array.from({ length: 10_000 }, (_, at) =>
      deployment(`m-${at}`, measured(10, 10), { state: "failing" }),
    );
    for (const rows of [1, 2, 3, 4, 10]) {
      const lines = drawTop(many, "failures", ["one is away"], { columns: 40, rows });
      expect(lines).toHaveLength(rows);
      if (rows >= 5) expect(lines.at(-1)).toBe(`${10_000 - (rows - 4)} more`);
    }
    expect(drawTop(many, "failures", [], { columns: 40, rows: 10_002 })).toHaveLength(10_002);
    expect(drawTop(many, "failures", [], { columns: 40, rows: 10_001 }).at(-1)).toBe("2 more");
  });

  test("draws no line too wide and no escape, whatever names, numbers and sizes are", () => {
    const anything = fc.oneof(
      fc.string(),
      fc.constant(`\u001b[2J\n\u202e${"x".repeat(65_536)}`),
      fc.constant("模型模型模型模型模型"),
    );
    const number = fc.oneof(fc.nat(), fc.constant(Number.MAX_VALUE), fc.constant(0.001));
    fc.assert(
      fc.property(
        fc.array(fc.tuple(anything, number, number), { maxLength: 5 }),
        anything,
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 1, max: 12 }),
        fc.constantFrom(...topOrders),
        (given, note, columns, rows, order) => {
          const deployments = given.map(([name, requests, p99]) =>
            deployment(name, measured(requests, requests, p99), {
              sentence: name,
              predictors: [predictor(name, 50, 200)],
            }),
          );
          const drawn = [
            drawTop(deployments, order, [note], { columns, rows }),
            ...deployments.map((one) => drawWatch(one, [note], { columns, rows })),
          ];
          for (const lines of drawn) {
            expect(lines.length).toBeLessThanOrEqual(rows);
            expect(widest(lines)).toBeLessThanOrEqual(columns);
            expect(isPlain(lines)).toBe(true);
          }
          for (const one of deployments) expect(splitLine(one)).not.toMatch(/\p{Cc}/u);
        },
      ),
    );
  });
});

describe("watch", () => {
  const moving = deployment("iris", measured(100), {
    state: "unready",
    sentence: "canary has no ready Endpoint",
    predictors: [
      predictor("main", 75, 100, { measuredPercent: 96.04 }),
      predictor("canary", 25, 0, { measuredPercent: 3.96, endpoints: [], lastMinute: measured(4, 4, 3.21) }),
      predictor("next", 100, 100, { role: "shadow" }),
    ],
  });

  test("shows declared, served and measured shares", () => {
    expect(drawWatch(moving, [], { columns: 100, rows: all })).toEqual([
      "prod/iris unready: canary has no ready Endpoint",
      "PREDICTOR   SERVED DECLARED MEASURED  READY FAILED     P99",
      "main          100%      75%      96%    1/1      0       -  ########################################",
      "canary          0%      25%       4%    0/0      4   3.2ms  ........................................",
      "copy next     100%     100%        -    1/1      0       -  ########################################",
    ]);
    expect(drawWatch(moving, [], { columns: 20, rows: all }).slice(1)).toEqual([
      "PREDICTOR   SERVED",
      "main          100%",
      "canary          0%",
      "copy next     100%",
    ]);
  });

  test("in a line says what is served, and of what where that differs", () => {
    expect(splitLine(moving)).toBe("prod/iris unready: main 100% of 75%, canary 0% of 25%, copy next 100%");
  });
});

describe("replicas", () => {
  test("add up: requests, failures, shares that were measured; the worst state and the slowest p99", () => {
    const one = deployment("iris", measured(100, 0, 5), {
      predictors: [
        predictor("main", 50, 50, { measuredPercent: 100, lastMinute: measured(100) }),
        predictor("canary", 50, 50),
      ],
    });
    const two = deployment("iris", measured(300, 30, 9), {
      state: "failing",
      sentence: "30 of 300 failed",
      predictors: [
        predictor("main", 50, 100, { measuredPercent: 50, lastMinute: measured(150) }),
        predictor("canary", 50, 0, { measuredPercent: 50, lastMinute: measured(150, 30) }),
      ],
    });
    const joined = joinedDeployment([one, two]);
    expect(joined).toMatchObject({
      state: "failing",
      sentence: "30 of 300 failed",
      lastMinute: { requests: 400, failed: 30, p99Ms: 9, meanMs: 8 },
    });
    expect(joined.predictors.map(({ servedPercent, measuredPercent }) => [servedPercent, measuredPercent])).toEqual([
      [50, 62.5],
      [0, 37.5],
    ]);
  });

  test("add up what each Endpoint counted and who ejected it; without the numbers of one there are none", () => {
    const at = (state: "ready" | "ejected", ejectedBy: number, windows = endpointWindows(10, 4)) =>
      deployment("iris", measured(0), {
        predictors: [
          predictor("main", 100, 100, { endpoints: [{ address: "10.0.0.1:9000", state, ejectedBy, ...windows }] }),
        ],
      });
    const joined = (...all: readonly Deployment[]): unknown => joinedDeployment(all).predictors[0]!.endpoints;
    expect(joined(at("ready", 0), at("ejected", 2, endpointWindows(5, 5)))).toEqual([
      { address: "10.0.0.1:9000", state: "ejected", ejectedBy: 2, ...endpointWindows(15, 9) },
    ]);
    const none = { lastMinute: null, lastFiveMinutes: null };
    expect(joined(at("ready", 0), at("ready", 0, none as never))).toEqual([
      { address: "10.0.0.1:9000", state: "ready", ejectedBy: 0, ...none },
    ]);
  });

  test("of one is as it is", () => {
    expect(joinedDeployment([iris])).toBe(iris);
  });
});

describe("cells", () => {
  test("at their width", () => {
    expect([2, 3, 4].map((width) => cut("abc", width))).toEqual(["a…", "abc", "abc"]);
    expect([0, 1].map((width) => cut("abc", width))).toEqual(["", "…"]);
    expect(cell("模型", 5)).toBe("模型 ");
    expect(cell("模型", 3)).toBe("模…");
    expect(cell("ab", 4, "right")).toBe("  ab");
  });
});
