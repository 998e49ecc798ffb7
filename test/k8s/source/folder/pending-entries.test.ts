import { expect, test } from "vitest";
import { PendingEntries, turnBytes, type PendingEntry } from "../../../../k8s/source/folder/pending-entries.ts";
import { newDirectory, type Directory } from "../../../../k8s/source/folder/tree.ts";

const directory = at("/folder");

function at(path: string): Directory {
  return newDirectory({ path, name: path, parent: null, outer: [], identity: "" });
}

/** Files are named `namespace-number`; one of no namespace is new. */
function pendingOf(...entries: readonly string[]): PendingEntries {
  const pending = new PendingEntries((_, entry) => (entry.startsWith("new") ? null : entry.split("-")[0]!));
  for (const entry of entries) pending.add(directory, entry, "moved", 0);
  return pending;
}

/** Names in the order in which they are looked at, each of so many bytes; `stopAfter` so many of them the look is over. */
function looked(pending: PendingEntries, bytes: number, stopAfter = Infinity): readonly string[] {
  const names: string[] = [];
  for (const one of pending.inTurns()) {
    pending.spend(bytes);
    pending.delete(one);
    names.push(one.entry);
    if (names.length === stopAfter) break;
  }
  return names;
}

test.each([
  ["one byte less than a turn", turnBytes - 1, ["a-1", "a-2", "b-1", "a-3"]],
  ["a turn", turnBytes, ["a-1", "b-1", "a-2", "a-3"]],
  ["one byte more than a turn", turnBytes + 1, ["a-1", "b-1", "a-2", "a-3"]],
])("namespaces take turns, of files that are %s", (_, bytes, order) => {
  expect(looked(pendingOf("a-1", "a-2", "a-3", "b-1"), bytes)).toEqual(order);
});

test("what is no file, or is empty, has its room too", () => {
  const entries = Array.from({ length: 200 }, (_, index) => `a-${index}`);
  expect(looked(pendingOf(...entries, "b-1"), 0).indexOf("b-1")).toBe(turnBytes / 512);
});

test("a turn that was stopped in its middle is over: the next look begins with the next namespace", () => {
  const pending = pendingOf("a-1", "a-2", "b-1", "c-1");
  expect(looked(pending, 1, 1)).toEqual(["a-1"]);
  expect(looked(pending, 1)).toEqual(["b-1", "c-1", "a-2"]);
});

test("new files have the turn of their directory, and an entry keeps its turn while it is pending", () => {
  const pending = pendingOf("new-1", "new-2", "a-1");
  pending.add(at("/other"), "new-3", "moved", 0);
  pending.add(directory, "new-1", "moved", 1);
  expect(looked(pending, turnBytes)).toEqual(["new-1", "a-1", "new-3", "new-2"]);
  expect([...pending.inTurns()]).toEqual([]);
});

test("what was taken and is doubted waits again, in its turn", () => {
  const pending = pendingOf("a-1");
  const [first] = pending.inTurns();
  pending.delete(first!);
  pending.doubt(first!, 0, 10);
  expect([...pending.inTurns()].map(({ entry, dueMs }) => [entry, dueMs])).toEqual([["a-1", 10]]);
});

test("what is not looked at is given once a look, and what comes meanwhile is given too", () => {
  const pending = pendingOf("a-1", "a-2");
  const given: PendingEntry[] = [];
  for (const one of pending.inTurns()) {
    if (given.length === 1) pending.add(directory, "a-3", "moved", 0);
    given.push(one);
  }
  expect(given.map(({ entry }) => entry)).toEqual(["a-1", "a-2", "a-3"]);
});

test("the place of the first new file is known until it is looked at", () => {
  const pending = pendingOf("a-1", "new-1", "a-2", "new-2");
  pending.add(directory, "new-1", "moved", 1);
  expect([pending.announced, pending.beforeFirstNew]).toEqual([4, 1]);
  const [, first, , second] = [...pending.inTurns()].sort((a, b) => a.place - b.place);
  pending.delete(first!);
  expect(pending.beforeFirstNew).toBe(3);
  pending.delete(second!);
  expect(pending.beforeFirstNew).toBe(Infinity);
});
