import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decide } from "../../routing/decide.ts";
import type { Decision, ForwardDecision } from "../../routing/route/decision.ts";
import type { Mapping } from "../../routing/model/mapping.ts";
import { printTable } from "../../routing/print.ts";
import type { Problem } from "../../routing/text/problem.ts";
import { RouteTable } from "../../routing/table.ts";
import { plainSettings, type TableChange } from "../../routing/model/table-change.ts";
import { TableWriter } from "../../routing/write/table-writer.ts";
import type { Endpoint, UpstreamEndpoints } from "../../routing/model/upstream.ts";
import { anyHead, anyMapping, someEndpoints } from "./arbitrary.ts";
import {
  change,
  endpointsOf,
  forwardTo,
  live,
  LiveTable,
  mapping,
  prefix,
  request,
  tableOf,
  upstreamOf,
} from "./build.ts";
import { anyChange, attach, Content } from "./changes.ts";

/** What a decision says, whatever table it is of. */
function said(decision: Decision<string>): unknown {
  return decision.kind === "forward"
    ? [decision.route.key, decision.attached, decision.shadows.map(({ attached, ready }) => [attached, ready])]
    : decision;
}

function problemsOf(table: RouteTable<string>): ReadonlyMap<string, readonly Problem[]> {
  return new Map(
    table
      .routesInOrder()
      .filter(({ problems }) => problems.length > 0)
      .map(({ key, problems }) => [key, problems]),
  );
}

function upstreamsOf(table: RouteTable<string>): ReadonlyMap<string, unknown> {
  return new Map(
    [...table.upstreamKeys()].toSorted().map((key) => {
      const { upstream, endpoints, endpointSlots, breakerSlot, failing } = table.upstream(key)!;
      return [key, { upstream, endpoints, endpointSlots, breakerSlot, failing }];
    }),
  );
}

describe("a table after changes", () => {
  it("equals one that is made in one go: text, hash, problems, Upstreams, decisions; and readers of tables before read what they read", () => {
    fc.assert(
      fc.property(
        fc.array(anyChange, { minLength: 1, maxLength: 8 }),
        fc.array(anyHead, { minLength: 4, maxLength: 8 }),
        (changes, heads) => {
          const table = new LiveTable(attach, 2 ** 20);
          const content = new Content();
          const seen: (readonly [RouteTable<string>, string])[] = [];
          for (const one of changes) {
            content.apply(one);
            // Nobody says that tables before are read no more.
            const { root } = table.writer.write(one, 0);
            const reader = new RouteTable(table.arena, attach);
            reader.adopt(root);
            table.table.adopt(root);
            seen.push([reader, printTable(reader)]);
          }
          const { table: now, writer } = table;
          const full = content.table();
          expect(printTable(now)).toBe(printTable(full));
          expect(now.hash).toBe(full.hash);
          expect(now.routeCount).toBe(full.routeCount);
          expect(now.settings).toEqual(full.settings);
          expect(writer.problems).toEqual(problemsOf(full));
          expect(upstreamsOf(now)).toEqual(upstreamsOf(full));
          for (const head of heads) {
            for (const draw of [0, 0.3, 0.9999])
              expect(said(decide(now, head, draw))).toEqual(said(decide(full, head, draw)));
          }
          for (const [old, text] of seen) expect(printTable(old)).toBe(text);
        },
      ),
      { numRuns: 150 },
    );
  });

  it("is the same table where nothing differs", () => {
    const mappings = [mapping("a", prefix("/a/"))];
    const given = change(mappings, {
      endpoints: endpointsOf(mappings),
      upstreams: [{ upstream: upstreamOf("a"), breakerSlot: 2 }],
    });
    const table = new LiveTable(attach);
    const first = table.writer.write(given, 0);
    expect(table.writer.write(structuredClone(given), 1)).toEqual(first);
    expect(table.writer.write(change([], { removedMappings: ["nobody"], removedUpstreams: ["none"] }), 1)).toEqual(
      first,
    );
    expect(table.writer.write(change([], { settings: { ...plainSettings, singleNamespace: "a" } }), 1).version).toBe(2);
  });

  it("what is named more than once counts as it is named last", () => {
    const [a, b] = [mapping("x", prefix("/a/")), mapping("x", prefix("/b/"))];
    expect(printTable(tableOf([a, b, a]))).toBe(printTable(tableOf([a])));
    expect(printTable(tableOf([a, b]))).toBe(printTable(tableOf([b])));
  });
});

describe("the hash", () => {
  it("is that of the content, whatever order it came in", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(anyMapping, { selector: ({ id }) => id, maxLength: 12 }),
        someEndpoints,
        (mappings, endpoints) => {
          const hashOf = (given: readonly TableChange[]): string => {
            const table = new LiveTable(attach, 2 ** 20);
            for (const one of given) table.apply(one);
            return table.table.hash;
          };
          const whole = hashOf([change(mappings, { endpoints })]);
          expect(hashOf([change([], { endpoints }), ...mappings.toReversed().map((one) => change([one]))])).toBe(whole);
          expect(hashOf([change(mappings.slice(0, 3)), change(mappings), change([], { endpoints })])).toBe(whole);
        },
      ),
      { numRuns: 100 },
    );
  });

  it("differs where a Mapping, the readiness of an Upstream or a setting does", () => {
    const mappings = [mapping("a", prefix("/a/")), mapping("b", prefix("/b/"))];
    const hashes = [
      tableOf(mappings),
      tableOf(mappings, ["a"]),
      tableOf(mappings, [], "ns"),
      tableOf(mappings.slice(1)),
      tableOf([]),
      tableOf([{ ...mappings[0]!, precedence: 1 }, mappings[1]!]),
    ].map(({ hash }) => hash);
    expect(new Set(hashes).size).toBe(hashes.length);
  });
});

describe("what a reader keeps", () => {
  /** A table of Routes `/<name>/`, and the decisions of a reader that asks for all of them. */
  function opened(names: readonly string[]): {
    readonly live: LiveTable<string>;
    readonly mappings: readonly Mapping[];
    readonly decisions: () => readonly Decision<string>[];
    readonly attached: string[];
  } {
    const mappings = names.map((name) => mapping(name, prefix(`/${name}/`)));
    const attached: string[] = [];
    const note = (one: Mapping, slot: number): string => {
      attached.push(one.id);
      return attach(one, slot);
    };
    const table = new LiveTable(note);
    table.apply(change(mappings, { endpoints: endpointsOf(mappings) }));
    return {
      live: table,
      mappings,
      decisions: () => names.map((name) => decide(table.table, request(`/${name}/`), 0)),
      attached,
    };
  }

  it("only the Routes that a change touches are made anew", () => {
    const { live: table, mappings, decisions } = opened(["a", "b", "c"]);
    const before = decisions();
    const { hash } = table.table;
    table.apply(change([{ ...mappings[1]!, role: live(10) }]));
    expect(decisions().map((one, index) => one === before[index])).toEqual([true, false, true]);
    expect(table.table.hash).not.toBe(hash);
  });

  it("a flip of a ready bit makes the Routes that name the Upstream anew, and keeps what was attached", () => {
    const { live: table, decisions, attached } = opened(["a", "b"]);
    const before = decisions();
    const { hash } = table.table;
    table.apply(
      change([], {
        endpoints: [
          { key: "a", ready: false, endpoints: [] },
          { key: "b", ready: true, endpoints: [] },
        ],
      }),
    );
    expect(decisions().map((one, index) => (one.kind === "reject" ? one.reason : one === before[index]))).toEqual([
      "no-healthy-upstream",
      true,
    ]);
    table.apply(change([], { endpoints: [{ key: "a", ready: true, endpoints: [] }] }));
    const [a] = decisions() as readonly ForwardDecision<string>[];
    expect(a!.attached).toBe((before[0] as ForwardDecision<string>).attached);
    expect(a!.mapping).toBe((before[0] as ForwardDecision<string>).mapping);
    expect(table.table.hash).toBe(hash);
    expect(attached).toEqual(["Mapping ns/a", "Mapping ns/b"]);
  });

  it("Endpoints that change where no ready bit does make no Route anew", () => {
    const { live: table, decisions } = opened(["a"]);
    const [before] = decisions();
    table.apply(
      change([], {
        endpoints: [{ key: "a", ready: true, endpoints: [{ ip: "10.0.0.1", port: 9000, state: "ready" }] }],
      }),
    );
    expect(decisions()[0]).toBe(before);
    expect(table.table.upstream("a")!.endpoints!.endpoints).toEqual([{ ip: "10.0.0.1", port: 9000, state: "ready" }]);
  });

  it("a Mapping that changes, or counts elsewhere, is attached anew; the others of its Route are not", () => {
    const split = [mapping("a", prefix("/x/")), mapping("b", prefix("/x/"))];
    const noted: string[] = [];
    const table = new LiveTable((one, slot) => {
      noted.push(attach(one, slot));
      return null;
    });
    const ask = (given: TableChange): readonly string[] => {
      noted.length = 0;
      table.apply(given);
      decide(table.table, request("/x/"), 0);
      return [...noted];
    };
    expect(ask(change(split, { endpoints: endpointsOf(split) }))).toEqual(["Mapping ns/a@-1 a", "Mapping ns/b@-1 b"]);
    expect(ask(change([{ ...split[1]!, target: forwardTo("other") }]))).toEqual(["Mapping ns/b@-1 other"]);
    expect(ask(change([], { mappings: [{ mapping: split[0]!, slot: 5 }] }))).toEqual(["Mapping ns/a@5 a"]);
    expect(ask(change([], { removedMappings: [split[1]!.id] }))).toEqual([]);
  });

  it("lets go of what nobody asked for in two rounds, and makes it again when somebody does", () => {
    const { live: table, decisions, attached } = opened(["a", "b"]);
    const before = decisions();
    const a = (): Decision<string> => decide(table.table, request("/a/"), 0);
    for (const kept of [2, 2, 1, 1]) {
      table.table.rest();
      a();
      expect(table.table.keptCount).toBe(kept);
    }
    expect(a()).toBe(before[0]);
    expect(decisions().map((one) => one.kind)).toEqual(["forward", "forward"]);
    expect(attached).toEqual(["Mapping ns/a", "Mapping ns/b", "Mapping ns/b"]);
    // Rounds are counted in a byte.
    for (let round = 0; round < 600; round++) {
      table.table.rest();
      a();
    }
    expect(table.table.keptCount).toBe(1);
  });
});

it("an Upstream whose Endpoints are all ending gives its share to the others while one of them is ready, and takes it again", () => {
  const split = [mapping("a", prefix("/x/"), { role: live(70) }), mapping("b", prefix("/x/"), { role: live(30) })];
  const state = (key: string, ...states: readonly Endpoint["state"][]): UpstreamEndpoints => ({
    key,
    ready: states.length > 0,
    endpoints: states.map((one, port) => ({ ip: "10.0.0.1", port, state: one })),
  });
  const table = new LiveTable(attach);
  table.apply(change(split, { endpoints: [state("a", "ready"), state("b", "ready", "terminating")] }));
  const shares = (...endpoints: readonly UpstreamEndpoints[]): readonly number[] =>
    table
      .apply(change([], { endpoints }))
      .routesInOrder()[0]!
      .split.members.map(({ share }) => share);
  expect(shares()).toEqual([0.7, 0.3]);
  expect(shares(state("b", "terminating", "terminating"))).toEqual([1, 0]);
  expect(shares(state("a", "terminating"))).toEqual([0.7, 0.3]);
  expect(shares(state("a"))).toEqual([0, 1]);
  expect(shares(state("b"))).toEqual([0, 0]);
  expect(shares(state("a", "ready"), state("b", "ready"))).toEqual([0.7, 0.3]);
});

it("a Mapping that leaves its Route for another is in the other only", () => {
  const table = new LiveTable(attach);
  table.apply(change([mapping("a", prefix("/a/")), mapping("b", prefix("/a/"))]));
  table.apply(change([mapping("b", prefix("/b/"))]));
  expect(table.table.routesInOrder().map((route) => route.mappings.map(({ id }) => id))).toEqual([
    ["Mapping ns/b"],
    ["Mapping ns/a"],
  ]);
});

it("a Mapping comes back as it was given, whatever it says", () => {
  fc.assert(
    fc.property(anyMapping, fc.string({ unit: "binary" }), (given, text) => {
      const odd = {
        ...given,
        id: `${given.id} é ${text}`,
        member: text,
        target: forwardTo("u", {
          externalPolicy: { bypassAuth: true, authContextExtensions: { a: text }, labels: null },
        }),
      };
      expect(
        tableOf([odd])
          .routesInOrder()
          .flatMap(({ mappings }) => mappings),
      ).toEqual([odd]);
    }),
  );
});

describe("when everything is gone", () => {
  it("the table is empty again, to the last byte", () => {
    const anyEnd = fc.array(anyChange, { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(anyEnd, (changes) => {
        const table = new LiveTable(attach, 2 ** 20);
        const { hash } = table.apply(change([]));
        const { used } = table.writer.bytes;
        for (const one of changes) table.apply(one);
        const { writer } = table;
        table.apply(
          change([], { removedMappings: [...writer.mappingIds()], removedUpstreams: [...writer.upstreamKeys()] }),
        );
        // What readers read no more is free with the next write.
        table.apply(change([]));
        expect(writer.bytes.used).toBe(used);
        expect([...writer.mappingIds(), ...writer.upstreamKeys(), ...writer.problems.keys()]).toEqual([]);
        expect(table.table.hash).toBe(hash);
        const bare = new LiveTable(attach).apply(change([]));
        expect(table.table.routesOf(table.table.shared)).toEqual(bare.routesOf(bare.shared));
        expect([table.table.routeCount, printTable(table.table), [...table.table.upstreamKeys()].length]).toEqual([
          0,
          "",
          0,
        ]);
      }),
      { numRuns: 200 },
    );
  });

  it("another writer finds nothing", () => {
    const table = new LiveTable(attach);
    table.apply(change([mapping("a", prefix("/a/"))], { endpoints: [{ key: "a", ready: true, endpoints: [] }] }));
    const { root } = table.writer.write(change([], { removedMappings: ["Mapping ns/a"], removedUpstreams: ["a"] }), 1);
    const next = new TableWriter(table.arena, root);
    expect([...next.mappingIds(), ...next.upstreamKeys()]).toEqual([]);
  });
});
