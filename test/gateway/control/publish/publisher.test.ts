import * as fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Mapping } from "../../../../routing/model/mapping.ts";
import { ArenaFull } from "../../../../routing/arena/blocks.ts";
import type { WritePoint } from "../../../../routing/write/table-edit.ts";
import type { Upstream, UpstreamEndpoints } from "../../../../routing/model/upstream.ts";
import type { TranslationChange } from "../../../../k8s/translate/model/translation.ts";
import { Publisher, coalesceMs, type PublisherEvents } from "../../../../gateway/control/publish/publisher.ts";
import { plainSettings, type FrontSettings } from "../../../../routing/model/table-change.ts";
import { SharedTable, tableMemory } from "../../../../gateway/shared/memory/shared-table.ts";
import { endpointsOf, mappingOf, upstreamOf } from "../../fixtures.ts";
import { TableReader } from "../table-reader.ts";

const none: TranslationChange = {
  mappings: [],
  removedMappings: [],
  upstreams: [],
  removedUpstreams: [],
  endpoints: [],
  flipped: [],
};

/** The newest state, with edits that say what they changed. */
class State {
  readonly mappings = new Map<string, Mapping>();
  readonly upstreams = new Map<string, Upstream>();
  readonly endpoints = new Map<string, UpstreamEndpoints>();

  /** A Mapping that names an Upstream, with the Upstream if it is new. */
  setMapping(name: string, upstream: string, weight: number, text = ""): TranslationChange {
    const plain = mappingOf(name, upstream, weight);
    const mapping = text === "" ? plain : { ...plain, member: text };
    this.mappings.set(mapping.id, mapping);
    if (this.upstreams.has(upstream)) return { ...none, mappings: [mapping] };
    this.upstreams.set(upstream, upstreamOf(upstream));
    this.endpoints.set(upstream, endpointsOf(upstream, [1]));
    return {
      ...none,
      mappings: [mapping],
      upstreams: [this.upstreams.get(upstream)!],
      endpoints: [this.endpoints.get(upstream)!],
      flipped: [upstream],
    };
  }

  /** Removes a Mapping, and its Upstream when nothing names it any more. */
  removeMapping(name: string): TranslationChange {
    const id = `${name}/http`;
    const mapping = this.mappings.get(id);
    if (mapping === undefined) return none;
    this.mappings.delete(id);
    const upstream = mapping.target.kind === "forward" ? mapping.target.upstream : "";
    if ([...this.mappings.values()].some(({ target }) => target.kind === "forward" && target.upstream === upstream))
      return { ...none, removedMappings: [id] };
    this.upstreams.delete(upstream);
    this.endpoints.delete(upstream);
    return { ...none, removedMappings: [id], removedUpstreams: [upstream] };
  }

  /** The same Upstream with another policy. */
  touchUpstream(key: string): TranslationChange {
    const before = this.upstreams.get(key);
    if (before === undefined) return none;
    const upstream = { ...before, connectTimeoutMs: before.connectTimeoutMs + 1 };
    this.upstreams.set(key, upstream);
    return { ...none, upstreams: [upstream] };
  }

  setEndpoints(key: string, ports: readonly number[]): TranslationChange {
    const before = this.endpoints.get(key);
    if (before === undefined) return none;
    const after = endpointsOf(key, ports);
    this.endpoints.set(key, after);
    return { ...none, endpoints: [after], flipped: before.ready === after.ready ? [] : [key] };
  }

  /** As a Source delivers it first. */
  get whole(): TranslationChange {
    return {
      ...none,
      mappings: [...this.mappings.values()],
      upstreams: [...this.upstreams.values()],
      endpoints: [...this.endpoints.values()],
      flipped: [...this.upstreams.keys()],
    };
  }

  get content(): string {
    const mappings = [...this.mappings.values()].map(
      ({ id, role, target }) =>
        `${id} ${role.kind === "live" ? String(role.weight) : ""} ${target.kind === "forward" ? target.upstream : ""}`,
    );
    const upstreams = [...this.upstreams.values()]
      .toSorted((a, b) => (a.key < b.key ? -1 : 1))
      .map(
        ({ key, connectTimeoutMs }) =>
          `${key} ${connectTimeoutMs} ${this.endpoints
            .get(key)!
            .endpoints.map(({ port }) => port)
            .join(",")}`,
      );
    return [...mappings.toSorted(), ...upstreams].join("\n");
  }
}

/** A data worker: notes that it was woken, takes the table and says so when told to. */
class FakeWorker {
  readonly reader: TableReader;
  readonly number: number;
  wakes = 0;
  #isWoken = false;

  constructor(memory: SharedArrayBuffer, number: number) {
    this.reader = new TableReader(memory, number);
    this.number = number;
  }

  join(publisher: Publisher): this {
    publisher.join(this.number, () => {
      this.wakes += 1;
      this.#isWoken = true;
    });
    return this;
  }

  /** What it does when its turn comes, if it was woken. */
  turn(publisher: Publisher, atMs = 0): void {
    if (!this.#isWoken) return;
    this.#isWoken = false;
    const version = this.reader.take();
    if (version > 0) publisher.taken(this.number, version, atMs);
  }
}

interface Started {
  readonly publisher: Publisher;
  readonly lives: number[];
  /** Versions, as they were published. */
  readonly published: number[];
}

function start(memory: SharedArrayBuffer, events: Partial<PublisherEvents> = {}): Started {
  const lives: number[] = [];
  const published: number[] = [];
  const firstVersion = new SharedTable(memory).version;
  const publisher: Publisher = new Publisher(
    new SharedTable(memory),
    {
      slotOf: (id) => id.length,
      breakerSlotOf: (key) => key.length,
      endpointSlotsOf: () => [],
      resolvedOf: () => undefined,
    },
    {
      settings: () => plainSettings,
      written: () => undefined,
      settled: () => {
        const { version } = new SharedTable(memory);
        if (version !== (published.at(-1) ?? firstVersion)) published.push(version);
      },
      live: (seconds) => lives.push(seconds),
      taken: () => undefined,
      reached: () => undefined,
      ...events,
    },
  );
  return { publisher, lives, published };
}

let memory: SharedArrayBuffer;

beforeEach(() => {
  vi.useFakeTimers();
  memory = tableMemory(4);
});
afterEach(() => {
  vi.useRealTimers();
});

describe("a publisher", () => {
  test("publishes nothing before it is opened, and then all in one table, even an empty one", () => {
    const state = new State();
    const { publisher, published } = start(memory);
    const worker = new FakeWorker(memory, 0).join(publisher);
    publisher.change(state.setMapping("a", "u", 1), 0);
    publisher.change(state.setMapping("b", "v", 1), 0);
    vi.advanceTimersByTime(coalesceMs);
    worker.turn(publisher);
    expect([published, publisher.serving]).toEqual([[], 0]);
    publisher.open();
    publisher.open();
    worker.turn(publisher);
    expect([published, publisher.serving, worker.reader.content]).toEqual([[1], 1, state.content]);

    const empty = start(tableMemory(1));
    empty.publisher.open();
    expect(empty.published).toEqual([1]);
  });

  test("the first change leaves at once, those within 20 ms leave together", () => {
    const state = new State();
    const { publisher, published } = start(memory);
    const worker = new FakeWorker(memory, 0).join(publisher);
    publisher.open();
    publisher.change(state.setMapping("a", "u", 1), 0);
    expect(published).toEqual([1, 2]);
    publisher.change(state.setMapping("b", "u", 1), 0);
    publisher.change(state.setMapping("c", "v", 1), 0);
    vi.advanceTimersByTime(coalesceMs - 1);
    expect(published).toEqual([1, 2]);
    vi.advanceTimersByTime(1);
    expect(published).toEqual([1, 2, 3]);
    worker.turn(publisher);
    expect(worker.reader.content).toBe(state.content);
    // Nothing came within the last 20 ms: the next one leaves at once again.
    vi.advanceTimersByTime(coalesceMs);
    publisher.change(state.removeMapping("a"), 0);
    expect(published).toEqual([1, 2, 3, 4]);
  });

  test("a change of the settings alone is a table", () => {
    let front: FrontSettings | null = null;
    const state = new State();
    const { publisher, published } = start(memory, { settings: () => ({ ...plainSettings, front }) });
    publisher.open();
    publisher.change(state.setMapping("a", "u", 1), 0);
    vi.advanceTimersByTime(coalesceMs);
    expect(published).toEqual([1, 2]);
    front = {
      trustedHops: 1,
      keepsRequestId: false,
      underscores: "allow",
      refusesEscapedSlashes: false,
      connectionIdleMs: null,
      addresses: [],
    };
    const nothing = {
      mappings: [],
      removedMappings: [],
      upstreams: [],
      removedUpstreams: [],
      endpoints: [],
      flipped: [],
    };
    publisher.change(nothing, 0);
    publisher.change(nothing, 0);
    vi.advanceTimersByTime(coalesceMs);
    expect(published).toEqual([1, 2, 3]);
    front = { ...front };
    publisher.change(nothing, 0);
    vi.advanceTimersByTime(coalesceMs);
    expect(published).toEqual([1, 2, 3]);
  });

  test("a change that changes nothing is no table", () => {
    const state = new State();
    const { publisher, published } = start(memory);
    publisher.open();
    publisher.change(state.setMapping("a", "u", 1), 0);
    vi.advanceTimersByTime(coalesceMs);
    publisher.change(state.whole, 0);
    vi.advanceTimersByTime(coalesceMs);
    publisher.change(none, 0);
    vi.advanceTimersByTime(coalesceMs);
    expect(published).toEqual([1, 2]);
  });

  test("a change is live once the last worker has taken it, by its own clock", () => {
    const state = new State();
    const { publisher, lives } = start(memory);
    const [first, second] = [new FakeWorker(memory, 0).join(publisher), new FakeWorker(memory, 1).join(publisher)];
    publisher.change(state.setMapping("a", "u", 1), 0);
    publisher.open();
    for (const worker of [first, second]) worker.turn(publisher, 900);
    publisher.change(state.setMapping("b", "u", 1), 1000);
    first.turn(publisher, 1004);
    expect([lives, publisher.heldByAll]).toEqual([[], 1]);
    second.turn(publisher, 1003);
    // The first table is a start and no change.
    expect([lives, publisher.heldByAll]).toEqual([[0.004], 2]);
  });

  test("a change is live without a worker that has left, and the first of those that leave together counts", () => {
    const state = new State();
    const { publisher, lives } = start(memory);
    const [first, second] = [new FakeWorker(memory, 0).join(publisher), new FakeWorker(memory, 1).join(publisher)];
    publisher.open();
    for (const worker of [first, second]) worker.turn(publisher);
    publisher.change(state.setMapping("a", "u", 1), 1000);
    publisher.change(state.setMapping("b", "u", 1), 2000);
    publisher.change(state.setMapping("c", "u", 1), 3000);
    vi.advanceTimersByTime(coalesceMs);
    first.turn(publisher, 5000);
    expect(lives).toEqual([]);
    publisher.leave(1);
    expect(lives).toEqual([4, 3]);
  });

  test("which Endpoints fail is in the table, too", () => {
    const state = new State();
    const { publisher } = start(memory);
    const worker = new FakeWorker(memory, 0).join(publisher);
    publisher.change(state.setMapping("a", "u", 1), 0);
    publisher.open();
    publisher.failing("u", ["127.0.0.1:1"]);
    worker.turn(publisher);
    expect(worker.reader.table.upstream("u")!.failing).toEqual(["127.0.0.1:1"]);
  });

  test("workers are woken when they are to answer another thing to check_ready", () => {
    const { publisher } = start(memory);
    const worker = new FakeWorker(memory, 0).join(publisher);
    const { wakes } = worker;
    publisher.setReady(false);
    expect(worker.wakes).toBe(wakes);
    publisher.setReady(true);
    expect([worker.wakes, new SharedTable(memory).ready]).toEqual([wakes + 1, true]);
  });
});

test("an Upstream that leaves and comes back within one change has no failing health check", () => {
  const state = new State();
  const { publisher } = start(memory);
  const worker = new FakeWorker(memory, 0).join(publisher);
  publisher.change(state.setMapping("a", "u", 1), 0);
  publisher.open();
  publisher.failing("u", ["127.0.0.1:1"]);
  publisher.change(state.removeMapping("a"), 0);
  publisher.change(state.setMapping("a", "u", 1), 0);
  vi.advanceTimersByTime(coalesceMs);
  worker.turn(publisher);
  expect(worker.reader.table.upstream("u")!.failing).toEqual([]);
});

describe("a publisher that takes over", () => {
  test("publishes nothing where the table is the same, and asks who reads it", () => {
    const state = new State();
    const first = start(memory);
    first.publisher.change(state.setMapping("a", "u", 1), 0);
    first.publisher.open();
    const worker = new FakeWorker(memory, 0);
    const { root } = new SharedTable(memory);

    const second = start(memory);
    worker.join(second.publisher);
    worker.turn(second.publisher);
    expect(second.publisher.serving).toBe(0);
    second.publisher.change(state.whole, 0);
    second.publisher.open();
    worker.turn(second.publisher);
    expect([
      second.published,
      second.publisher.serving,
      second.publisher.heldByAll,
      new SharedTable(memory).root,
    ]).toEqual([[], 1, 1, root]);
    expect(second.publisher.nextVersion).toBe(2);
    second.publisher.change(state.setMapping("b", "u", 1), 0);
    worker.turn(second.publisher);
    expect([second.published, worker.reader.content]).toEqual([[2], state.content]);
  });

  test("writes only what differs, and what nobody names any more is gone", () => {
    const state = new State();
    const first = start(memory);
    for (let i = 0; i < 200; i++) state.setMapping(`m${i}`, `u${i}`, 1);
    first.publisher.change(state.whole, 0);
    first.publisher.open();
    const usedBefore = first.publisher.bytes.used;
    const worker = new FakeWorker(memory, 0);
    worker.reader.take();
    const before = worker.reader.table.upstream("u5")!.serial;

    state.removeMapping("m7");
    state.setMapping("m8", "u8", 2);
    state.setMapping("new", "u9", 3);
    const second = start(memory);
    worker.join(second.publisher);
    second.publisher.change(state.whole, 0);
    second.publisher.open();
    worker.turn(second.publisher);
    expect([second.published, worker.reader.content]).toEqual([[2], state.content]);
    expect(worker.reader.table.upstream("u5")!.serial).toBe(before);
    expect(second.publisher.bytes.used).toBeLessThan(usedBefore * 1.5);
  });

  test("does not write over what a worker reads that is behind", () => {
    const state = new State();
    const first = start(memory);
    for (let i = 0; i < 50; i++) state.setMapping(`m${i}`, `u${i}`, 1);
    first.publisher.change(state.whole, 0);
    first.publisher.open();
    const behind = new FakeWorker(memory, 3);
    behind.reader.take();
    const held = state.content;
    for (let i = 0; i < 50; i++) first.publisher.change(state.setMapping(`m${i}`, `u${i}`, 2), 0);
    vi.advanceTimersByTime(coalesceMs);
    first.publisher.stop();

    const second = start(memory);
    second.publisher.change(state.whole, 0);
    second.publisher.open();
    for (let round = 3; round < 20; round++) {
      for (let i = 0; i < 50; i++) second.publisher.change(state.setMapping(`m${i}`, `u${i}`, round), 0);
      vi.advanceTimersByTime(coalesceMs);
    }
    expect(behind.reader.content).toBe(held);
    behind.reader.take();
    expect(behind.reader.content).toBe(state.content);
  });

  test("begins without failing health checks: it has not made any yet", () => {
    const state = new State();
    const first = start(memory);
    first.publisher.change(state.setMapping("a", "u", 1), 0);
    first.publisher.open();
    first.publisher.failing("u", ["127.0.0.1:1"]);
    const second = start(memory);
    const worker = new FakeWorker(memory, 0).join(second.publisher);
    second.publisher.change(state.whole, 0);
    second.publisher.open();
    worker.turn(second.publisher);
    expect(worker.reader.table.upstream("u")!.failing).toEqual([]);
  });
});

/** Several changes as one. */
function atOnce(changes: readonly TranslationChange[]): TranslationChange {
  return {
    mappings: changes.flatMap(({ mappings }) => mappings),
    removedMappings: changes.flatMap(({ removedMappings }) => removedMappings),
    upstreams: changes.flatMap(({ upstreams }) => upstreams),
    removedUpstreams: changes.flatMap(({ removedUpstreams }) => removedUpstreams),
    endpoints: changes.flatMap(({ endpoints }) => endpoints),
    flipped: changes.flatMap(({ flipped }) => flipped),
  };
}

/** Of the texts of the Mappings that a worker serves. */
function lengthsOf({ reader }: FakeWorker): readonly number[] {
  return reader.table.routesInOrder().flatMap(({ mappings }) => mappings.map(({ member }) => member.length));
}

describe("a table that does not fit", () => {
  /** Some 100 kB in the text of one Mapping. */
  const large = (letter: string): string => letter.repeat(100_000);

  test("leaves the table before, is a Problem, and is tried again with the next change", () => {
    memory = tableMemory(1);
    const state = new State();
    let tried = 0;
    const { publisher, published } = start(memory, {
      reached: (point) => (tried += point === "begun" ? 1 : 0),
    });
    const worker = new FakeWorker(memory, 0).join(publisher);
    publisher.change(state.setMapping("a", "u", 1), 0);
    publisher.open();
    worker.turn(publisher);
    const held = state.content;
    for (let i = 0; i < 12; i++) publisher.change(state.setMapping(`large${i}`, "u", 1, large(String(i))), 0);
    vi.advanceTimersByTime(coalesceMs);
    worker.turn(publisher);
    expect(publisher.problems).toMatchObject([
      {
        code: "table-full",
        level: "error",
        subject: { kind: "Gateway" },
        sentence: expect.stringMatching(
          /memory of 1 MiB.*--table-mib.*the namespaces that have most: large10 \(0\.2 MiB\), large11 \(0\.2 MiB\), large0 \(0\.1 MiB\)/,
        ) as string,
      },
    ]);
    const { version } = publisher.written;
    expect(publisher.written.version).toBe(published.at(-1));
    expect(worker.reader.content).toContain(held.split("\n")[0]);

    // Nobody tries it again for nothing: finding out what is in the memory takes its time.
    vi.advanceTimersByTime(coalesceMs);
    const triedBefore = tried;
    vi.advanceTimersByTime(100 * coalesceMs);
    expect(tried).toBe(triedBefore);
    // Another change: still too much.
    publisher.change(state.setMapping("b", "v", 1), 0);
    vi.advanceTimersByTime(coalesceMs);
    expect([publisher.problems.length, publisher.written.version, tried]).toEqual([1, version, triedBefore + 1]);
    // Most of it goes.
    for (let i = 1; i < 12; i++) publisher.change(state.removeMapping(`large${i}`), 0);
    vi.advanceTimersByTime(coalesceMs);
    worker.turn(publisher);
    expect([publisher.problems, publisher.written.version, worker.reader.content]).toEqual([
      [],
      version + 1,
      state.content,
    ]);
  });

  test.each<WritePoint>(["begun", "batch written", "routes written", "pages written"])(
    "which is found when it has %s, loses nothing of the change",
    (point) => {
      const state = new State();
      let isFull = false;
      const { publisher } = start(memory, {
        reached(reached) {
          if (isFull && reached === point) throw new ArenaFull(2 ** 22);
        },
      });
      const worker = new FakeWorker(memory, 0).join(publisher);
      publisher.change(state.setMapping("a", "u", 1), 0);
      publisher.change(state.setMapping("gone", "u", 1), 0);
      publisher.open();
      isFull = true;
      publisher.change(state.setMapping("b", "v", 1), 0);
      publisher.change(state.removeMapping("gone"), 0);
      publisher.failing("v", ["127.0.0.1:1"]);
      vi.advanceTimersByTime(coalesceMs);
      expect(publisher.problems).toMatchObject([{ code: "table-full" }]);
      isFull = false;
      publisher.change(state.setMapping("c", "u", 1), 0);
      vi.advanceTimersByTime(coalesceMs);
      worker.turn(publisher);
      expect([publisher.problems, worker.reader.content]).toEqual([[], `${state.content} fails 127.0.0.1:1`]);
    },
  );

  test("is tried by changes that follow each other for a tenth of the time at most, and at once when a worker that was behind has gone on", () => {
    memory = tableMemory(1);
    const state = new State();
    const tryMs = 400;
    let [tried, spentMs] = [0, 0];
    const now = vi.spyOn(performance, "now").mockImplementation(() => Date.now() + spentMs);
    const reached = (point: WritePoint): void => {
      if (point !== "begun") return;
      tried += 1;
      spentMs += tryMs;
    };
    const { publisher } = start(memory, { reached });
    const worker = new FakeWorker(memory, 0).join(publisher);
    publisher.change(state.setMapping("a", "u", 1), 0);
    publisher.open();
    worker.turn(publisher);
    for (let i = 0; i < 12; i++) publisher.change(state.setMapping(`large${i}`, "u", 1, large(String(i))), 0);
    vi.advanceTimersByTime(coalesceMs);
    expect(publisher.problems).toMatchObject([{ code: "table-full" }]);
    const triedBefore = tried;
    for (let i = 0; i < 500; i++) {
      publisher.change(state.setMapping("a", "u", i), 0);
      vi.advanceTimersByTime(coalesceMs);
    }
    expect(tried - triedBefore).toBeLessThanOrEqual((500 * coalesceMs) / (10 * tryMs) + 1);
    const triedMeanwhile = tried;
    worker.turn(publisher);
    expect(tried).toBe(triedMeanwhile + 1);
    publisher.stop();
    now.mockRestore();
  });

  test("because what is free is in pieces is tried again, without another change, where the pieces are whole", () => {
    memory = tableMemory(1);
    const state = new State();
    const { publisher } = start(memory);
    const worker = new FakeWorker(memory, 0).join(publisher);
    publisher.change(state.setMapping("a", "u", 1), 0);
    publisher.open();
    const turn = (): void => {
      vi.advanceTimersByTime(coalesceMs);
      worker.turn(publisher);
    };
    turn();
    // The worker reads the first table until all of the memory was in use.
    for (let round = 1; round <= 3; round++) {
      const changes = Array.from({ length: 100 }, (_, i) =>
        state.setMapping(`small${i}`, "u", round, "x".repeat(5000)),
      );
      publisher.change(atOnce(changes), 0);
      vi.advanceTimersByTime(coalesceMs);
      expect(publisher.problems).toEqual([]);
    }
    turn();
    for (let i = 0; i < 100; i++) publisher.change(state.removeMapping(`small${i}`), 0);
    turn();
    // What they had is free once nobody reads the table before.
    publisher.change(state.setMapping("b", "u", 1), 0);
    turn();
    publisher.change(state.setMapping("large", "u", 1, "x".repeat(100_000)), 0);
    turn();
    turn();
    expect([publisher.problems, worker.reader.content]).toEqual([[], state.content]);
  });

  test("that is smaller than the one before is served, though both do not fit into the memory of one table", () => {
    memory = tableMemory(1);
    const state = new State();
    const { publisher } = start(memory);
    const worker = new FakeWorker(memory, 0).join(publisher);
    const turn = (): void => {
      vi.advanceTimersByTime(100 * coalesceMs);
      worker.turn(publisher);
    };
    const texts = (length: number): void => {
      for (let i = 0; i < 6; i++) publisher.change(state.setMapping(`large${i}`, "u", 1, "x".repeat(length)), 0);
    };
    texts(120_000);
    publisher.open();
    turn();
    for (let i = 0; i < 6; i++) publisher.change(state.setMapping(`more${i}`, "u", 1, large(String(i))), 0);
    turn();
    expect(publisher.problems).toMatchObject([{ code: "table-full" }]);
    for (let i = 0; i < 6; i++) publisher.change(state.removeMapping(`more${i}`), 0);
    texts(119_000);
    turn();
    expect([publisher.problems, worker.reader.content]).toEqual([[], state.content]);
    expect(lengthsOf(worker)).toEqual(Array.from({ length: 6 }, () => 119_000));
    // And so is one that has next to nothing left.
    publisher.change(state.removeMapping("large0"), 0);
    texts(1);
    turn();
    expect([publisher.problems, lengthsOf(worker)]).toEqual([[], [1, 1, 1, 1, 1, 1]]);
  });

  test("would not fit into an empty memory either, whatever is served before it", () => {
    const lengths = fc.array(fc.constantFrom(0, 1, 5000, 40_000, 120_000), { minLength: 12, maxLength: 12 });
    fc.assert(
      fc.property(fc.array(lengths, { minLength: 1, maxLength: 6 }), (states) => {
        memory = tableMemory(1);
        const state = new State();
        const { publisher, published } = start(memory);
        const worker = new FakeWorker(memory, 0).join(publisher);
        publisher.open();
        let served: readonly number[] = [];
        for (const given of states) {
          const changes = given.map((length, i) =>
            length === 0 ? state.removeMapping(`m${i}`) : state.setMapping(`m${i}`, "u", 1, "x".repeat(length)),
          );
          publisher.change(atOnce(changes), 0);
          const before = published.length;
          vi.advanceTimersByTime(100 * coalesceMs);
          worker.turn(publisher);
          const empty = start(tableMemory(1));
          empty.publisher.change(state.whole, 0);
          empty.publisher.open();
          empty.publisher.stop();
          expect([publisher.problems.length, given]).toEqual([empty.publisher.problems.length, given]);
          if (publisher.problems.length === 0) served = given.filter((length) => length > 0);
          // One whole state, or the one before.
          const sorted = (lengths: readonly number[]): readonly number[] => lengths.toSorted((a, b) => a - b);
          expect(sorted(lengthsOf(worker))).toEqual(sorted(served));
          expect(published.length).toBeLessThanOrEqual(before + 1);
        }
        publisher.stop();
      }),
      { numRuns: 40 },
    );
  });

  test("because a worker is behind is written once that worker has gone on", () => {
    memory = tableMemory(1);
    const state = new State();
    const { publisher } = start(memory);
    const worker = new FakeWorker(memory, 0).join(publisher);
    for (let i = 0; i < 3; i++) state.setMapping(`large${i}`, "u", 1, large(String(i)));
    publisher.change(state.whole, 0);
    publisher.open();
    worker.turn(publisher);
    // The worker reads the first table all the while.
    for (let round = 2; round < 10; round++) {
      for (let i = 0; i < 3; i++) publisher.change(state.setMapping(`large${i}`, "u", round, large(String(i))), 0);
      vi.advanceTimersByTime(coalesceMs);
    }
    expect(publisher.problems).toMatchObject([{ code: "table-full" }]);
    worker.turn(publisher);
    vi.advanceTimersByTime(coalesceMs);
    worker.turn(publisher);
    expect([publisher.problems, worker.reader.content]).toEqual([[], state.content]);
  });
});

/** A thread that is ended in the middle of a write. */
class Ended extends Error {}

test("whatever the order of changes, turns and ends of workers and publishers, every worker reads the newest state in the end and one whole state always", () => {
  const name = fc.constantFrom("a", "b", "c", "d");
  const upstream = fc.constantFrom("u", "v", "w");
  const worker = fc.nat(1);
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant("set" as const), name, upstream, weight: fc.nat(3) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("remove" as const), name }) },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant("endpoints" as const),
        upstream,
        ports: fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 2 }),
      }),
    },
    fc.record({ kind: fc.constant("touch" as const), upstream }),
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("turn" as const), worker }) },
    fc.record({ kind: fc.constant("restart" as const), worker }),
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("wait" as const), ms: fc.integer({ min: 1, max: 30 }) }) },
    fc.record({
      kind: fc.constant("end" as const),
      at: fc.constantFrom<WritePoint | "between">(
        "begun",
        "batch written",
        "routes written",
        "pages written",
        "root written",
        "between",
      ),
    }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      vi.clearAllTimers();
      const state = new State();
      const shared = tableMemory(1);
      let endAt: WritePoint | null = null;
      // Every content that was ever published, by version.
      const contents = new Map<number, string>();
      const observer = new TableReader(shared, 60);
      const open = (): Publisher =>
        start(shared, {
          reached(point) {
            if (point === endAt) throw new Ended();
          },
          settled: () => contents.set(observer.take(), observer.content),
        }).publisher;
      let publisher = open();
      const workers = [new FakeWorker(shared, 0).join(publisher), new FakeWorker(shared, 1).join(publisher)];
      const succeed = (): void => {
        publisher.stop();
        endAt = null;
        publisher = open();
        for (const one of workers) one.join(publisher);
        publisher.change(state.whole, 0);
        publisher.open();
      };
      const change = (one: TranslationChange): void => {
        try {
          publisher.change(one, 0);
        } catch (error) {
          if (!(error instanceof Ended)) throw error;
          succeed();
        }
      };
      const wait = (ms: number): void => {
        try {
          vi.advanceTimersByTime(ms);
        } catch (error) {
          if (!(error instanceof Ended)) throw error;
          succeed();
        }
      };
      publisher.open();
      for (const one of steps) {
        if (one.kind === "set") change(state.setMapping(one.name, one.upstream, one.weight));
        if (one.kind === "remove") change(state.removeMapping(one.name));
        if (one.kind === "endpoints") change(state.setEndpoints(one.upstream, one.ports));
        if (one.kind === "touch") change(state.touchUpstream(one.upstream));
        if (one.kind === "turn") workers[one.worker]!.turn(publisher);
        if (one.kind === "wait") wait(one.ms);
        if (one.kind === "end" && one.at === "between") succeed();
        if (one.kind === "end" && one.at !== "between") endAt = one.at;
        if (one.kind === "restart") {
          publisher.leave(one.worker);
          workers[one.worker]!.reader.leave();
          workers[one.worker] = new FakeWorker(shared, one.worker).join(publisher);
        }
        // What a worker has taken it can read until it takes another.
        for (const { reader } of workers)
          if (reader.table.version > 0) expect(reader.content).toBe(contents.get(reader.table.version));
      }
      wait(coalesceMs);
      wait(coalesceMs);
      for (const one of workers) one.turn(publisher);
      publisher.stop();
      for (const { reader } of workers) expect(reader.content).toBe(state.content);
    }),
    { numRuns: 300 },
  );
});
