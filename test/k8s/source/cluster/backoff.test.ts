import { describe, expect, test } from "vitest";
import { apiBackoff, Backoff } from "../../../../k8s/source/cluster/backoff.ts";

const steps = (draw: number, count: number): number[] => {
  const backoff = new Backoff(apiBackoff, () => draw);
  return Array.from({ length: count }, () => backoff.waitMs(0, null));
};

describe("the back-off", () => {
  test("doubles from 0.8 s to 30 s, each step drawn between once and twice itself", () => {
    expect(steps(0, 8)).toEqual([800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]);
    expect(steps(0.5, 8)).toEqual([1200, 2400, 4800, 9600, 19_200, 38_400, 45_000, 45_000]);
  });

  test("starts from the first step after two minutes without a failure, beyond the wait itself", () => {
    const backoff = new Backoff(apiBackoff, () => 0);
    for (let failure = 0; failure < 3; failure++) backoff.waitMs(0, null);
    expect(backoff.waitMs(120_000 + 6400, null)).toBe(6400);
    expect(backoff.waitMs(120_000 + 6400 + 120_000 + 12_801, null)).toBe(800);
  });

  test("takes what the server asks for, between its first and its longest step", () => {
    const backoff = new Backoff(apiBackoff, () => 0.5);
    expect(backoff.waitMs(0, 1000)).toBe(1500);
    expect(backoff.waitMs(0, 0)).toBe(1200);
    expect(backoff.waitMs(0, 60_000)).toBe(45_000);
  });
});
