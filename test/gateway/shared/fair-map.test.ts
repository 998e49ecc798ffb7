import { expect, test } from "vitest";
import { FairMap } from "../../../gateway/shared/fair-map.ts";
import * as fc from "../../seeded.ts";

const keysOf = (map: FairMap<string, number>): readonly string[] => [...map.entries()].map(([key]) => key).toSorted();

test("below its bound it keeps all; at it the owner with most gives its oldest, whoever comes", () => {
  const map = new FairMap<string, number>(4);
  for (const [key, owner] of [
    ["a1", "a"],
    ["b1", "b"],
    ["a2", "a"],
    ["a3", "a"],
  ] as const)
    map.set(key, owner, 0);
  expect(keysOf(map)).toEqual(["a1", "a2", "a3", "b1"]);
  map.set("c1", "c", 0);
  expect(keysOf(map)).toEqual(["a2", "a3", "b1", "c1"]);
  // As many as it would have: its own gives.
  map.set("a4", "a", 0);
  expect(keysOf(map)).toEqual(["a3", "a4", "b1", "c1"]);
  map.set("a3", "a", 1);
  map.set("a5", "a", 0);
  expect(keysOf(map)).toEqual(["a3", "a5", "b1", "c1"]);
  expect([map.get("a3"), map.get("a4"), map.size]).toEqual([1, undefined, 4]);
});

test("who comes for the first time finds room among many owners of one entry each", () => {
  const map = new FairMap<string, number>(2);
  for (const owner of ["a", "b", "c"]) map.set(owner, owner, 0);
  expect(keysOf(map)).toEqual(["b", "c"]);
});

test("what stays is passed over", () => {
  const map = new FairMap<string, number>(2);
  map.set("a1", "a", 1);
  map.set("a2", "a", 0);
  map.set("a3", "a", 0, (value) => value === 1);
  expect(keysOf(map)).toEqual(["a1", "a3"]);
  map.set("a4", "a", 0, () => true);
  expect(keysOf(map)).toEqual(["a1", "a3", "a4"]);
  map.delete("a1");
  map.delete("a1");
  expect(map.size).toBe(2);
});

test("an owner with no more than its part of the bound never loses an entry to others", () => {
  const most = 12;
  const step = fc.record({
    key: fc.integer({ min: 0, max: 60 }),
    owner: fc.integer({ min: 0, max: 3 }),
    deletes: fc.boolean(),
  });
  void fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const map = new FairMap<string, number>(most);
      // One of four owners, which keeps to its part.
      const kept: string[] = [];
      for (let at = 0; at < most / 4; at++) {
        kept.push(`quiet${at}`);
        map.set(`quiet${at}`, "quiet", at);
      }
      for (const { key, owner, deletes } of steps) {
        if (owner === 3) continue;
        if (deletes) map.delete(`${owner} ${key}`);
        else map.set(`${owner} ${key}`, String(owner), key);
        expect(map.size).toBeLessThanOrEqual(most);
        for (const one of kept) expect(map.get(one)).toBeDefined();
      }
    }),
  );
});
