import { Worker } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import { SupervisedThread, replacementDelayMs } from "../../../gateway/supervisor/supervised-thread.ts";

describe("a seat", () => {
  test("the first replacement comes at once, later ones after 100 ms doubling to 10 s, with jitter", () => {
    expect(replacementDelayMs(0, 0.9)).toBe(0);
    expect(replacementDelayMs(1, 1)).toBe(100);
    expect(replacementDelayMs(1, 0)).toBe(50);
    expect(replacementDelayMs(3, 1)).toBe(400);
    expect(replacementDelayMs(50, 1)).toBe(10_000);
  });

  test("whatever ends a thread, another takes its place, told that it is a replacement", async () => {
    const replacements: boolean[] = [];
    const reasons: string[] = [];
    const third = Promise.withResolvers<void>();
    const seat = new SupervisedThread({
      start(replacement) {
        replacements.push(replacement);
        if (replacements.length === 3) third.resolve();
        const ends = [
          "process.exit(3)",
          'throw new Error("broken")',
          'require("node:worker_threads").parentPort.once("message", () => {})',
        ];
        return new Worker(ends[replacements.length - 1]!, { eval: true });
      },
      ended: (reason) => reasons.push(reason),
    });
    seat.open();
    await third.promise;
    expect(replacements).toEqual([false, true, true]);
    expect(reasons[0]).toBe("exit 3: it ended by itself");
    expect(reasons[1]).toMatch(/^exit 1: Error: broken/);
    await seat.terminate();
    expect(seat.worker).toBeNull();
    expect(replacements).toHaveLength(3);
  });

  test("what is decided while there is no thread is not said of the next one", async () => {
    const reasons: string[] = [];
    const ends = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
    const seat = new SupervisedThread({
      start: () => new Worker("process.exit(3)", { eval: true }),
      ended(reason) {
        ends[reasons.push(reason) - 1]?.resolve();
        if (reasons.length === 1) seat.replace("the memory of the table is damaged", "");
      },
    });
    seat.open();
    await ends[0].promise;
    await ends[1].promise;
    await seat.terminate();
    expect(reasons.slice(0, 2)).toEqual(["exit 3: it ended by itself", "exit 3: it ended by itself"]);
  });
});
