// Turns of the comparing thread: some of what waits, then a rest that leaves the core to requests.
import { expect, test } from "vitest";
import { longestRestMs, PacedPairs, restOfTurn, turnMs } from "../../../gateway/comparing/paced-pairs.ts";
import type { PostedPair } from "../../../gateway/shared/compared-pairs.ts";
import { StoppedClock } from "../../stopped-clock.ts";

/** Each pair takes `pairMs`; the order in which pairs and ends of batches come. */
function stage(pairMs: number) {
  const clock = new StoppedClock();
  const seen: string[] = [];
  const paced = new PacedPairs((pair) => {
    seen.push(pair.requestId);
    clock.skip(pairMs);
  }, clock);
  const take = (name: string, count: number): void => {
    const pairs = Array.from({ length: count }, (_, at) => ({ requestId: `${name}${at}` }) as PostedPair);
    paced.take({ pairs, bytes: new Uint8Array() }, () => seen.push(`${name} done`));
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
