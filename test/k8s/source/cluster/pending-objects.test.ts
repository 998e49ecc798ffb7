import { expect, test } from "vitest";
import { ClusterObject } from "../../../../k8s/source/cluster/cluster-object.ts";
import { PendingObjects, shareLength, turnLength } from "../../../../k8s/source/cluster/pending-objects.ts";
import { objectKey } from "../../../../k8s/translate/model/object.ts";

function pend(pending: PendingObjects, namespace: string, count: number, length: number): void {
  for (let i = 0; i < count; i++) {
    const ref = { kind: "SeldonDeployment", namespace, name: `m${i}` };
    pending.add(objectKey(ref), new ClusterObject({ ref, apiVersion: "v1", uid: "", text: "x".repeat(length) }));
  }
}

/** How many of each namespace one turn takes. */
function turn(pending: PendingObjects): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const key of pending.takeTurn().keys()) {
    const namespace = key.split(" ")[1]!.split("/")[0]!;
    counts[namespace] = (counts[namespace] ?? 0) + 1;
  }
  return counts;
}

test("what is little is taken at once", () => {
  const pending = new PendingObjects();
  pend(pending, "a", 3, 1000);
  pend(pending, "b", 2, 1000);
  expect([pending.isEmpty, turn(pending), pending.isEmpty, turn(pending)]).toEqual([false, { a: 3, b: 2 }, true, {}]);
});

test("a namespace alone has the whole turn, and beside others its share before each of them had one", () => {
  const pending = new PendingObjects();
  pend(pending, "flood", 5 * (turnLength / 1024), 1024);
  expect(turn(pending)).toEqual({ flood: turnLength / 1024 });
  pend(pending, "other", 3, 1024);
  expect(turn(pending)).toEqual({ flood: turnLength / 1024 - 3, other: 3 });
  // Two floods halve it, and who comes later is not behind all of both.
  pend(pending, "second", 5 * (turnLength / 1024), 1024);
  pend(pending, "last", 1, 1024);
  expect(turn(pending)).toEqual({ flood: 2 * (shareLength / 1024), second: 2 * (shareLength / 1024) - 1, last: 1 });
});

test("each turn takes one object at least, and at most one more than it has room for", () => {
  const pending = new PendingObjects();
  pend(pending, "large", 3, 10 * turnLength);
  pend(pending, "small", 1, 10);
  expect([turn(pending), turn(pending), turn(pending), turn(pending)]).toEqual([
    { large: 1 },
    { small: 1, large: 1 },
    { large: 1 },
    {},
  ]);
  for (const [length, taken] of [
    [shareLength - 1, 2],
    [shareLength, 1],
    [shareLength + 1, 1],
  ] as const) {
    const one = new PendingObjects();
    pend(one, "a", 2, length);
    for (const other of ["b", "c", "d"]) pend(one, other, 10, shareLength);
    expect([length, turn(one)["a"]]).toEqual([length, taken]);
  }
});

test("objects that are gone have their room, and what comes again meanwhile is taken once, as it is then", () => {
  const pending = new PendingObjects();
  for (let i = 0; i < 1000; i++) pending.add(`Service a/s${i}`, null);
  expect(turn(pending)).toEqual({ a: turnLength / 512 });
  pend(pending, "b", 1, 100);
  pend(pending, "b", 1, 200);
  const rest = [...pending.takeAll()];
  expect(rest.filter(([, object]) => object === null)).toHaveLength(1000 - turnLength / 512);
  expect(rest.flatMap(([key, object]) => (object === null ? [] : [[key, object.text.length]]))).toEqual([
    ["SeldonDeployment b/m0", 200],
  ]);
  expect(pending.isEmpty).toBe(true);
});
