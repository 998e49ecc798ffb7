import { describe, expect, onTestFinished, test, vi } from "vitest";
import { eventually } from "../../turns.ts";
import type { Mapping } from "../../../routing/model/mapping.ts";
import type { Problem, ProblemCode } from "../../../routing/text/problem.ts";
import type { HealthCheck, Upstream, UpstreamEndpoints } from "../../../routing/model/upstream.ts";
import type { SourceChange } from "../../../k8s/source/objects/source.ts";
import type { ObjectEdits } from "../../../k8s/translate/model/edit.ts";
import type { Translation, TranslationChange } from "../../../k8s/translate/model/translation.ts";
import { Readiness } from "../../../gateway/control/status/readiness.ts";
import { Slices } from "../../../gateway/shared/slices.ts";
import { Reconciler, type ReconcilerOutside } from "../../../gateway/control/reconcile.ts";
import type { Translating } from "../../../gateway/control/translating.ts";
import type { Handover } from "../../../gateway/shared/messages.ts";
import { SharedTable, tableMemory } from "../../../gateway/shared/memory/shared-table.ts";
import { endpointsOf, mappingOf, upstreamOf } from "../fixtures.ts";
import { TableReader } from "./table-reader.ts";
import { plainSettings } from "../../../routing/model/table-change.ts";

const noChange: SourceChange = { set: [], removed: [], problems: [], readAtMs: 0 };
const nothingKept: Handover = { ready: false, addresses: [] };

/** Answers each change of the Source with the next of the changes it was given. */
class ScriptedTranslator implements Translating {
  readonly mappings = new Map<string, Mapping>();
  readonly upstreams = new Map<string, Upstream>();
  readonly endpoints = new Map<string, UpstreamEndpoints>();
  readonly problems: Problem[] = [];
  next: Partial<TranslationChange> = {};

  apply(): TranslationChange {
    const change: TranslationChange = {
      mappings: [],
      removedMappings: [],
      upstreams: [],
      removedUpstreams: [],
      endpoints: [],
      flipped: [],
      ...this.next,
    };
    for (const mapping of change.mappings) this.mappings.set(mapping.id, mapping);
    for (const id of change.removedMappings) this.mappings.delete(id);
    for (const upstream of change.upstreams) this.upstreams.set(upstream.key, upstream);
    for (const key of change.removedUpstreams) this.upstreams.delete(key);
    for (const endpoints of change.endpoints) this.endpoints.set(endpoints.key, endpoints);
    return change;
  }

  setReleases(): TranslationChange {
    return this.apply();
  }

  drainEdits(): ObjectEdits {
    return { edits: [], more: new Map() };
  }

  drainFaults(): readonly string[] {
    return [];
  }

  drainOAuth(): { set: []; removed: [] } {
    return { set: [], removed: [] };
  }

  *gatherProblems(): Generator<void, readonly Problem[]> {
    const gathered: Problem[] = [];
    for (const problem of this.problems) {
      gathered.push(problem);
      yield;
    }
    return gathered;
  }

  current(): Translation {
    const { mappings, upstreams, endpoints, problems } = this;
    const breakers = new Map(Array.from(upstreams.values(), (upstream) => [upstream.key, upstream.breakers]));
    return {
      settings: plainSettings,
      mappings,
      upstreams,
      endpoints,
      breakers,
      choiceOf: () => null,
      isScaledToZero: () => false,
      ofAnother: [],
      hosts: [],
      problems,
    };
  }
}

interface Control {
  reconciler: Reconciler;
  translator: ScriptedTranslator;
  memory: SharedArrayBuffer;
  kept: Handover[];
  ready: () => number;
  take: (change: Partial<TranslationChange>) => void;
  /** The worker's table. */
  reader: TableReader;
  /** The worker turns: it takes the newest table, and says so. */
  turn: () => void;
  /** The worker says that a request used the Upstream, whose name is looked up then. */
  use: (upstream: string) => Promise<void>;
}

interface Start {
  readonly handover?: Handover;
  readonly memory?: SharedArrayBuffer;
  readonly workers?: number;
  readonly lookup?: () => Promise<readonly string[]>;
  readonly probe?: ReconcilerOutside["probe"];
}

function start({
  handover = nothingKept,
  memory = tableMemory(1),
  workers = 1,
  lookup = () => Promise.resolve(["10.0.0.1"]),
  probe = () => Promise.resolve(true),
}: Start = {}): Control {
  const translator = new ScriptedTranslator();
  const keptChanges: Handover[] = [];
  let ready = 0;
  const shared = new SharedTable(memory);
  const reconciler = new Reconciler(translator, shared, handover, new Readiness(workers, handover.ready), {
    isOneNamespace: false,
    blocks: [],
    lookup,
    probe,
    refuse: () => null,
    nowMs: () => 0,
    keep: (change) => keptChanges.push(change),
    ready: () => (ready += 1),
    changes: { read: () => {}, made: () => {}, settled: () => {}, held: () => {} },
    live: () => {},
    faulted: () => {},
    oauthClients: () => {},
  });
  const reader = new TableReader(memory, 0);
  reconciler.join(0, () => {});
  return {
    reconciler,
    translator,
    memory,
    kept: keptChanges,
    ready: () => ready,
    take(change) {
      translator.next = change;
      reconciler.take(noChange);
    },
    reader,
    turn() {
      const version = reader.take();
      if (version > 0) reconciler.from(0, { kind: "taken", version, atMs: 0 });
    },
    use(upstream) {
      reconciler.from(0, { kind: "used", upstreams: [upstream] });
      return new Promise((resolve) => {
        setImmediate(resolve);
      });
    },
  };
}

const iris = mappingOf("iris", "u");
const whole: Partial<TranslationChange> = {
  mappings: [iris],
  upstreams: [upstreamOf("u")],
  endpoints: [endpointsOf("u", [1])],
  flipped: ["u"],
};

function isReady(memory: SharedArrayBuffer): boolean {
  return new SharedTable(memory).ready;
}

describe("reconciler", () => {
  test("the first table has a slot for each Mapping, and makes the gateway ready once it is taken", () => {
    const { reconciler, memory, take, kept, ready, reader, turn } = start();
    take(whole);
    expect(reader.take()).toBe(0);
    reconciler.open();
    expect([...reconciler.counted.usedSlots]).toMatchObject([{ slot: 0, series: { deployment: "iris" } }]);
    expect([reconciler.ready, ready(), isReady(memory)]).toEqual([false, 0, false]);
    turn();
    expect([reader.table.version, reader.table.routeCount, reader.table.upstream("u")?.breakerSlot]).toEqual([1, 1, 0]);
    expect([reconciler.ready, ready(), isReady(memory)]).toEqual([true, 1, true]);
    expect(kept).toEqual([{ ready: true, addresses: [] }]);
    expect([reconciler.table.routeCount, reconciler.served]).toEqual([
      1,
      { version: 1, hash: reader.table.hash, routeCount: 1 },
    ]);
    reconciler.drain();
    expect([reconciler.ready, isReady(memory)]).toEqual([false, false]);
    reconciler.stop();
  });

  test("is ready only when every worker has taken a table, then while one does", () => {
    const { reconciler, take, ready, turn } = start({ workers: 2 });
    take(whole);
    reconciler.open();
    turn();
    expect([reconciler.ready, ready()]).toEqual([false, 0]);
    reconciler.join(1, () => {});
    reconciler.from(1, { kind: "taken", version: 1, atMs: 0 });
    expect([reconciler.ready, ready()]).toEqual([true, 1]);
    reconciler.leave(0);
    expect(reconciler.ready).toBe(true);
    reconciler.leave(1);
    expect(reconciler.ready).toBe(false);
    reconciler.stop();
  });

  test("Endpoints alone rebuild no Route", () => {
    const { reconciler, take, reader, turn } = start();
    take(whole);
    reconciler.open();
    turn();
    const serials = (): readonly number[] => reader.table.routesInOrder().map(({ serial }) => serial);
    const before = serials();
    take({ endpoints: [endpointsOf("u", [1, 2])] });
    turn();
    expect(serials()).toEqual(before);
    expect(reader.table.upstream("u")?.endpoints).toEqual(endpointsOf("u", [1, 2]));
    expect(reconciler.counted.endpointsOf(iris.series)).toEqual([
      { address: "127.0.0.1:1", state: "ready", slots: [0] },
      { address: "127.0.0.1:2", state: "ready", slots: [1] },
    ]);
    reconciler.stop();
  });

  test("Endpoints of a predictor follow its Mappings, in both protocols, and are unknown without an Upstream", () => {
    const { reconciler, take } = start();
    const grpc: Mapping = {
      ...mappingOf("iris", "g"),
      id: "iris/grpc",
      series: { ...iris.series, protocol: "grpc" },
    };
    const seen = (): readonly string[] =>
      [...reconciler.counted.predictorEndpoints].map(
        ({ predictor: { deployment }, endpoints }) =>
          `${deployment} ${endpoints.map(({ address, state }) => `${address} ${state}`).join()}`,
      );
    take(whole);
    reconciler.open();
    expect(seen()).toEqual(["iris 127.0.0.1:1 ready"]);
    take({ mappings: [grpc], upstreams: [upstreamOf("g")], endpoints: [endpointsOf("g", [2])], flipped: ["g"] });
    expect(seen()).toEqual(["iris 127.0.0.1:1 ready,127.0.0.1:2 ready"]);
    take({ endpoints: [endpointsOf("u", [])], flipped: ["u"] });
    expect(seen()).toEqual(["iris 127.0.0.1:2 ready"]);
    // The same Mapping reaches another Upstream: the one before is forgotten.
    take({
      mappings: [{ ...grpc, target: mappingOf("iris", "h").target }],
      upstreams: [upstreamOf("h")],
      removedUpstreams: ["g"],
      endpoints: [{ key: "h", ready: true, endpoints: [{ ip: "::1", port: 3, state: "terminating" }] }],
      flipped: ["h"],
    });
    expect(seen()).toEqual(["iris [::1]:3 terminating"]);
    take({ endpoints: [endpointsOf("h", [])], flipped: ["h"] });
    expect(seen()).toEqual(["iris "]);
    take({ removedMappings: [grpc.id, iris.id], removedUpstreams: ["h", "u"] });
    expect([seen(), reconciler.counted.endpointsOf(iris.series)]).toEqual([[], null]);
    reconciler.stop();
  });

  test("Endpoints of a name are unknown until it is looked up", async () => {
    const { reconciler, take, use, turn, reader } = start();
    take({ mappings: [iris], upstreams: [upstreamOf("u", "model.example")] });
    reconciler.open();
    expect([[...reconciler.counted.predictorEndpoints], reconciler.counted.endpointsOf(iris.series)]).toEqual([
      [],
      null,
    ]);
    await use("u");
    turn();
    expect(reconciler.counted.endpointsOf(iris.series)).toEqual([
      { address: "10.0.0.1:8000", state: "ready", slots: [0] },
    ]);
    // It counts as those of Services do.
    expect(reader.table.upstream("u")?.endpointSlots).toEqual([0]);
    reconciler.stop();
  });

  test("Endpoints that come alone are checked, where their Upstream is", async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const probed = new Set<number>();
    const { reconciler, take } = start({
      probe: (_upstream, _check, { port }) => {
        probed.add(port);
        return Promise.resolve(true);
      },
    });
    const healthCheck: HealthCheck = {
      intervalMs: 1000,
      timeoutMs: 100,
      unhealthyThreshold: 1,
      healthyThreshold: 1,
      probe: { kind: "grpc", authority: "u", service: "" },
    };
    take({ ...whole, upstreams: [{ ...upstreamOf("u"), healthCheck }] });
    reconciler.open();
    await vi.advanceTimersByTimeAsync(1500);
    expect([...probed]).toEqual([1]);
    take({ endpoints: [endpointsOf("u", [1, 2])] });
    await vi.advanceTimersByTimeAsync(1500);
    expect([...probed]).toEqual([1, 2]);
    reconciler.stop();
  });

  test("a change that a successor need not know of is not told to the supervisor", async () => {
    const { reconciler, take, kept, turn, use } = start();
    const dns = {
      upstreams: [upstreamOf("u", "model.prod")],
      endpoints: [{ key: "u", ready: true, endpoints: [] }],
      flipped: ["u"],
    };
    take({ mappings: [iris], ...dns });
    reconciler.open();
    turn();
    await use("u");
    turn();
    const told = kept.length;
    const { version } = reconciler.served;
    take({ mappings: [{ ...iris, member: "a" }] });
    await eventually(() => reconciler.served.version > version, "the change is served");
    expect(kept.length).toBe(told);
    const other = {
      ...iris,
      id: "SeldonDeployment prod/other main/http",
      series: { ...iris.series, deployment: "other" },
    };
    take({ mappings: [other] });
    await eventually(() => reconciler.served.version > version + 1, "the change is served");
    expect(kept.length).toBe(told);
    take({ removedUpstreams: ["u"] });
    await eventually(() => kept.length > told, "what a successor must know");
    expect(kept.at(-1)).toMatchObject({ ready: true, addresses: [] });
    reconciler.stop();
  });

  test("names that requests used are resolved, and their addresses are in the table", async () => {
    const { reconciler, take, kept, reader, turn, use } = start();
    take({
      mappings: [iris],
      upstreams: [upstreamOf("u", "model.prod")],
      endpoints: [{ key: "u", ready: true, endpoints: [] }],
      flipped: ["u"],
    });
    reconciler.open();
    turn();
    await use("u");
    turn();
    const resolved = { key: "u", ready: true, endpoints: [{ ip: "10.0.0.1", port: 8000, state: "ready" }] };
    expect(reader.table.upstream("u")?.endpoints).toEqual(resolved);
    expect(kept.at(-1)!.addresses).toEqual([resolved]);
    // What the Source says of it again does not undo that.
    take({ endpoints: [{ key: "u", ready: true, endpoints: [] }] });
    turn();
    expect(reader.table.upstream("u")?.endpoints).toEqual(resolved);
    reconciler.stop();
  });

  test("a successor goes on: table, slots, addresses, readiness; where nothing differs it publishes nothing", () => {
    const rose = { ...mappingOf("rose", "v"), series: { ...iris.series, deployment: "rose" } };
    const all = (mappings: readonly Mapping[]): Partial<TranslationChange> => ({
      mappings,
      upstreams: mappings.map((mapping) => (mapping === iris ? upstreamOf("u", "model.prod") : upstreamOf("v"))),
      endpoints: [
        { key: "u", ready: true, endpoints: [] },
        { key: "v", ready: true, endpoints: [] },
      ],
      flipped: ["u", "v"],
    });
    const address = { key: "u", ready: true, endpoints: [{ ip: "10.0.0.9", port: 8000, state: "ready" as const }] };
    const handover: Handover = { ready: true, addresses: [address] };
    const slotsOf = ({ reconciler }: Control): readonly unknown[] =>
      [...reconciler.counted.usedSlots].map(({ slot, series }) => [slot, series.deployment]);
    const first = start({ handover });
    first.take(all([iris, rose]));
    first.reconciler.open();
    first.turn();
    expect(first.reader.table.upstream("u")).toMatchObject({ endpoints: address, breakerSlot: 0 });
    expect(slotsOf(first)).toEqual([
      [0, "iris"],
      [1, "rose"],
    ]);
    first.reconciler.stop();

    const { memory } = first;
    const { root } = new SharedTable(memory);
    // What it reads comes in another order: the table alone says whose each slot is.
    const second = start({ handover, memory });
    expect(slotsOf(second)).toEqual(slotsOf(first));
    second.take(all([rose, iris]));
    expect(second.reconciler.served.version).toBe(1);
    second.reconciler.open();
    second.turn();
    expect([new SharedTable(memory).root, second.ready(), second.reconciler.ready]).toEqual([root, 0, true]);
    second.reconciler.stop();
  });

  test("Problems of the source, the translation and the table come together, sorted", () => {
    const { reconciler, translator, take, turn } = start();
    const problemOf = (name: string): Problem => ({
      code: "bad-value",
      level: "error",
      subject: { kind: "File", namespace: "", name },
      field: "",
      sentence: ".",
    });
    translator.problems.push(problemOf("b"));
    take({
      ...whole,
      mappings: [
        iris,
        { ...iris, id: "iris-too/http", match: { ...iris.match, path: { kind: "regex", pattern: "(" } } },
      ],
    });
    reconciler.open();
    turn();
    translator.next = {};
    reconciler.take({ ...noChange, problems: [problemOf("a")] });
    const shown = (): string[] => reconciler.problems.map(({ code, subject }) => `${code} ${subject.name}`);
    expect(shown()).toEqual(["bad-value a", "bad-value b", "bad-value iris"]);
    take({ removedMappings: ["iris-too/http"] });
    expect(shown()).toEqual(["bad-value b"]);
    reconciler.stop();
  });

  test("Problems are gathered in slices, with changes in between, and not again before something changed", async () => {
    const { reconciler, translator, take } = start();
    const problemOf = (code: ProblemCode): Problem => ({
      code,
      level: "error",
      subject: { kind: "File", namespace: "", name: "f" },
      field: "",
      sentence: ".",
    });
    translator.problems.push(problemOf("bad-name"), problemOf("bad-json"));
    // Each look at the clock is a millisecond later.
    let nowMs = 0;
    let rests = 0;
    const rest = async (): Promise<void> => {
      rests += 1;
      if (rests > 1) return;
      translator.problems.push(problemOf("bad-yaml"));
      take({});
    };
    const slices = new Slices(() => nowMs++, rest);
    const codes = async (): Promise<string[]> => (await reconciler.gatherProblems(slices)).map(({ code }) => code);
    expect(await codes()).toEqual(["bad-name", "bad-json", "bad-yaml"]);
    expect(rests).toBe(3);
    // What a change came into is not kept.
    expect(await codes()).toEqual(["bad-name", "bad-json", "bad-yaml"]);
    expect(rests).toBe(6);
    expect(reconciler.problems.map(({ code }) => code)).toEqual(["bad-json", "bad-name", "bad-yaml"]);
    const gathered = await reconciler.gatherProblems(slices);
    expect(await reconciler.gatherProblems(slices)).toBe(gathered);
    translator.problems.length = 0;
    take({});
    expect(await codes()).toEqual([]);
    reconciler.stop();
  });

  test("that a table does not fit is a Problem also where somebody asked before it was tried", async () => {
    const { reconciler, take, memory } = start();
    take(whole);
    reconciler.open();
    take({ mappings: [{ ...iris, member: "a" }] });
    take({ mappings: [{ ...iris, member: "x".repeat(2 ** 20) }] });
    const codes = (): string[] => reconciler.problems.map(({ code }) => code);
    expect(codes()).toEqual([]);
    const { root } = new SharedTable(memory);
    const changed = async (holds: () => boolean): Promise<void> => {
      while (!holds()) {
        await new Promise((resolve) => {
          setTimeout(resolve, 5);
        });
      }
    };
    await changed(() => codes().includes("table-full"));
    expect(new SharedTable(memory).root).toBe(root);
    // As it was: nothing is left to publish, and the Problem is gone.
    take({ mappings: [{ ...iris, member: "a" }] });
    expect(codes().length).toBeLessThanOrEqual(1);
    await changed(() => codes().length === 0);
    reconciler.stop();
  });
});
