// Bytes of an arena that are not what its writer wrote.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  arenaOn,
  ArenaFault,
  emptyPage,
  firstBlock,
  leastArenaBytes,
  unitBytes,
  unitWords,
  type Arena,
} from "../../routing/arena/arena.ts";
import { decide } from "../../routing/decide.ts";
import { headOf, type HeadText } from "../../routing/request/head-text.ts";
import { longSlot, shortSlot, slotPlaces } from "../../routing/arena/index-page.ts";
import { recordWords, textOffset } from "../../routing/arena/record.ts";
import { RouteTable } from "../../routing/table.ts";
import { plainSettings, type TableChange } from "../../routing/model/table-change.ts";
import { TableWriter } from "../../routing/write/table-writer.ts";
import { anyHeadText } from "./arbitrary.ts";
import { change, is, LiveTable, mapping, match, named, prefix, regex, upstreamOf } from "./build.ts";
import { anyChange, attach } from "./changes.ts";

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

/** All that a reader can be asked. */
function answersOf(table: RouteTable<string>, texts: readonly HeadText[]): string {
  const decisions = texts.map((text) => {
    const decision = decide(table, headOf(text), 0.5);
    return decision.kind === "forward"
      ? [decision.route.key, decision.attached, decision.shadows.map(({ attached }) => attached)]
      : decision;
  });
  const known = ["a-rest", "shared", "u0", "nobody"].map((key) => table.upstream(key));
  return JSON.stringify([
    table.version,
    table.hash,
    table.settings,
    decisions,
    known,
    table.isDeclared("c"),
    table.isDeclared("none"),
  ]);
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

/** Runs with a byte of the arena changed. */
function changed<V>({ bytes }: Arena, at: number, mask: number, run: () => V): V {
  bytes[at]! ^= mask;
  try {
    return run();
  } finally {
    bytes[at]! ^= mask;
  }
}

function readerOf(arena: Arena, root: number): RouteTable<string> {
  const reader = new RouteTable(arena, attach);
  reader.adopt(root);
  return reader;
}

/** First byte of what tables may use, and the one after it; the empty page and units without a use lie before. */
function usedBytes(writer: TableWriter): readonly [number, number] {
  return [firstBlock * unitBytes, writer.bytes.touched];
}

function opened(): { readonly live: LiveTable<string>; readonly root: number; readonly answers: string } {
  const live = new LiveTable(attach, leastArenaBytes);
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
  return { live, root, answers: answersOf(readerOf(live.arena, root), heads) };
}

describe("a new reader", () => {
  it("answers as before or not at all, whichever byte of a table is another", () => {
    const {
      live: { arena, writer },
      root,
      answers,
    } = opened();
    let faults = 0;
    const [first, end] = usedBytes(writer);
    for (let at = first; at < end; at++) {
      changed(arena, at, 1 << ((at * 7) % 8), () => {
        const given = orFault(() => answersOf(readerOf(arena, root), heads));
        if (given === null) faults += 1;
        else if (given !== answers) expect([at, given]).toEqual([at, answers]);
      });
    }
    expect(faults).toBeGreaterThan((end - first) / 4);
    expect(answersOf(readerOf(arena, root), heads)).toBe(answers);
  });

  it("does so for any table and any bytes", () => {
    const anyDamage = fc.array(
      fc.tuple(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), fc.integer({ min: 1, max: 255 })),
      { minLength: 20, maxLength: 60 },
    );
    fc.assert(
      fc.property(
        fc.array(anyChange, { minLength: 1, maxLength: 4 }),
        fc.array(anyHeadText, { minLength: 4, maxLength: 8 }),
        anyDamage,
        (changes, texts, damage) => {
          const live = new LiveTable(attach, leastArenaBytes);
          for (const one of changes) live.apply(one);
          const { arena, writer } = live;
          const { root } = writer.written;
          const answers = answersOf(readerOf(arena, root), texts);
          const [first, end] = usedBytes(writer);
          for (const [place, mask] of damage) {
            changed(arena, first + Math.floor(place * (end - first)), mask, () =>
              expect(orFault(() => answersOf(readerOf(arena, root), texts)) ?? answers).toBe(answers),
            );
          }
        },
      ),
      { numRuns: 150 },
    );
  });

  it("takes no root that is none", () => {
    const {
      live: { arena },
      root,
    } = opened();
    for (const unit of [
      -1,
      0,
      emptyPage,
      2,
      firstBlock,
      root + 1,
      root - 1,
      arena.words.length / unitWords - 1,
      arena.words.length / unitWords,
      2 ** 31 - 1,
      -(2 ** 31),
    ]) {
      expect(() => new RouteTable(arena, attach).adopt(unit)).toThrow(ArenaFault);
      expect(() => new TableWriter(arena, unit === 0 ? 2 : unit)).toThrow(ArenaFault);
    }
    const other = arenaOn(new ArrayBuffer(leastArenaBytes));
    for (let at = 0; at < other.bytes.length; at++) other.bytes[at] = (at * 31 + (at >> 8)) & 0xff;
    expect(() => new RouteTable(other, attach).adopt(root)).toThrow(ArenaFault);
  });
});

describe("a reader that has a table", () => {
  it("takes the next one as it was written or not at all", () => {
    const {
      live: { arena, writer },
      root,
    } = opened();
    const before = Uint8Array.from(arena.bytes);
    const { root: next } = writer.write(
      change([mapping("c-rest", prefix("/seldon/ns/c/"), { space: "ns", precedence: 1 })], {
        removedMappings: ["Mapping ns/e-grpc"],
        endpoints: [{ key: "a-rest", ready: false, endpoints: [] }],
      }),
      0,
    );
    const answers = answersOf(readerOf(arena, next), heads);
    const written: number[] = [];
    const [first, end] = usedBytes(writer);
    for (let at = first; at < end; at++) if (arena.bytes[at] !== before[at]) written.push(at);
    expect(written.length).toBeGreaterThan(1000);
    for (const at of written) {
      // One that has asked, and one that has not.
      for (const asked of [true, false]) {
        const reader = readerOf(arena, root);
        if (asked) answersOf(reader, heads);
        changed(arena, at, 1 << ((at * 7) % 8), () => {
          const given = orFault(() => {
            reader.adopt(next);
            return answersOf(reader, heads);
          });
          if (given !== null && given !== answers) expect([at, given]).toEqual([at, answers]);
        });
      }
    }
  });

  it("goes back to no table before", () => {
    const {
      live: { arena, writer },
      root,
    } = opened();
    const { root: next } = writer.write(change([], { removedMappings: ["Mapping ns/a-rest"] }), 0);
    const reader = readerOf(arena, next);
    expect(() => reader.adopt(root)).toThrow(ArenaFault);
  });

  it("comes to an end, whatever becomes of what it has verified", () => {
    const {
      live: { arena, writer },
      root,
      answers,
    } = opened();
    const [first, end] = usedBytes(writer);
    const reader = readerOf(arena, root);
    answersOf(reader, heads);
    for (let at = first; at < end; at += 3) changed(arena, at, 0xff, () => orFault(() => answersOf(reader, heads)));
    expect(answersOf(reader, heads)).toBe(answers);
  });

  it("finds out when it rests that a page is no longer what it was", () => {
    const {
      live: { arena },
      root,
    } = opened();
    const reader = readerOf(arena, root);
    for (let place = 0; place < reader.routes.length; place += 2) {
      const slots = reader.routes[place]! * 4;
      if (slots === (emptyPage * unitWords + unitWords) * 4) continue;
      const slotBytes = longSlot * 4;
      const slotsEnd = slots + (reader.routes[place + 1]! + 1) * slotBytes;
      for (let at = slots - unitBytes; at < slots - unitBytes + 16; at++)
        changed(arena, at, 1, () => expect(() => reader.rest()).toThrow(ArenaFault));
      for (let from = slots; from < slotsEnd; from += slotBytes) {
        // Of a free slot no more is ever read.
        const read = arena.words[from / 4 + slotPlaces.meta]! < 0 ? shortSlot * 4 : slotBytes;
        for (let at = from; at < from + read; at++)
          changed(arena, at, 0x80, () => expect(() => reader.rest()).toThrow(ArenaFault));
      }
    }
    reader.rest();
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

describe("a writer", () => {
  it("that takes over finds every byte as it was written, or does not", () => {
    const {
      live: { arena, writer },
      root,
    } = opened();
    const known = (of: TableWriter): string =>
      JSON.stringify([of.written, [...of.mappingIds()].toSorted(), [...of.upstreamKeys()].toSorted()]);
    const before = known(writer);
    const [first, end] = usedBytes(writer);
    for (let at = first; at < end; at += 5) {
      changed(arena, at, 1 << ((at * 7) % 8), () =>
        expect(orFault(() => known(new TableWriter(arena, root))) ?? before).toBe(before),
      );
    }
  });

  const extra = ["a", "b"].map((name) =>
    mapping(`${name}-extra`, match({ kind: "grpc" }, { headers: [named("seldon", is(`extra-${name}`))] }), {
      space: "ns",
    }),
  );
  /** Touches records of every kind: that of a Route, an Upstream, a namespace, a name, and the settings. */
  const flip = (on: boolean): TableChange =>
    change(on ? extra : [], {
      removedMappings: on ? [] : extra.map(({ id }) => id),
      endpoints: [{ key: "a-rest", ready: on, endpoints: [] }],
      settings: { ...plainSettings, singleNamespace: on ? null : "ns" },
    });

  it.each([
    ["any byte", 41, 0, 0x10],
    ["the length of a text", unitBytes, 9, 0x04],
    ["the length of a content", unitBytes, 13, 0x04],
  ])("writes nothing over from what is damaged, and frees nothing that is in use: %s", (_name, step, offset, mask) => {
    const {
      live: { arena, writer },
      root,
    } = opened();
    /** Changes, each beside the one before, and what a new reader answers then. */
    const changedOften = (on: Arena, next: TableWriter): string => {
      for (let count = 0; count < 6; count++) next.write(flip(count % 2 === 1), next.written.version);
      return answersOf(readerOf(on, next.written.root), heads);
    };
    const copy = (): Arena => arenaOn(Uint8Array.from(arena.bytes).buffer);
    const whole = copy();
    const expected = changedOften(whole, new TableWriter(whole, root));
    const [first, end] = usedBytes(writer);
    for (let at = first + offset; at < end; at += step) {
      const damaged = copy();
      const next = new TableWriter(damaged, root);
      damaged.bytes[at]! ^= mask;
      expect(orFault(() => changedOften(damaged, next)) ?? expected).toBe(expected);
    }
  });

  it("frees no block whose length is damaged", () => {
    const {
      live: { arena, writer },
    } = opened();
    const [first, end] = usedBytes(writer);
    // Of the record of namespace ns.
    const text = arena.text.indexOf('/seldon/ns/["ns",', first);
    expect(text > first && text < end).toBe(true);
    changed(arena, text - textOffset + recordWords.contentBytes * 4 + 1, 0x04, () =>
      expect(() => writer.write(flip(true), 1)).toThrow(ArenaFault),
    );
  });
});
