import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { levelOf } from "../../../../gateway/shared/log-events.ts";
import { logWaiting } from "../../../../gateway/control/status/waiting-log.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

test("what a gateway waits for is logged when it has been so for 5 s, once a minute, anew when it is another thing, and no more when it is ready", () => {
  const logged: unknown[] = [];
  let waitsFor: string | null = "a";
  const { stop } = logWaiting(() => waitsFor, {
    write: (event, { sentence }) => logged.push([levelOf(event), event, sentence]),
    flush: () => {},
  });
  vi.advanceTimersByTime(4000);
  expect(logged).toEqual([]);
  vi.advanceTimersByTime(1000);
  expect(logged).toEqual([["warn", "not-ready", "a"]]);
  vi.advanceTimersByTime(59_000);
  expect(logged).toHaveLength(1);
  vi.advanceTimersByTime(1000);
  expect(logged).toHaveLength(2);
  waitsFor = "b";
  vi.advanceTimersByTime(5000);
  expect(logged).toHaveLength(2);
  vi.advanceTimersByTime(1000);
  expect(logged.slice(2)).toEqual([["warn", "not-ready", "b"]]);
  waitsFor = null;
  vi.advanceTimersByTime(200_000);
  expect(logged).toHaveLength(3);
  stop();
  waitsFor = "a";
  vi.advanceTimersByTime(200_000);
  expect(logged).toHaveLength(3);
});
