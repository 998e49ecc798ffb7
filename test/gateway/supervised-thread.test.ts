import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { SupervisedThread, replacementDelayMs } from '../../gateway/supervised-thread.ts';

describe('a seat', () => {
  test('the first replacement comes at once, later ones after 100 ms doubling to 10 s, with jitter', () => {
    expect(replacementDelayMs(0, 0.9)).toBe(0);
    expect(replacementDelayMs(1, 1)).toBe(100);
    expect(replacementDelayMs(1, 0)).toBe(50);
    expect(replacementDelayMs(3, 1)).toBe(400);
    expect(replacementDelayMs(50, 1)).toBe(10_000);
  });

  test('whatever ends a thread, another takes its place, told that it is a replacement', async () => {
    const replacements: boolean[] = [];
    const reasons: string[] = [];
    const third = Promise.withResolvers<void>();
    const seat = new SupervisedThread({
      start(replacement) {
        replacements.push(replacement);
        if (replacements.length === 3) third.resolve();
        const ends = ['process.exit(3)', 'throw new Error("broken")', 'require("node:worker_threads").parentPort.once("message", () => {})'];
        return new Worker(ends[replacements.length - 1]!, { eval: true });
      },
      ended: (reason) => reasons.push(reason),
    });
    seat.open();
    await third.promise;
    expect(replacements).toEqual([false, true, true]);
    expect(reasons[0]).toBe('exit 3: it ended by itself');
    expect(reasons[1]).toMatch(/^exit 1: Error: broken/);
    await seat.terminate();
    expect(seat.worker).toBeNull();
    expect(replacements).toHaveLength(3);
  });

  test('a thread that is given away ends unheard, and another takes its place', async () => {
    const started: Worker[] = [];
    const second = Promise.withResolvers<void>();
    const reasons: string[] = [];
    const seat = new SupervisedThread({
      start() {
        if (started.push(new Worker('require("node:worker_threads").parentPort.once("message", () => process.exit(5))', { eval: true })) === 2) second.resolve();
        return started.at(-1)!;
      },
      ended: (reason) => reasons.push(reason),
    });
    seat.open();
    seat.give(0);
    expect(seat.worker).toBeNull();
    const ended = once(started[0]!, 'exit');
    started[0]!.postMessage(null);
    expect(await ended).toEqual([5]);
    await second.promise;
    expect(seat.worker).toBe(started[1]);
    expect(reasons).toEqual([]);
    await seat.terminate();
    expect(reasons).toHaveLength(1);
    expect(started).toHaveLength(2);
  });
});
