// The table in memory that real threads share: one writes as fast as it can, the others read.
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import { ArenaFull } from "../../../../routing/arena/blocks.ts";
import type { Mapping } from "../../../../routing/model/mapping.ts";
import { TableWriter } from "../../../../routing/write/table-writer.ts";
import { plainSettings, type TableChange } from "../../../../routing/model/table-change.ts";
import { SharedTable, tableMemory } from "../../../../gateway/shared/memory/shared-table.ts";
import { maxWorkers } from "../../../../gateway/options/limits.ts";
import { endpointsOf, mappingOf, upstreamOf } from "../../fixtures.ts";
import type { TableThreadStart } from "../../table-thread.ts";

const none: TableChange = {
  settings: plainSettings,
  mappings: [],
  removedMappings: [],
  upstreams: [],
  removedUpstreams: [],
  endpoints: [],
  endpointSlots: [],
  failing: [],
};
const names = ["a", "b", "c", "d", "e", "f"];

/** Each Mapping with this time limit. */
function changeTo(ms: number): TableChange {
  const mappings = names.map((name): Mapping => {
    const mapping = mappingOf(name, "u");
    return mapping.target.kind === "forward"
      ? { ...mapping, target: { ...mapping.target, timeout: { ms, setBy: null } } }
      : mapping;
  });
  return { ...none, mappings: mappings.map((mapping) => ({ mapping, slot: -1 })) };
}

/** Writes and publishes the next version; another writer takes over in the middle where it does not fit, as in a control worker. */
class Writer {
  readonly shared: SharedTable;
  version = 0;
  full = 0;
  #writer: TableWriter;

  constructor(shared: SharedTable) {
    this.shared = shared;
    this.#writer = new TableWriter(shared.arena, 0);
    this.publish({ upstreams: [{ upstream: upstreamOf("u"), breakerSlot: -1 }], endpoints: [endpointsOf("u", [1])] });
  }

  publish(more: Partial<TableChange> = {}): void {
    const { shared } = this;
    for (;;) {
      try {
        shared.publish(this.#writer.write({ ...changeTo(this.version + 1), ...more }, shared.oldestRead).root);
        this.version += 1;
        return;
      } catch (error) {
        if (!(error instanceof ArenaFull)) throw error;
        this.full += 1;
        this.takeOver();
      }
    }
  }

  takeOver(): void {
    this.#writer = new TableWriter(this.shared.arena, this.shared.root);
  }
}

/** A reader that stands still, once, after it has looked at the root: others go on meanwhile. */
class Interrupted extends SharedTable {
  #meanwhile: (() => void) | null;

  constructor(memory: SharedArrayBuffer, meanwhile: () => void) {
    super(memory);
    this.#meanwhile = meanwhile;
  }

  override get root(): number {
    const seen = super.root;
    const run = this.#meanwhile;
    this.#meanwhile = null;
    run?.();
    return seen;
  }
}

describe("threads that share a table", () => {
  test(
    "read one version always, whoever is behind or comes and goes, while one writes as fast as it can",
    { timeout: 120_000 },
    async () => {
      const memory = tableMemory(32);
      const shared = new SharedTable(memory);
      const writer = new Writer(shared);
      const kinds = [
        { lagMs: 0, leaves: false },
        { lagMs: 0, leaves: true },
        { lagMs: 60, leaves: false },
      ];
      const marks = new SharedArrayBuffer(4 * (1 + kinds.length));
      const words = new Int32Array(marks);
      const threads = kinds.map(
        (kind, reader) =>
          new Worker(new URL("../../table-thread.ts", import.meta.url), {
            workerData: { memory, reader, names, marks, ...kind } satisfies TableThreadStart,
          }),
      );
      const reports = threads.map(async (thread) => ((await once(thread, "message")) as [readonly string[]])[0]);
      const all = (): boolean => kinds.every((_, reader) => Atomics.load(words, 1 + reader) > 0);
      const endMs = performance.now() + 60_000;
      while (!all() && performance.now() < endMs) {
        await new Promise((resolve) => {
          setTimeout(resolve, 5);
        });
      }
      // Until each has taken many: on a busy machine that lasts longer.
      const enough = (): boolean =>
        writer.version > 2000 && [100, 100, 8].every((least, reader) => Atomics.load(words, 1 + reader) > least);
      while (!enough() && performance.now() < endMs) {
        writer.publish();
        if (writer.version % 499 === 0) writer.takeOver();
      }
      Atomics.store(words, 0, 1);
      expect(await Promise.all(reports)).toEqual([[], [], []]);
      expect(enough()).toBe(true);
      expect(shared.version).toBe(writer.version);
    },
  );

  test("a reader that is behind holds what it reads, and nothing more once it has left", () => {
    const shared = new SharedTable(tableMemory(1));
    const writer = new Writer(shared);
    shared.enter(5);
    expect([shared.readBy(5), shared.oldestRead]).toEqual([1, 1]);
    // What the reader holds is not used again: the memory is full in the end.
    const fill = (): number => {
      const before = writer.version;
      while (writer.full === 0 && writer.version < before + 1000) {
        try {
          shared.publish(
            new TableWriter(shared.arena, shared.root).write(changeTo(writer.version + 1), shared.oldestRead).root,
          );
          writer.version += 1;
        } catch (error) {
          if (!(error instanceof ArenaFull)) throw error;
          return writer.version - before;
        }
      }
      return writer.version - before;
    };
    expect(fill()).toBeLessThan(1000);
    expect(shared.oldestRead).toBe(1);
    shared.left(5);
    expect(shared.oldestRead).toBe(shared.version);
    expect(fill()).toBe(1000);
  });

  test("a reader that meets the unit of a root again, with another table in it, takes that", () => {
    const shared = new SharedTable(tableMemory(1));
    const writer = new Writer(shared);
    const units = new Set<number>();
    // A reader that has looked at the root and was not heard of since: others make the writer go on.
    for (;;) {
      const { root } = shared;
      if (units.has(root)) break;
      units.add(root);
      writer.publish();
    }
    expect(units.size).toBeLessThan(10);
    const { root, version } = shared;
    expect(shared.enter(maxWorkers - 1)).toBe(root);
    expect(shared.readBy(maxWorkers - 1)).toBe(version);
    // Now that it is heard of, no table takes that unit.
    for (let i = 0; i < 20; i++) {
      writer.publish();
      expect(shared.root).not.toBe(root);
    }
  });

  test("a reader that is overtaken while it names its table enters the newest", () => {
    const memory = tableMemory(1);
    const writer = new Writer(new SharedTable(memory));
    for (let tables = 1; tables < 12; tables++) {
      const reader = new Interrupted(memory, () => {
        for (let i = 0; i < tables; i++) writer.publish();
      });
      expect([reader.enter(0), reader.readBy(0)]).toEqual([writer.shared.root, writer.version]);
      writer.shared.left(0);
    }
  });

  test("nobody reads before there is a table", () => {
    const shared = new SharedTable(tableMemory(1));
    expect([shared.root, shared.version, shared.enter(0), shared.readBy(0), shared.oldestRead]).toEqual([
      0, 0, 0, 0, 0,
    ]);
  });
});
