// Back-off of an address that fails its copies.
import { describe, expect, test } from "vitest";
import {
  ShadowBackOff,
  badEndsToBackOff,
  firstBackOffMs,
  longestBackOffMs,
  type CopyEnd,
} from "../../../../gateway/edge/shadow/shadow-backoff.ts";

/** One that backs off since `nowMs`. */
function backingOff(nowMs: number, how: CopyEnd = "failed"): ShadowBackOff {
  const backOff = new ShadowBackOff();
  for (let i = 1; i < badEndsToBackOff; i++) expect(backOff.ended(how, nowMs)).toBe(false);
  expect(backOff.admits(nowMs)).toBe(true);
  expect(backOff.ended(how, nowMs)).toBe(true);
  return backOff;
}

describe("back-off of an address", () => {
  test.each([
    [
      "failed",
      "twice as long after each that fails, up to the longest",
      (delayMs: number) => Math.min(longestBackOffMs, delayMs * 2),
    ],
    ["cut", "as long as before after each that is cut", (delayMs: number) => delayMs],
  ] as const)("%s: it admits one trial when its time is over, and waits %s", (how, _waits, next) => {
    let nowMs = 1000;
    const backOff = backingOff(nowMs, how);
    for (let delayMs = firstBackOffMs; ; delayMs = next(delayMs)) {
      expect(backOff.admits(nowMs + delayMs - 1)).toBe(false);
      nowMs += delayMs;
      expect(backOff.admits(nowMs)).toBe(true);
      expect(backOff.admits(nowMs)).toBe(false);
      expect(backOff.ended(how, nowMs)).toBe(false);
      if (nowMs > 1000 + 4 * longestBackOffMs) break;
    }
  });

  test("bad ends of copies that began before it do not lengthen it", () => {
    const backOff = backingOff(0);
    for (let i = 0; i < 64; i++) expect(backOff.ended("failed", 10)).toBe(false);
    expect(backOff.admits(firstBackOffMs)).toBe(true);
  });

  test("a trial that comes to no end is followed by another", () => {
    const backOff = backingOff(0);
    expect(backOff.admits(firstBackOffMs)).toBe(true);
    expect(backOff.admits(2 * firstBackOffMs - 1)).toBe(false);
    expect(backOff.admits(2 * firstBackOffMs)).toBe(true);
  });

  test("an answer ends it, and the row", () => {
    const backOff = backingOff(0);
    expect(backOff.ended("answered", 0)).toBe(false);
    for (let i = 1; i < badEndsToBackOff; i++) {
      expect(backOff.ended(i % 2 === 0 ? "failed" : "cut", 0)).toBe(false);
      expect(backOff.admits(0)).toBe(true);
    }
    backOff.ended("answered", 0);
    expect(backOff.ended("failed", 0)).toBe(false);
    expect(backOff.admits(0)).toBe(true);
  });
});
