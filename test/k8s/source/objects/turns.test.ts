import { expect, test } from "vitest";
import { Turns, type Work } from "../../../../k8s/source/objects/turns.ts";

test("work pauses between its steps, and other work waits for all of it", async () => {
  const turns = new Turns(0);
  const log: string[] = [];
  const work = function* (name: string): Work {
    for (let step = 1; step <= 2; step++) {
      log.push(`${name}${step}`);
      yield;
    }
  };
  setImmediate(() => log.push("other"));
  const first = turns.run(() => work("a"));
  await Promise.all([first, turns.run(() => work("b"))]);
  expect(log).toEqual(["a1", "other", "a2", "b1", "b2"]);
});

test("after stop no step is done", async () => {
  const turns = new Turns(0);
  const log: number[] = [];
  const run = turns.run(function* (): Work {
    for (let step = 0; step < 9; step++) {
      log.push(step);
      if (step === 1) turns.stop();
      yield;
    }
  });
  await Promise.all([
    run,
    turns.run(function* (): Work {
      log.push(100);
      yield;
    }),
  ]);
  expect(log).toEqual([0, 1]);
});
