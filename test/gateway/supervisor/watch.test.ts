// Who has been silent for too long, by a clock that the test moves.
import { describe, expect, test } from "vitest";
import { fixed, fixedCells } from "../../../gateway/shared/metrics/fixed.ts";
import { anyResponds } from "../../../gateway/shared/memory/heartbeat.ts";
import { StallWatch, printStack, watchEveryMs } from "../../../gateway/supervisor/watch.ts";

const startMs = 1_000_000;

function blockAt(beatMs: number): Float64Array {
  const cells = new Float64Array(fixedCells);
  cells[fixed.beatMs] = beatMs;
  return cells;
}

/** A watch that has looked as often as it should until `nowMs`. */
function watchAt(nowMs: number): StallWatch {
  const watch = new StallWatch(startMs);
  for (let at = startMs; at < nowMs; at += watchEveryMs) watch.look(at);
  watch.look(nowMs);
  return watch;
}

describe("silence", () => {
  test.each([
    [4999, 0],
    [5000, 5000],
    [5001, 5001],
  ])("of %i ms at a limit of 5000 is %i", (stalledMs, found) => {
    expect(watchAt(startMs + stalledMs).stalledMs(blockAt(startMs), 5000)).toBe(found);
  });

  test("is nothing in a thread that has not begun, and by a limit of 0", () => {
    expect(watchAt(startMs + 99_000).stalledMs(blockAt(0), 5000)).toBe(0);
    expect(watchAt(startMs + 99_000).stalledMs(blockAt(startMs), 0)).toBe(0);
  });

  test("counts from where the process went on that stood still", () => {
    const watch = new StallWatch(startMs);
    watch.look(startMs + 60_000);
    expect(watch.stalledMs(blockAt(startMs), 5000)).toBe(0);
    for (let ms = 0; ms < 5000; ms += watchEveryMs) watch.look(startMs + 60_000 + ms);
    expect(watch.stalledMs(blockAt(startMs), 5000)).toBe(0);
    watch.look(startMs + 65_000);
    expect(watch.stalledMs(blockAt(startMs), 5000)).toBe(5000);
  });
});

test("one thread that turns is enough", () => {
  expect(anyResponds([blockAt(startMs), blockAt(startMs + 1)], 5000, startMs + 5000)).toBe(true);
  expect(anyResponds([blockAt(startMs), blockAt(startMs)], 5000, startMs + 5000)).toBe(false);
  expect(anyResponds([blockAt(0)], 5000, startMs)).toBe(false);
  expect(anyResponds([blockAt(startMs)], 0, startMs + 1e9)).toBe(true);
});

describe("the stack of a profile", () => {
  const node = (
    id: number,
    functionName: string,
    url: string,
    hitCount: number,
    children: readonly number[],
    lines: readonly (readonly [number, number])[] = [],
  ) => ({
    id,
    callFrame: { functionName, url, lineNumber: 9 },
    hitCount,
    children,
    positionTicks: lines.map(([line, ticks]) => ({ line, ticks })),
  });

  test("is the path with most samples, innermost first, at the line with most of them", () => {
    const nodes = [
      node(1, "(root)", "", 0, [2, 3, 6]),
      node(2, "(idle)", "", 90, []),
      node(3, "read", "file:///a.ts", 2, [4, 5]),
      node(4, "seldom", "file:///b.ts", 1, []),
      node(
        5,
        "",
        "file:///c.ts",
        40,
        [],
        [
          [12, 3],
          [13, 30],
          [12, 2],
        ],
      ),
      node(6, "other", "file:///d.ts", 5, []),
    ];
    expect(printStack(nodes)).toBe("    at <anonymous> (file:///c.ts:13)\n    at read (file:///a.ts:10)");
  });

  test("ends where most samples do, and is empty where there are none", () => {
    expect(
      printStack([
        node(1, "(root)", "", 0, [2]),
        node(2, "loop", "file:///a.ts", 40, [3]),
        node(3, "called", "file:///a.ts", 4, []),
      ]),
    ).toBe("    at loop (file:///a.ts:10)");
    expect(printStack([node(1, "(root)", "", 0, [2]), node(2, "(program)", "", 9, [])])).toBe("");
    expect(printStack([])).toBe("");
  });
});
