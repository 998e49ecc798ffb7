// Turns of the comparing thread: some of what waits, then a rest that leaves the core to requests.
import { expect, test } from "vitest";
import { longestRestMs, PacedPairs, restOfTurn, turnMs } from "../../../gateway/comparing/paced-pairs.ts";
import type { PostedPair } from "../../../gateway/shared/compared-pairs.ts";
import { StoppedClock } from "../../stopped-clock.ts";

/** Each pair takes `pairMs`, or as long as its namespace says; the order in which pairs and ends of batches come. */
function stage(pairMs: number, msOf: Readonly<Record<string, number>> = {}) {
  const clock = new StoppedClock();
  const seen: string[] = [];
  const paced = new PacedPairs(({ requestId, namespace }) => {
    seen.push(requestId);
    clock.skip(msOf[namespace] ?? pairMs);
  }, clock);
  const take = (name: string, count: number, namespace = "prod"): void => {
    const answer = { start: 0, end: 2 } as PostedPair["primary"];
    const pairs = Array.from(
      { length: count },
      (_, at) => ({ namespace, requestId: `${name}${at}`, primary: answer, shadow: null }) as PostedPair,
    );
    paced.take({ pairs, bytes: new Uint8Array() }, (some) => {
      expect(some).toEqual({ namespace, pairs: count, bytes: 2 * count });
      seen.push(`${name} done`);
    });
  };
  return { clock, seen, take };
}

test("batches of several workers are compared in their order, each said to be done when its last pair is", () => {
  const { clock, seen, take } = stage(turnMs);
  take("a", 2);
  take("b", 1);
  expect(seen).toEqual(["a0"]);
  clock.pass(turnMs * restOfTurn);
  expect(seen).toEqual(["a0", "a1", "a done"]);
  // The turn itself took its time, too.
  clock.pass(turnMs * restOfTurn + turnMs);
  expect(seen).toEqual(["a0", "a1", "a done", "b0", "b done"]);
});

test.each([
  [turnMs / 4, 4],
  [turnMs / 2, 2],
  [turnMs, 1],
  [turnMs * 8, 1],
])("of pairs that take %d ms each %d are compared in a turn", (pairMs, count) => {
  const { seen, take } = stage(pairMs);
  take("a", 100);
  expect(seen).toHaveLength(count);
});

test.each([
  [1, restOfTurn],
  [longestRestMs / restOfTurn, longestRestMs],
  // A machine that was suspended.
  [3_600_000, longestRestMs],
])("after a turn of %d ms it rests %d ms, also when nothing waited", (pairMs, restMs) => {
  const { clock, seen, take } = stage(pairMs);
  take("a", 1);
  take("b", 1);
  expect(seen).toEqual(["a0", "a done"]);
  clock.pass(restMs - 1);
  expect(seen).toHaveLength(2);
  clock.pass(1);
  expect(seen.slice(2)).toEqual(["b0", "b done"]);
});

test("a namespace with few pairs does not wait for all that another one sent before", () => {
  const { clock, seen, take } = stage(turnMs);
  take("busy", 1000, "busy");
  take("rare", 1, "rare");
  clock.pass(turnMs * restOfTurn);
  expect(seen).toEqual(["busy0", "rare0", "rare done"]);
});

test("namespaces get the same time, not as many pairs, and one that comes later has none of the time before in hand", () => {
  const { clock, seen, take } = stage(1, { slow: 10, fast: 1, late: 1 });
  take("slow", 1000, "slow");
  take("fast", 1000, "fast");
  const passTurns = (count: number): void => {
    for (let at = 0; at < count; at++) clock.pass(10 * (restOfTurn + 1));
  };
  const countOf = (name: string): number => seen.filter((one) => one.startsWith(name)).length;
  passTurns(50);
  expect(countOf("fast") / countOf("slow")).toBeCloseTo(10, -0.5);
  const before = countOf("fast");
  take("late", 1000, "late");
  passTurns(50);
  expect(countOf("late") / (countOf("fast") - before)).toBeCloseTo(1, 0.5);
});

test("who sends one long pair after the other has waited for its time, too", () => {
  const { clock, seen, take } = stage(1, { long: 10 });
  take("busy", 1000, "busy");
  for (let at = 0; at < 50; at++) {
    // It never has two.
    if (seen.filter((one) => one === "long done").length === seen.filter((one) => one === "long asked").length) {
      seen.push("long asked");
      take("long", 1, "long");
    }
    clock.pass(restOfTurn + 1);
  }
  const long = seen.filter((one) => one === "long0").length;
  const busy = seen.filter((one) => one.startsWith("busy")).length;
  expect(busy).toBeGreaterThan(5 * long);
});
