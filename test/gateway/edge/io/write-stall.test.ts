// A peer is stalled when it has taken nothing for the limit, however much or little it took before.
import { describe, expect, test } from "vitest";
import { WriteStall } from "../../../../gateway/edge/io/write-stall.ts";

const limitMs = 800;

/** Looks whenever it is asked to, until it is over; gives the time. `queueAt` says what waits at a time. */
function overAt(
  queueAt: (nowMs: number) => { readonly queued: number; readonly unsent: number },
  untilMs: number,
): number {
  const stall = new WriteStall(limitMs);
  stall.begin(0, queueAt(0));
  for (let nowMs = stall.nextMs; nowMs < untilMs; nowMs = stall.nextMs) {
    stall.look(nowMs, queueAt(nowMs));
    if (stall.isOver(nowMs)) return nowMs;
  }
  return Infinity;
}

test.each([
  [limitMs - 1, false],
  [limitMs, true],
  [limitMs + 1, true],
])("a peer that takes nothing, after %d ms of 800: over is %s", (nowMs, over) => {
  const stall = new WriteStall(limitMs);
  const queue = { queued: 100_000, unsent: 100_000 };
  stall.begin(0, queue);
  // Said again at every write: it counts from the first.
  stall.begin(500, queue);
  stall.look(nowMs, queue);
  expect(stall.isOver(nowMs)).toBe(over);
});

describe("a peer that takes a byte", () => {
  test.each(["queued", "unsent"] as const)("all the time is never stalled, seen by `%s`", (seen) => {
    const still = { queued: 1_000_000, unsent: 1_000_000 };
    expect(overAt((nowMs) => ({ ...still, [seen]: 1_000_000 - Math.floor(nowMs / 700) }), 100 * limitMs)).toBe(
      Infinity,
    );
  });

  test.each([1, 99, 100, 101, 799])(
    "and then no more, at %d ms: it is cut the limit after that, at most an eighth of it late",
    (lastMs) => {
      const over = overAt((nowMs) => ({ queued: nowMs >= lastMs ? 999 : 1000, unsent: 0 }), 10 * limitMs);
      expect(over).toBeGreaterThanOrEqual(lastMs + limitMs);
      expect(over).toBeLessThanOrEqual(lastMs + limitMs + limitMs / 8);
    },
  );
});

test("what is added to the queue is no progress", () => {
  expect(overAt((nowMs) => ({ queued: 1000 + nowMs, unsent: 0 }), 10 * limitMs)).toBe(limitMs);
});

test("nothing that waits is never over, and is not looked at", () => {
  const stall = new WriteStall(limitMs);
  stall.begin(0, { queued: 1, unsent: 1 });
  stall.end();
  stall.look(10 * limitMs, { queued: 1, unsent: 1 });
  expect(stall.isOver(10 * limitMs)).toBe(false);
  expect(stall.nextMs).toBe(Infinity);
});
