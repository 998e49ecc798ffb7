import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { postedLog, type LogLine } from "../../../gateway/shared/log.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("the log of a worker thread", () => {
  test("lines of a moment are posted together", () => {
    const posts: (readonly LogLine[])[] = [];
    const log = postedLog((lines) => posts.push(lines));
    log.write("access", { flag: "UF" }, "warn");
    log.write("source-stale", {});
    log.write("access", {});
    expect(posts).toEqual([]);
    vi.advanceTimersByTime(50);
    expect(posts.map((lines) => lines.map(({ level, event }) => `${level} ${event}`))).toEqual([
      ["warn access", "warn source-stale", "info access"],
    ]);
  });

  test("many lines do not wait, and flush hands on the rest", () => {
    const posts: (readonly LogLine[])[] = [];
    const log = postedLog((lines) => posts.push(lines));
    for (let index = 0; index < 300; index++) log.write("access", { index });
    expect(posts.map(({ length }) => length)).toEqual([256]);
    log.flush();
    log.flush();
    expect(posts.map(({ length }) => length)).toEqual([256, 44]);
    vi.advanceTimersByTime(50);
    expect(posts).toHaveLength(2);
  });
});
