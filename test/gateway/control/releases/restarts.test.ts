import { expect, test } from "vitest";
import { Restarts } from "../../../../gateway/control/releases/restarts.ts";

const a = "models/iris";
const ready = (...addresses: readonly string[]): ReadonlyMap<string, ReadonlySet<string>> =>
  new Map([[a, new Set(addresses)]]);

test.each([
  ["what was there at first", [ready("1")], false],
  ["the same addresses", [ready("1", "2"), ready("2", "1")], false],
  ["one that goes", [ready("1", "2"), ready("1")], false],
  ["a new address", [ready("1"), ready("1", "2")], true],
  ["the same address, ready again", [ready("1"), ready(), ready("1")], true],
  ["a restart between two looks", [ready("1"), ready("2"), ready("2")], true],
  ["a release that ended meanwhile", [ready("1"), ready("2"), new Map()], false],
  ["one that is there again: it is seen for the first time", [ready("1"), new Map(), ready("2")], false],
])("%s: %#", (_, seen, isRestart) => {
  const restarts = new Restarts();
  for (const now of seen) restarts.see(now);
  expect([restarts.take(a), restarts.take(a)]).toEqual([isRestart, false]);
});
