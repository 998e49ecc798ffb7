// Many tables in one arena, and who reads which.
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { arenaOn, minArenaBytes } from "../../routing/arena/arena.ts";
import { ArenaFull } from "../../routing/arena/blocks.ts";
import { decide } from "../../routing/decide.ts";
import type { Decision } from "../../routing/route/decision.ts";
import { headOf, type HeadText } from "../../routing/request/head-text.ts";
import type { Problem } from "../../routing/text/problem.ts";
import { RouteTable } from "../../routing/table.ts";
import type { TableChange } from "../../routing/model/table-change.ts";
import { TableWriter } from "../../routing/write/table-writer.ts";
import type { WritePoint, WrittenTable } from "../../routing/write/table-edit.ts";
import { anyHeadText } from "./arbitrary.ts";
import { change, forwardTo, LiveTable, mapping, prefix, request } from "./build.ts";
import { anyChange, attach, Content } from "./changes.ts";
import { naiveRoute } from "./naive.ts";

const points: readonly WritePoint[] = ["begun", "batch written", "routes written", "pages written", "root written"];
const draws = [0, 0.3, 0.9999];

function said(decision: Decision<string>): string {
  if (decision.kind === "forward") return `${decision.route.key} ${decision.attached}`;
  return decision.mapping === null ? "none" : `${decision.reason} ${decision.mapping.id}`;
}

/** What the rules say, by strings and loops. */
function naive(table: RouteTable<string>, text: HeadText, draw: number): string {
  const route = naiveRoute(table, text);
  if (route === null) return "none";
  const { forwards, reject } = route.split;
  return said(reject ?? forwards.find(({ bound }) => draw < bound)!);
}

function naiveAnswers(table: RouteTable<string>, heads: readonly HeadText[]): readonly string[] {
  return heads.flatMap((text) => draws.map((draw) => naive(table, text, draw)));
}

function answersOf(table: RouteTable<string>, heads: readonly HeadText[]): readonly string[] {
  return heads.flatMap((text) => draws.map((draw) => said(decide(table, headOf(text), draw))));
}

class Killed extends Error {}

/** What a writer knows of the newest table. */
function known(writer: TableWriter): unknown {
  const { version, hash, routeCount } = writer.written;
  const problems: ReadonlyMap<string, readonly Problem[]> = writer.problems;
  return [
    version,
    hash,
    routeCount,
    [...writer.mappingIds()].toSorted(),
    [...writer.upstreamKeys()].toSorted(),
    new Map(problems),
  ];
}

/** An arena with a writer, which may be replaced at any moment, and readers, which take tables when they like. */
class World {
  readonly arena = arenaOn(new ArrayBuffer(minArenaBytes));
  readonly #heads: readonly HeadText[];
  #newest = { version: 0, root: 0 };
  #doomed: WritePoint | null = null;
  #writer = this.#open();
  readonly #readers: (RouteTable<string> | null)[] = [null, null, null, null];
  #content = new Content();
  /** By version: what each look-up answers. */
  readonly #expected = new Map<number, readonly string[]>();

  constructor(heads: readonly HeadText[]) {
    this.#heads = heads;
  }

  write(given: TableChange): void {
    this.#content.apply(given);
    this.#written(given);
  }

  /** Batches of one change. */
  writeBatches(batches: readonly TableChange[]): void {
    const edit = this.#writer.edit(this.#oldestRead);
    for (const batch of batches) {
      this.#content.apply(batch);
      edit.take(batch);
      // Nobody sees any of it.
      this.checkAll();
    }
    this.#finished(edit.finish(batches.at(-1)!.settings));
  }

  /** A writer that is ended at this point, and another one, which is told the same. */
  killed(point: WritePoint, given: TableChange): void {
    this.#doomed = point;
    expect(() => this.#writer.write(given, this.#oldestRead)).toThrow(Killed);
    this.#doomed = null;
    this.#writer = this.#open();
    this.write(given);
  }

  takeOver(): void {
    const before = known(this.#writer);
    this.#writer = this.#open();
    expect(known(this.#writer)).toEqual(before);
  }

  /** The newest table. */
  adopt(reader: number): void {
    const { root } = this.#newest;
    if (root === 0) return;
    (this.#readers[reader] ??= new RouteTable(this.arena, attach)).adopt(root);
  }

  replaced(reader: number): void {
    this.#readers[reader] = null;
  }

  check(reader: number): void {
    const table = this.#readers[reader]!;
    if (table !== null) expect(answersOf(table, this.#heads)).toEqual(this.#expected.get(table.version));
  }

  checkAll(): void {
    for (const reader of this.#readers.keys()) this.check(reader);
  }

  /** Readers take the newest table, and then no more than it is in use. */
  settle(): void {
    for (const reader of this.#readers.keys()) this.adopt(reader);
    this.#writer.write(change([], { settings: this.#content.whole.settings }), this.#oldestRead);
    const { used } = this.#writer.bytes;
    const other = new TableWriter(this.arena, this.#newest.root);
    expect(known(other)).toEqual(known(this.#writer));
    other.write(change([], { settings: this.#content.whole.settings }), this.#oldestRead);
    expect(other.bytes.used).toBe(used);
  }

  get #oldestRead(): number {
    return Math.min(
      this.#newest.version,
      ...this.#readers.flatMap((reader) => (reader === null ? [] : [reader.version])),
    );
  }

  #written(given: TableChange): void {
    this.#finished(this.#writer.write(given, this.#oldestRead));
  }

  #finished({ version, root, hash }: WrittenTable): void {
    this.#newest = { version, root };
    const full = this.#content.table();
    expect(hash).toBe(full.hash);
    this.#expected.set(version, naiveAnswers(full, this.#heads));
  }

  #open(): TableWriter {
    return new TableWriter(this.arena, this.#newest.root, (point) => {
      if (point === this.#doomed) throw new Killed();
    });
  }
}

const reader = fc.nat(3);
const anyStep = fc.oneof(
  {
    weight: 4,
    arbitrary: anyChange.map(
      (given) =>
        (world: World): void =>
          world.write(given),
    ),
  },
  {
    weight: 3,
    arbitrary: fc.array(anyChange, { minLength: 1, maxLength: 5 }).map(
      (given) =>
        (world: World): void =>
          world.writeBatches(given),
    ),
  },
  {
    weight: 4,
    arbitrary: reader.map(
      (at) =>
        (world: World): void =>
          world.adopt(at),
    ),
  },
  {
    weight: 4,
    arbitrary: reader.map(
      (at) =>
        (world: World): void =>
          world.check(at),
    ),
  },
  {
    weight: 1,
    arbitrary: reader.map(
      (at) =>
        (world: World): void =>
          world.replaced(at),
    ),
  },
  { weight: 1, arbitrary: fc.constant((world: World): void => world.takeOver()) },
  // Something changes in any case, so that every point is reached.
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom(...points), anyChange, fc.nat()).map(
      ([point, given, ms]) =>
        (world: World): void =>
          world.killed(point, {
            ...given,
            mappings: [
              ...given.mappings,
              {
                mapping: mapping("k", prefix("/k/"), { target: forwardTo("u0", { timeout: { ms, setBy: "k" } }) }),
                slot: ms % 1000,
              },
            ],
          }),
    ),
  },
);

describe("readers that take tables when they like, beside writers that may be ended in any write", () => {
  it("answer as the rules say of the table that they have, and of no other; what nobody reads is used again", () => {
    fc.assert(
      fc.property(
        fc.array(anyHeadText, { minLength: 3, maxLength: 6 }),
        fc.array(anyStep, { minLength: 5, maxLength: 40 }),
        (heads, steps) => {
          const world = new World(heads);
          world.write(change([]));
          for (const step of steps) step(world);
          world.checkAll();
          world.settle();
          world.checkAll();
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe("an arena that is full", () => {
  const text = (length: number): TableChange =>
    change([
      mapping("large", prefix("/large/"), {
        target: forwardTo("u", {
          externalPolicy: { bypassAuth: false, authContextExtensions: {}, labels: null },
          requestHeaders: { remove: ["x".repeat(length)], add: [] },
        }),
      }),
    ]);
  const ready = change([mapping("a", prefix("/a/"))], { endpoints: [{ key: "a", ready: true, endpoints: [] }] });

  function opened(): LiveTable<string> {
    const table = new LiveTable(attach, minArenaBytes);
    table.apply(ready);
    return table;
  }

  /** How long a text may be. */
  function limit(): number {
    let [fits, full] = [1, minArenaBytes];
    while (full - fits > 1) {
      const length = (fits + full) >> 1;
      try {
        opened().apply(text(length));
        fits = length;
      } catch (error) {
        if (!(error instanceof ArenaFull)) throw error;
        full = length;
      }
    }
    return fits;
  }

  it("takes what fits to the last byte; of what does not fit nothing is seen, and another writer goes on", () => {
    const most = limit();
    expect(most).toBeGreaterThan(minArenaBytes / 2);
    for (const length of [most - 1, most])
      expect(decide(opened().apply(text(length)), request("/large/"), 0).kind).toBe("reject");
    const table = opened();
    const before = table.writer.written;
    expect(() => table.writer.write(text(most + 1), 1)).toThrow(ArenaFull);
    const a = (): string => said(decide(table.table, request("/a/"), 0));
    expect(a()).toContain("a@-1 a");
    const next = new TableWriter(table.arena, before.root);
    expect(next.written).toEqual(before);
    const { root } = next.write(change([mapping("b", prefix("/b/"))]), before.version);
    expect(a()).toContain("a@-1 a");
    table.table.adopt(root);
    expect([...next.mappingIds()].toSorted()).toEqual(["Mapping ns/a", "Mapping ns/b"]);
    expect(a()).toContain("a@-1 a");
  });

  it("a change of what fills more than half of it does not fit beside it, and fits once it is gone", () => {
    const table = opened();
    const most = limit();
    table.apply(text(most - 1000));
    expect(() => table.writer.write(text(most - 1001), table.table.version)).toThrow(ArenaFull);
    let writer = new TableWriter(table.arena, table.writer.written.root);
    table.table.adopt(writer.write(change([], { removedMappings: ["Mapping ns/large"] }), table.table.version).root);
    writer = new TableWriter(table.arena, writer.written.root);
    expect(() => writer.write(text(most - 1001), table.table.version)).not.toThrow();
  });
});
