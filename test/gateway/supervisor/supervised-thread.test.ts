import { once } from "node:events";
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
      left: () => undefined,
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

  test("a thread that is given away ends unheard, and another takes its place", async () => {
    const started: Worker[] = [];
    const second = Promise.withResolvers<void>();
    const reasons: string[] = [];
    const seat = new SupervisedThread({
      start() {
        if (
          started.push(
            new Worker('require("node:worker_threads").parentPort.once("message", () => process.exit(5))', {
              eval: true,
            }),
          ) === 2
        )
          second.resolve();
        return started.at(-1)!;
      },
      left: () => undefined,
      ended: (reason) => reasons.push(reason),
    });
    seat.open();
    seat.give(0);
    expect(seat.worker).toBeNull();
    const ended = once(started[0]!, "exit");
    started[0]!.postMessage(null);
    expect(await ended).toEqual([5]);
    await second.promise;
    expect(seat.worker).toBe(started[1]);
    expect(reasons).toEqual([]);
    await seat.terminate();
    expect(reasons).toHaveLength(1);
    expect(started).toHaveLength(2);
  });

  test("a thread that has done with its place is not waited for, and its end is still told, once", async () => {
    const events: string[] = [];
    const told = Promise.withResolvers<void>();
    const started: Worker[] = [];
    const online: Promise<unknown>[] = [];
    const seat = new SupervisedThread({
      start(replacement) {
        events.push(`start ${replacement}`);
        const worker = new Worker(
          'require("node:worker_threads").parentPort.once("message", () => { throw new Error("broken"); })',
          { eval: true },
        );
        started.push(worker);
        online.push(once(worker, "online"));
        return worker;
      },
      left: () => events.push("left"),
      ended: (reason) => {
        events.push(reason);
        told.resolve();
      },
    });
    seat.open();
    const [first] = started;
    first!.postMessage(null);
    seat.leave();
    expect(events).toEqual(["start false", "left", "start true"]);
    expect(seat.worker).toBe(started[1]);
    await told.promise;
    expect(events.slice(3)).toEqual(["exit 1: Error: broken"]);
    expect(seat.worker).toBe(started[1]);
    // Of a thread that is terminated before it runs Node says 0.
    await online[1];
    await seat.terminate();
    // Of a place that is closed the end is waited for.
    seat.leave();
    expect(started).toHaveLength(2);
    expect(events.slice(4)).toEqual(["left", "exit 1: it ended by itself"]);
  });

  test("what is decided while there is no thread is not said of the next one", async () => {
    const reasons: string[] = [];
    const ends = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
    const seat = new SupervisedThread({
      start: () => new Worker("process.exit(3)", { eval: true }),
      left: () => undefined,
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

  test("why the supervisor ended a thread is not said of the one in its place", async () => {
    const reasons: string[] = [];
    const ends = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
    const seat = new SupervisedThread({
      start: () => new Worker('require("node:worker_threads").parentPort.once("message", () => {})', { eval: true }),
      left: () => undefined,
      ended: (reason) => ends[reasons.push(reason) - 1]?.resolve(),
    });
    seat.open();
    seat.replace("it did not turn", "");
    seat.leave();
    await ends[0].promise;
    seat.post(null);
    await ends[1].promise;
    expect(reasons.map((reason) => reason.replace(/\d/, "n"))).toEqual([
      "exit n: it ended by itself",
      "exit n: it ended by itself",
    ]);
    await seat.terminate();
  });
});
