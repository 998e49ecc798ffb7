// Texts of one hash in a table: the writer finds Mappings, Routes, Upstreams and names by hashes, and keeps no text.
import { describe, expect, it } from "vitest";
import { digestOf } from "../../routing/collections/digest.ts";
import type { Mapping } from "../../routing/model/mapping.ts";
import { printTable } from "../../routing/print.ts";
import { routeKey } from "../../routing/route/route.ts";
import type { TableChange } from "../../routing/model/table-change.ts";
import { TableWriter } from "../../routing/write/table-writer.ts";
import { change, forwardTo, is, LiveTable, mapping, match, named, prefix } from "./build.ts";
import { attach, Content } from "./changes.ts";

/** Two of the Mappings that `make` gives, for which what `textOf` gives has one hash. */
function twoOf(make: (index: number) => Mapping, textOf: (one: Mapping) => string): readonly [Mapping, Mapping] {
  const known = new Map<number, number>();
  for (let index = 0; ; index++) {
    const one = make(index);
    const { high } = digestOf(textOf(one));
    const other = known.get(high);
    if (other !== undefined) return [make(other), one];
    known.set(high, index);
  }
}

const grpc = (name: string): Mapping =>
  mapping("x", match({ kind: "grpc" }, { headers: [named("seldon", is(name)), named("namespace", is("ns"))] }), {
    space: "ns",
  });
const nameOf = ({
  match: {
    headers: [first],
  },
}: Mapping): string => (first?.value.kind === "exact" ? first.value.value : "");
const upstreamOf = ({ target }: Mapping): string => (target.kind === "forward" ? target.upstream : "");

const cases: readonly (readonly [string, readonly [Mapping, Mapping]])[] = [
  [
    "ids of Mappings",
    twoOf(
      (index) => mapping(`a${index}`, prefix("/a/"), { target: forwardTo("u") }),
      ({ id }) => id,
    ),
  ],
  [
    "ids of Mappings of different Routes",
    twoOf(
      (index) => mapping(`a${index}`, prefix(`/a${index}/`), { target: forwardTo("u") }),
      ({ id }) => id,
    ),
  ],
  ["keys of Routes", twoOf((index) => mapping("a", prefix(`/a${index}/`), { id: String(index) }), routeKey)],
  [
    "keys of Upstreams",
    twoOf((index) => mapping("a", prefix("/a/"), { id: String(index), target: forwardTo(`u${index}`) }), upstreamOf),
  ],
  ["names of deployments", twoOf((index) => ({ ...grpc(`n${index}`), id: String(index) }), nameOf)],
];

describe.each(cases)("%s", (_, [one, other]) => {
  const role = { kind: "live", weight: 7, share: 1 } as const;
  const endpoints = (ready: boolean): TableChange =>
    change([], {
      endpoints: [one, other].map((of, index) => ({
        key: upstreamOf(of),
        ready: ready === (index === 0),
        endpoints: [],
      })),
    });
  const gone = (of: Mapping): TableChange =>
    change([], { removedMappings: [of.id], removedUpstreams: [upstreamOf(of)] });
  const steps: readonly TableChange[] = [
    change([one]),
    gone(other),
    change([other]),
    endpoints(true),
    endpoints(false),
    change([{ ...one, role }]),
    change([one, { ...other, role }]),
    gone(one),
    change([one]),
    gone(other),
    gone(one),
  ];

  it("of one hash are told apart, by the writer and by those after it", () => {
    for (const isReplaced of [false, true]) {
      const table = new LiveTable(attach);
      const content = new Content();
      let { writer } = table;
      for (const step of steps) {
        content.apply(step);
        if (isReplaced) writer = new TableWriter(table.arena, writer.written.root);
        table.table.adopt(writer.write(step, table.table.version).root);
        const expected = content.table();
        expect(printTable(table.table)).toEqual(printTable(expected));
        expect([writer.written.hash, writer.written.routeCount]).toEqual([expected.hash, expected.routeCount]);
        const { mappings } = content.whole;
        expect([...writer.mappingIds()].toSorted()).toEqual(mappings.map(({ mapping: { id } }) => id).toSorted());
        for (const of of [one, other])
          expect(writer.hasMapping(of.id)).toBe(mappings.some(({ mapping: { id } }) => id === of.id));
        for (const of of [one, other]) expect(table.table.isDeclared(nameOf(of))).toBe(expected.isDeclared(nameOf(of)));
      }
      expect([...writer.upstreamKeys()]).toEqual([]);
    }
  });
});
