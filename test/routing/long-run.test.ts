// An arena after thousands of millions of changes: numbers that are given one after the other begin anew.
import { expect, test } from "vitest";
import { arenaOn, minArenaBytes, unitWords } from "../../routing/arena/arena.ts";
import { decide } from "../../routing/decide.ts";
import { rootWords } from "../../routing/arena/root.ts";
import { RouteTable } from "../../routing/table.ts";
import { TableWriter } from "../../routing/write/table-writer.ts";
import { change, endpointsOf, mapping, prefix, regex, request } from "./build.ts";
import { attach } from "./changes.ts";

const shared = mapping("a", prefix("/a/"));
// With a regex, so that its namespace is not a plain one.
const own = [
  mapping("b", regex("/seldon/ns/b[0-9]"), { space: "ns" }),
  mapping("c", prefix("/seldon/ns/c/"), { space: "ns" }),
];
const all = [shared, ...own];

/** What a reader of the table after both changes decides; `word` of the root has this value in between. */
function decided(word: "serial" | "spaceId", value: number): readonly string[] {
  const arena = arenaOn(new ArrayBuffer(minArenaBytes));
  const { root } = new TableWriter(arena, 0).write(change([], { endpoints: endpointsOf(all) }), 0);
  arena.words[root * unitWords + rootWords[word]] = value;
  const table = new RouteTable(arena, attach);
  table.adopt(new TableWriter(arena, root).write(change(all), 0).root);
  return ["/a/x", "/seldon/ns/b1", "/seldon/ns/c/x"].map((path) => {
    const decision = decide(table, request(path), 0);
    return decision.kind === "forward" ? decision.mapping.id : decision.kind;
  });
}

const served = all.map(({ id }) => id);

test.each(Array.from({ length: 16 }, (_, before) => -1 - before))(
  "serials that go on from %i are found by readers that have none",
  (serial) => {
    expect(decided("serial", serial)).toEqual(served);
  },
);

test.each([2 ** 31 - 1, -1])("a namespace whose number comes after %i is found, and its Routes", (spaceId) => {
  expect(decided("spaceId", spaceId)).toEqual(served);
});
