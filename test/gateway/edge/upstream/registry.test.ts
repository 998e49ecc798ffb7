// Pools follow the table of their worker, whatever tables it skips and whatever memory they come in.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { TableWriter } from "../../../../routing/write/table-writer.ts";
import { plainSettings, type TableChange } from "../../../../routing/model/table-change.ts";
import type { Upstream } from "../../../../routing/model/upstream.ts";
import { systemClock } from "../../../../gateway/shared/clock.ts";
import { CounterBlock, blockBytes, heavyUseBytes } from "../../../../gateway/shared/memory/counters.ts";
import { CurrentTable } from "../../../../gateway/edge/exchange/current-table.ts";
import { WorkerContext } from "../../../../gateway/edge/io/worker-context.ts";
import {
  LazyMapping as Lazy,
  type Compiler,
  type LazyMapping,
} from "../../../../gateway/edge/policy/compiled-mapping.ts";
import { UpstreamContext } from "../../../../gateway/edge/upstream/upstream-context.ts";
import { UpstreamRegistry } from "../../../../gateway/edge/upstream/registry.ts";
import { defaultLimits } from "../../../../gateway/options/limits.ts";
import type { Settings } from "../../../../gateway/options/settings.ts";
import { SharedTable, tableMemory } from "../../../../gateway/shared/memory/shared-table.ts";
import { endpointsOf, mappingOf, upstreamOf } from "../../fixtures.ts";

/** Who writes tables into one memory. */
class Control {
  readonly shared: SharedTable;
  readonly #writer: TableWriter;

  constructor(memory: SharedArrayBuffer) {
    this.shared = new SharedTable(memory);
    this.#writer = new TableWriter(this.shared.arena, this.shared.root);
  }

  publish(change: Partial<TableChange>): void {
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
    this.shared.publish(this.#writer.write({ ...none, ...change }, this.shared.oldestRead).root);
  }
}

let memory: SharedArrayBuffer;
let control: Control;
let worker: WorkerContext;
let current: CurrentTable;
let pools: UpstreamRegistry;

beforeEach(() => {
  memory = tableMemory(1);
  control = new Control(memory);
  const settings = { limits: defaultLimits, trustedHops: 0, accessLog: "off" } as unknown as Settings;
  worker = new WorkerContext({
    settings,
    clock: systemClock,
    counters: new CounterBlock(new SharedArrayBuffer(blockBytes())),
    others: [],
    heavyUse: new Int32Array(heavyUseBytes() / 4),
    log: () => undefined,
    faulted: () => undefined,
  });
  current = new CurrentTable(memory, 0, {
    attach: (mapping, slot): LazyMapping => new Lazy(mapping, slot, {} as Compiler),
    taken: (upstreams) => pools.changed(upstreams),
  });
  pools = new UpstreamRegistry(new UpstreamContext(worker, () => undefined), current);
});
afterEach(() => {
  pools.close();
  worker.wheel.close();
});

/** An Upstream that can be told from others of its key. */
function described(
  key: string,
  connectTimeoutMs: number,
): { readonly upstream: Upstream; readonly breakerSlot: number } {
  return { upstream: { ...upstreamOf(key), connectTimeoutMs }, breakerSlot: -1 };
}

function timeoutOf(key: string): number | undefined {
  return pools.liveOf(key).upstream?.connectTimeoutMs;
}

function portsOf(key: string): readonly number[] {
  return pools.liveOf(key).addresses.map(({ port }) => port);
}

describe("pools of Upstreams", () => {
  test("follow the description, the Endpoints and the failures of theirs, live and of copies", () => {
    control.publish({
      upstreams: [described("u", 1), described("v", 1)],
      endpoints: [endpointsOf("u", [1]), endpointsOf("v", [9])],
    });
    current.woken();
    const [live, shadow, other] = [pools.liveOf("u"), pools.shadowOf("u"), pools.liveOf("v")];
    control.publish({ upstreams: [described("u", 2)], endpoints: [endpointsOf("u", [1, 2])] });
    expect(timeoutOf("u")).toBe(1);
    current.woken();
    for (const pool of [live, shadow])
      expect([pool.upstream?.connectTimeoutMs, pool.addresses.map(({ port }) => port)]).toEqual([2, [1, 2]]);
    expect([pools.liveOf("u"), pools.shadowOf("u")]).toEqual([live, shadow]);
    expect(other.addresses.map(({ port }) => port)).toEqual([9]);
  });

  test("of a key that nobody knows yet have no Endpoints, until it is known", () => {
    control.publish({ mappings: [{ mapping: mappingOf("iris", "u"), slot: 0 }] });
    current.woken();
    const pool = pools.liveOf("u");
    expect([pool.upstream, pool.addresses]).toEqual([null, []]);
    control.publish({ upstreams: [described("u", 5)], endpoints: [endpointsOf("u", [4])] });
    current.woken();
    expect([pools.liveOf("u"), timeoutOf("u"), portsOf("u")]).toEqual([pool, 5, [4]]);
  });

  test("that are gone are others when they come back, seen or not", () => {
    control.publish({ upstreams: [described("u", 1)], endpoints: [endpointsOf("u", [1])] });
    current.woken();
    const pool = pools.liveOf("u");
    control.publish({ removedUpstreams: ["u"] });
    current.woken();
    expect(pool.addresses).toEqual([]);
    control.publish({ upstreams: [described("u", 2)], endpoints: [endpointsOf("u", [2])] });
    current.woken();
    expect([timeoutOf("u"), portsOf("u")]).toEqual([2, [2]]);
    // The worker sleeps over the next two tables.
    const second = pools.liveOf("u");
    control.publish({ removedUpstreams: ["u"] });
    control.publish({ upstreams: [described("u", 3)], endpoints: [endpointsOf("u", [3])] });
    current.woken();
    expect([pools.liveOf("u"), timeoutOf("u"), portsOf("u")]).toEqual([second, 3, [3]]);
  });

  test("follow theirs also where records take over the numbers of others", () => {
    const keys = ["u", "v", "w", "x"];
    control.publish({
      upstreams: keys.map((key) => described(key, 1)),
      endpoints: keys.map((key) => endpointsOf(key, [1])),
    });
    current.woken();
    for (const key of keys) timeoutOf(key);
    // All orders in which they can come back.
    for (let round = 2; round < 26; round++) {
      const order = keys.toSorted(
        (a, b) => ((a.charCodeAt(0) * round * 7) % 11) - ((b.charCodeAt(0) * round * 7) % 11),
      );
      for (const key of order) control.publish({ removedUpstreams: [key] });
      for (const key of keys)
        control.publish({ upstreams: [described(key, round)], endpoints: [endpointsOf(key, [round])] });
      current.woken();
      expect(keys.map((key) => [timeoutOf(key), ...portsOf(key)])).toEqual(keys.map(() => [round, round]));
      control.publish({ upstreams: keys.map((key) => described(key, round + 100)) });
      current.woken();
      expect(keys.map(timeoutOf)).toEqual(keys.map(() => round + 100));
    }
  });

  test("no table is taken on the way: a request reads one from its beginning to its end", () => {
    control.publish({ upstreams: [described("u", 1)] });
    expect(current.now.version).toBe(1);
    control.publish({ upstreams: [described("u", 2)] });
    expect([timeoutOf("u"), current.taken.version]).toEqual([1, 1]);
    expect([current.now.version, timeoutOf("u")]).toEqual([2, 2]);
  });
});
