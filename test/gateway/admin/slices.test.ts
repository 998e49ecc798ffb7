import { expect, test } from 'vitest';
import { Slices } from '../../../gateway/admin/slices.ts';

test('after a slice of work a rest as long as it is due, and none before', async () => {
  let nowMs = 100;
  const rests: number[] = [];
  const slices = new Slices(() => nowMs, async (ms) => {
    rests.push(ms);
    nowMs += ms;
  });
  nowMs += 0.9;
  expect(slices.pause()).toBe(null);
  nowMs += 0.1;
  await slices.pause();
  expect(rests).toEqual([1]);
  nowMs += 0.9;
  expect(slices.pause()).toBe(null);
  nowMs += 7;
  await slices.pause();
  expect(rests.at(-1)).toBeCloseTo(7.9);
  expect(slices.pause()).toBe(null);
});
