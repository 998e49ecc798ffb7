// A reader that meets something else than the table names.
import { describe, expect, it } from "vitest";
import { ArenaFault, emptyPage, minArenaBytes, unitWords, type Arena } from "../../routing/arena/arena.ts";
import { decide } from "../../routing/decide.ts";
import { headOf, type HeadText } from "../../routing/request/head-text.ts";
import { longSlot, pageWords, slotPlaces } from "../../routing/arena/index-page.ts";
import { recordWords } from "../../routing/arena/record.ts";
import { RouteTable } from "../../routing/table.ts";
import { change, is, LiveTable, mapping, match, named, prefix, regex, upstreamOf } from "./build.ts";
import { attach } from "./changes.ts";

const head = (path: string, more: Partial<HeadText> = {}): HeadText => ({
  method: "POST",
  path,
  host: "h",
  headers: [],
  grpc: false,
  ...more,
});

/** Mappings and requests of every kind of place where a Route may be. */
const mappings = [
  ...["a", "b", "c", "d", "e"].flatMap((name) => [
    mapping(`${name}-rest`, prefix(`/seldon/ns/${name}/`), { space: "ns" }),
    mapping(
      `${name}-grpc`,
      match({ kind: "grpc" }, { headers: [named("seldon", is(name)), named("namespace", is("ns"))] }),
      { space: "ns" },
    ),
  ]),
  mapping("wider", prefix("/seldon/ns/"), { space: "ns" }),
  mapping("folded", prefix("/seldon/ns/A/", false), { space: "ns" }),
  mapping("header", match(prefix("/seldon/ns/a/"), { headers: [named("x", is("1"))] }), { space: "ns" }),
  mapping("upper", prefix("/seldon/NS/a/"), { namespace: "NS", space: "NS" }),
  mapping("regex", regex("/seldon/ns/[x-z]/.*"), { space: "ns" }),
  mapping("shared", prefix("/api/")),
  mapping("shadow", prefix("/api/"), { role: { kind: "shadow", percent: 50 } }),
  mapping("all", prefix("/")),
];
const upstreams = mappings.map(({ target }) => ({
  upstream: upstreamOf(target.kind === "forward" ? target.upstream : ""),
  breakerSlot: 1,
}));
const heads: readonly HeadText[] = [
  ...["a", "c", "e", "x", "A", "none"].map((name) => head(`/seldon/ns/${name}/api/v0.1/predictions`)),
  head("/seldon/NS/a/x"),
  head("/seldon/other/a/x"),
  head("/seldon/ns/a/x", { headers: [["x", "1"]] }),
  head("/api/x"),
  head("/y"),
  ...["a", "none"].map((name) =>
    head("/seldon.protos.Seldon/Predict", {
      headers: [
        ["seldon", name],
        ["namespace", "ns"],
      ],
      grpc: true,
    }),
  ),
  head("/seldon.protos.Seldon/Predict", { headers: [["seldon", "b"]], grpc: true }),
];

/** Route and Mapping that a request falls on, with what is copied. */
function answerOf(table: RouteTable<string>, text: HeadText): string {
  const decision = decide(table, headOf(text), 0.5);
  return JSON.stringify(
    decision.kind === "forward"
      ? [decision.route.key, decision.attached, decision.shadows.map(({ attached }) => attached)]
      : decision,
  );
}

/** What `ask` gives; an ArenaFault is null, any other error is thrown. */
function orFault<V>(ask: () => V): V | null {
  try {
    return ask();
  } catch (error) {
    if (error instanceof ArenaFault) return null;
    throw error;
  }
}

/** Runs with a word changed. */
function changed(words: Int32Array, at: number, run: () => void): void {
  words[at]! ^= 0x4000_0000;
  run();
  words[at]! ^= 0x4000_0000;
}

function readerOf(arena: Arena, root: number): RouteTable<string> {
  const reader = new RouteTable(arena, attach);
  reader.adopt(root);
  return reader;
}

function opened(): { readonly live: LiveTable<string>; readonly root: number } {
  const live = new LiveTable(attach, minArenaBytes);
  const { root } = live.writer.write(
    change(mappings, {
      upstreams,
      endpoints: upstreams.map(({ upstream: { key } }) => ({
        key,
        ready: true,
        endpoints: [{ ip: "10.0.0.1", port: 1, state: "ready" }],
      })),
    }),
    0,
  );
  return { live, root };
}

describe("a reader", () => {
  it("goes back to no table before", () => {
    const {
      live: { arena, writer },
      root,
    } = opened();
    const { root: next } = writer.write(change([], { removedMappings: ["Mapping ns/a-rest"] }), 0);
    const reader = readerOf(arena, next);
    expect(() => reader.adopt(root)).toThrow(ArenaFault);
  });

  it("takes no page and no record that is another one than the table names", () => {
    const {
      live: { arena },
      root,
    } = opened();
    const { words } = arena;
    const { routes } = readerOf(arena, root);
    const answers = heads.map((text) => answerOf(readerOf(arena, root), text));
    let faults = 0;
    for (let place = 0; place < routes.length; place += 2) {
      const page = routes[place]! - unitWords;
      if (page === emptyPage * unitWords) continue;
      changed(words, page + pageWords.serial, () => expect(() => readerOf(arena, root)).toThrow(ArenaFault));
      for (let slot = 0; slot <= routes[place + 1]!; slot++) {
        const at = page + unitWords + slot * longSlot;
        if (words[at + slotPlaces.meta]! < 0) continue;
        changed(words, words[at + slotPlaces.unit]! * unitWords + recordWords.serial, () => {
          const given = heads.map((text) => orFault(() => answerOf(readerOf(arena, root), text)));
          faults += given.filter((answer) => answer === null).length;
          expect(given.map((answer, index) => answer ?? answers[index])).toEqual(answers);
        });
      }
    }
    expect(faults).toBeGreaterThan(8);
  });

  it("does not walk for ever over a page without a free slot", () => {
    const {
      live: { arena },
      root,
    } = opened();
    const reader = readerOf(arena, root);
    const slots = reader.routes[0]!;
    for (const page of [emptyPage * unitWords + unitWords, slots])
      for (let word = page + 1; word < page + 512; word += 4) if (arena.words[word] === -1) arena.words[word] = 0;
    for (const text of heads) orFault(() => decide(reader, headOf(text), 0));
    expect(() => heads.map((text) => decide(reader, headOf({ ...text, path: "/seldon/ns/x/y/z" }), 0))).toThrow(
      ArenaFault,
    );
  });
});
