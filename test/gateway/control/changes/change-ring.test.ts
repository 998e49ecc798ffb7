import { expect, test } from "vitest";
import type { Change } from "../../../../gateway/api/changes.ts";
import { ChangeRing } from "../../../../gateway/control/changes/change-ring.ts";

const change = (name: string, namespace: string): Change => ({
  atMs: 0,
  object: { kind: "SeldonDeployment", namespace, name },
  field: "",
  from: "",
  to: "created",
  outcome: "live",
  sentence: "created",
  workers: "1 of 1",
  liveAfterMs: 1,
});

const namesIn = (ring: ChangeRing): readonly string[] => ring.changes.map(({ change: { object } }) => object.name);

test("a full ring loses the oldest change of the namespace that has most", () => {
  const ring = new ChangeRing(4);
  for (const [name, namespace] of [
    ["q1", "quiet"],
    ["b1", "busy"],
    ["b2", "busy"],
    ["b3", "busy"],
  ] as const)
    ring.add(change(name, namespace));
  expect(namesIn(ring)).toEqual(["q1", "b1", "b2", "b3"]);
  ring.add(change("b4", "busy"));
  ring.add(change("b5", "busy"));
  expect(namesIn(ring)).toEqual(["q1", "b3", "b4", "b5"]);
  expect(ring.changes.map(({ number }) => number)).toEqual([1, 4, 5, 6]);
});

test("who follows is told each change until it ends", () => {
  const ring = new ChangeRing();
  const told: string[] = [];
  ring.add(change("before", "prod"));
  const end = ring.follow(({ object }) => told.push(object.name));
  ring.add(change("during", "prod"));
  end();
  ring.add(change("after", "prod"));
  expect(told).toEqual(["during"]);
});
