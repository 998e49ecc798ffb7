// The deadline wheel: never early, never lost, whatever is set and moved.
import * as fc from "fast-check";
import { beforeEach, expect, test } from "vitest";
import { Deadline, DeadlineWheel } from "../../../../gateway/edge/io/deadline.ts";
import { StoppedClock } from "../../../stopped-clock.ts";

let clock = new StoppedClock();
const faults: unknown[] = [];

beforeEach(() => {
  clock = new StoppedClock();
});

test("each deadline fires once, at its time or within 10 ms after, and not when it was cleared or moved", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          item: fc.nat(7),
          afterMs: fc.oneof(fc.nat(300), fc.nat(20_000)),
          clear: fc.boolean(),
          waitMs: fc.nat(60),
        }),
        { minLength: 1, maxLength: 40 },
      ),
      (steps) => {
        const wheel = new DeadlineWheel(clock, (error) => faults.push(error));
        const fired: { item: number; atMs: number }[] = [];
        const wanted = new Map<number, number>();
        const deadlines = Array.from(
          { length: 8 },
          (_, item) => new Deadline({ expired: (atMs) => fired.push({ item, atMs }) }),
        );
        const check = (): void => {
          for (const { item, atMs } of fired.splice(0)) {
            const dueMs = wanted.get(item);
            expect(dueMs).toBeDefined();
            expect(atMs).toBeGreaterThanOrEqual(dueMs!);
            expect(atMs).toBeLessThanOrEqual(dueMs! + 10);
            wanted.delete(item);
          }
        };
        for (const { item, afterMs, clear, waitMs } of steps) {
          if (clear) {
            wheel.clear(deadlines[item]!);
            wanted.delete(item);
          } else {
            wheel.set(deadlines[item]!, clock.now() + afterMs);
            wanted.set(item, clock.now() + afterMs);
          }
          clock.pass(waitMs);
          check();
        }
        clock.pass(20_020);
        check();
        expect(wanted.size).toBe(0);
        wheel.close();
      },
    ),
    { numRuns: 30, endOnFailure: true },
  );
});

test("an owner may set its deadline anew when it fires; one that throws stops nobody else", () => {
  const wheel = new DeadlineWheel(clock, (error) => faults.push(error));
  const fired: number[] = [];
  const again: Deadline = new Deadline({
    expired: (atMs) => {
      fired.push(atMs);
      if (fired.length < 3) wheel.set(again, atMs + 100);
    },
  });
  const bad = new Deadline({
    expired: () => {
      throw new Error("planted");
    },
  });
  wheel.set(bad, clock.now() + 50);
  wheel.set(again, clock.now() + 100);
  clock.pass(500);
  expect(fired).toHaveLength(3);
  expect(faults.splice(0)).toHaveLength(1);
  wheel.close();
});

test("nothing waits while nothing is set", () => {
  const wheel = new DeadlineWheel(clock, (error) => faults.push(error));
  const deadline = new Deadline({ expired: () => undefined });
  wheel.set(deadline, clock.now() + 50);
  clock.pass(100);
  expect(clock.waiting).toBe(0);
  wheel.close();
});
