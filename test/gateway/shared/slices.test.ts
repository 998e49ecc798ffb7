import { expect, test } from "vitest";
import { Slices } from "../../../gateway/shared/slices.ts";

test("after a slice of work a rest as long as it is due, and none before", async () => {
  let nowMs = 100;
  const rests: number[] = [];
  const slices = new Slices(
    () => nowMs,
    async (ms) => {
      rests.push(ms);
      nowMs += ms;
    },
  );
  nowMs += 0.125;
  expect(slices.pause()).toBe(null);
  nowMs += 0.25;
  await slices.pause();
  expect(rests).toEqual([0.375]);
  nowMs += 0.125;
  expect(slices.pause()).toBe(null);
  // A reader that was waited for.
  nowMs += 7000;
  await slices.pause();
  expect(rests).toEqual([0.375, 1]);
  expect(slices.pause()).toBe(null);
});
