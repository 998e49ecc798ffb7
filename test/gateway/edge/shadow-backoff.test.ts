// Back-off of a shadow that refuses or resets.
import { describe, expect, test } from 'vitest';
import { ShadowBackOff, firstBackOffMs, longestBackOffMs, lossesToBackOff } from '../../../gateway/edge/shadow-backoff.ts';

/** One that backs off since `nowMs`. */
function backingOff(nowMs: number): ShadowBackOff {
  const backOff = new ShadowBackOff();
  for (let i = 1; i < lossesToBackOff; i++) expect(backOff.lost(nowMs)).toBe(false);
  expect(backOff.admits(nowMs)).toBe(true);
  expect(backOff.lost(nowMs)).toBe(true);
  return backOff;
}

describe('back-off of a shadow', () => {
  test('it admits one trial when its time is over, and waits twice as long after each that is lost, up to the longest', () => {
    let nowMs = 1000;
    const backOff = backingOff(nowMs);
    for (let delayMs = firstBackOffMs; ; delayMs = Math.min(longestBackOffMs, delayMs * 2)) {
      expect(backOff.admits(nowMs + delayMs - 1)).toBe(false);
      nowMs += delayMs;
      expect(backOff.admits(nowMs)).toBe(true);
      expect(backOff.admits(nowMs)).toBe(false);
      expect(backOff.lost(nowMs)).toBe(false);
      if (nowMs > 1000 + 4 * longestBackOffMs) break;
    }
  });

  test('losses of copies that began before it do not lengthen it', () => {
    const backOff = backingOff(0);
    for (let i = 0; i < 64; i++) expect(backOff.lost(10)).toBe(false);
    expect(backOff.admits(firstBackOffMs)).toBe(true);
  });

  test('a trial that comes to no end is followed by another', () => {
    const backOff = backingOff(0);
    expect(backOff.admits(firstBackOffMs)).toBe(true);
    expect(backOff.admits(2 * firstBackOffMs - 1)).toBe(false);
    expect(backOff.admits(2 * firstBackOffMs)).toBe(true);
  });

  test('an answer ends it, and the row', () => {
    const backOff = backingOff(0);
    backOff.answered();
    for (let i = 1; i < lossesToBackOff; i++) {
      expect(backOff.lost(0)).toBe(false);
      expect(backOff.admits(0)).toBe(true);
    }
    backOff.answered();
    expect(backOff.lost(0)).toBe(false);
    expect(backOff.admits(0)).toBe(true);
  });
});
