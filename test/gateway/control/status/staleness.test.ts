import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { logStaleness } from "../../../../gateway/control/status/staleness.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
});

afterEach(() => {
  vi.useRealTimers();
});

describe("a Source that does not know the truth", () => {
  test("is logged after the grace, then once a minute, and when it is over", () => {
    const logged: [string, unknown][] = [];
    let trouble: string | null = null;
    let age = 0;
    const { stop } = logStaleness(
      { trouble: () => trouble, ageSeconds: () => age },
      { write: (event, { ageSeconds }) => logged.push([event, ageSeconds]), flush: () => {} },
      { lookMs: 1000, graceSeconds: 5, repeatMs: 60_000 },
    );
    vi.advanceTimersByTime(3000);
    trouble = "away";
    for (age = 1; age <= 130; age++) vi.advanceTimersByTime(1000);
    expect(logged).toEqual([
      ["source-stale", 5],
      ["source-stale", 65],
      ["source-stale", 125],
    ]);
    trouble = null;
    vi.advanceTimersByTime(3000);
    expect(logged.slice(3)).toEqual([["source-current", undefined]]);
    stop();
    trouble = "away";
    vi.advanceTimersByTime(200_000);
    expect(logged).toHaveLength(4);
  });

  test("for less than the grace is not worth a line", () => {
    const logged: string[] = [];
    let trouble: string | null = "away";
    const { stop } = logStaleness(
      { trouble: () => trouble, ageSeconds: () => 4 },
      { write: (event) => logged.push(event), flush: () => {} },
      { lookMs: 1000, graceSeconds: 5, repeatMs: 60_000 },
    );
    vi.advanceTimersByTime(4000);
    trouble = null;
    vi.advanceTimersByTime(4000);
    expect(logged).toEqual([]);
    stop();
  });
});
