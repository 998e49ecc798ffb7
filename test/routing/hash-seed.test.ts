// What the hashes of a table's indexes begin with.
import { assert, integer, property } from "fast-check";
import { expect, test } from "vitest";
import { arenaOn, ArenaFault, minArenaBytes, unitWords } from "../../routing/arena/arena.ts";
import { hashText } from "../../routing/request/bytes.ts";
import { decide } from "../../routing/decide.ts";
import { headOf } from "../../routing/request/head-text.ts";
import { rootWords } from "../../routing/arena/root.ts";
import { RouteTable } from "../../routing/table.ts";
import { TableWriter } from "../../routing/write/table-writer.ts";
import { change, endpointsOf, mapping, prefix } from "./build.ts";

/** Names whose paths under /seldon/evil/ have one hash from the seed of FNV-1a on: found within seconds by whoever knows where it begins. */
const oneHash =
  "mlv11zwaaa m8a87h7aaa mk93k56caa m2k8jh1daa mfq2i2qgaa mtkf5kshaa mreslgyhaa mdv3xi6haa m2nx5ukiaa m0prhwgjaa mke5ka3jaa mt12f4pmaa m8drwkhnaa md8ow78oaa m9789kmqaa mugej56raa".split(
    " ",
  );
const foreseen = 0x811c9dc5 | 0;

const mappings = oneHash.map((name) => mapping(name, prefix(`/seldon/evil/${name}/`), { space: "evil" }));
const seedAt = (words: Int32Array, root: number): number => words[root * unitWords + rootWords.hashSeed]!;

function found(table: RouteTable<null>, name: string): string | null {
  const decision = decide(
    table,
    headOf({ method: "GET", path: `/seldon/evil/${name}/x`, host: "h", headers: [], grpc: false }),
    0.5,
  );
  return decision.kind === "forward" ? decision.route.key : null;
}

test("names that somebody has made for one hash have different ones in a table of another seed", () => {
  const hashes = (seed: number): number => new Set(oneHash.map((name) => hashText(`/seldon/evil/${name}/`, seed))).size;
  expect(hashes(foreseen)).toBe(1);
  for (const seed of [0, 1, 0x7fff_ffff, -1, 629_395_722, -1_274_978]) expect(hashes(seed)).toBeGreaterThan(12);
});

test("every table finds everything, whatever it is", () => {
  assert(
    property(integer(), integer(), (one, other) => {
      const arena = arenaOn(new ArrayBuffer(minArenaBytes));
      const writer = new TableWriter(arena, 0, () => undefined, one);
      const { root } = writer.write(change(mappings, { endpoints: endpointsOf(mappings) }), 0);
      const table = new RouteTable<null>(arena, () => null);
      table.adopt(root);
      expect(oneHash.map((name) => found(table, name))).not.toContain(null);
      expect(found(table, "nobody")).toBeNull();
      // A successor has drawn another and goes on with the seed that is there: readers keep what they know.
      const successor = new TableWriter(arena, root, () => undefined, other);
      const next = successor.write(change([mappings[0]!], { removedMappings: [mappings[1]!.id] }), 0);
      table.adopt(next.root);
      expect(seedAt(arena.words, next.root)).toBe(seedAt(arena.words, root));
      expect(oneHash.map((name) => found(table, name) === null)).toEqual(oneHash.map((_, at) => at === 1));
    }),
  );
});

test("a table of another seed than the one before is a fault", () => {
  const arena = arenaOn(new ArrayBuffer(minArenaBytes));
  const writer = new TableWriter(arena, 0);
  const table = new RouteTable<null>(arena, () => null);
  table.adopt(writer.write(change(mappings), 0).root);
  const { root } = writer.write(change([], { removedMappings: [mappings[0]!.id] }), 0);
  arena.words[root * unitWords + rootWords.hashSeed]! ^= 1;
  expect(() => table.adopt(root)).toThrow(ArenaFault);
});
