import { describe, expect, onTestFinished, test, vi } from "vitest";
import { beyondShare, without, type Taken } from "../../../../gateway/control/publish/namespace-shares.ts";
import { Publisher, coalesceMs, type PublisherEvents } from "../../../../gateway/control/publish/publisher.ts";
import { SharedTable, tableMemory } from "../../../../gateway/shared/memory/shared-table.ts";
import type { TranslationChange } from "../../../../k8s/translate/model/translation.ts";
import type { Mapping } from "../../../../routing/model/mapping.ts";
import { mappingBytes } from "../../../../routing/arena/route-record.ts";
import { recordOverhead } from "../../../../routing/write/known.ts";
import { change, is, mapping, match, named, prefix } from "../../../routing/build.ts";
import { TableReader } from "../table-reader.ts";
import { plainSettings } from "../../../../routing/model/table-change.ts";

/** A Mapping of so many KiB. */
function large(namespace: string, name: string, kibibytes: number): Mapping {
  const id = `Mapping ${namespace}/${name}`;
  const headers = [named("x-large", is("v".repeat(kibibytes * 1024)))];
  return mapping(name, match(prefix(`/seldon/${namespace}/${name}/`), { headers }), {
    id,
    namespace,
    space: namespace,
    member: id,
    source: { kind: "Mapping", namespace, name },
  });
}

const noChange: TranslationChange = {
  mappings: [],
  removedMappings: [],
  upstreams: [],
  removedUpstreams: [],
  endpoints: [],
  flipped: [],
};

/** Of so many bytes; Mappings that are there have next to nothing of them. */
const tableWith = (bytes: number, ids: readonly string[] = []): Taken => ({
  bytesOf: () => bytes,
  hasMapping: (id) => ids.includes(id),
  mappingBytes: () => ids.map((id) => [id, 1]),
});

describe("what a namespace takes beyond its share", () => {
  const one = large("a", "one", 12);
  const bytes = mappingBytes(one) + recordOverhead;
  const beyond = (most: number, has = 0, known: readonly string[] = []): readonly string[] =>
    beyondShare(change([one]), most, tableWith(has, known)).map(({ id }) => id);

  test("is what would not fit, at the limit, below and above it", () => {
    expect(beyond(bytes + 1)).toEqual([]);
    expect(beyond(bytes)).toEqual([]);
    expect(beyond(bytes - 1)).toEqual([one.id]);
    expect(beyond(bytes + 10, 10)).toEqual([]);
    expect(beyond(bytes + 9, 10)).toEqual([one.id]);
  });

  test("is all that changes in a Route of which a part does not fit", () => {
    const [main, canary] = ["main", "canary"].map((name) => ({
      ...one,
      id: `Mapping a/${name}`,
      member: `Mapping a/${name}`,
    })) as [Mapping, Mapping];
    const apart = large("a", "apart", 1);
    const of = (most: number): readonly string[] =>
      beyondShare(change([main, canary, apart]), most, tableWith(0)).map(({ id }) => id);
    const all = [main, canary, apart].reduce((sum, given) => sum + mappingBytes(given) + recordOverhead, 0);
    expect(of(all)).toEqual([]);
    expect(of(mappingBytes(main) + mappingBytes(apart) + 2 * recordOverhead)).toEqual([main.id, canary.id]);
  });

  test("is nothing of an everyday Mapping that is there already, and all of a large one", () => {
    const usual = large("a", "usual", 1);
    const of = (given: Mapping): number => beyondShare(change([given]), 100, tableWith(100, [given.id])).length;
    expect([of(usual), of(one)]).toEqual([0, 1]);
  });

  test("is measured once, however often it is tried again", () => {
    let reads = 0;
    const counted: Mapping = Object.defineProperty({ ...one }, "target", {
      enumerable: true,
      get: () => ((reads += 1), one.target),
    });
    const tryAgain = (): number => beyondShare(change([counted]), 100, tableWith(100)).length;
    expect(tryAgain()).toBe(1);
    expect(reads).toBeGreaterThan(0);
    const before = reads;
    expect(tryAgain()).toBe(1);
    expect(reads).toBe(before);
  });

  test("leaves out Upstreams and Endpoints that come for it alone", () => {
    const other = { ...large("a", "two", 1), target: one.target };
    const upstream = (key: string): never => ({ upstream: { key }, breakerSlot: -1 }) as never;
    const whole = change([one], {
      upstreams: [upstream("one"), upstream("x")],
      endpoints: [{ key: "one", ready: true, endpoints: [] }],
    });
    const left = without(whole, [one], () => false);
    expect([left.mappings.length, left.upstreams.map((given) => given.upstream.key), left.endpoints.length]).toEqual([
      0,
      ["x"],
      0,
    ]);
    const shared = without(
      { ...whole, mappings: [...whole.mappings, { mapping: other, slot: -1 }] },
      [one],
      () => false,
    );
    expect([shared.mappings.length, shared.upstreams.length, shared.endpoints.length]).toEqual([1, 2, 1]);
  });
});

function publisherOn(memory: SharedArrayBuffer, reached: PublisherEvents["reached"] = () => undefined): Publisher {
  return new Publisher(
    new SharedTable(memory),
    { slotOf: () => -1, breakerSlotOf: () => -1, endpointSlotsOf: () => [], resolvedOf: () => undefined },
    {
      isOneNamespace: false,
      settings: () => plainSettings,
      everything: () => [],
      failing: () => [],
      written: () => undefined,
      settled: () => undefined,
      live: () => undefined,
      taken: () => undefined,
      reached,
    },
  );
}

test("a namespace that would fill the table keeps nobody from changing: it is told what has no room, and gets it when it makes some", () => {
  const memory = tableMemory(2);
  const publisher = publisherOn(memory);
  const reader = new TableReader(memory, 0);
  const served = (): readonly string[] => {
    reader.take();
    return reader.table.routesInOrder().flatMap(({ mappings }) => mappings.map(({ id }) => id));
  };
  const greedy = Array.from({ length: 100 }, (_, index) => large("greedy", `m${index}`, 20));
  publisher.change({ ...noChange, mappings: greedy }, 0);
  publisher.open();
  const first = served();
  expect(first.length).toBeGreaterThan(10);
  expect(first.length).toBeLessThan(30);
  const [problem] = publisher.problems;
  expect(problem).toMatchObject({
    code: "table-share",
    level: "error",
    subject: { kind: "Namespace", name: "greedy" },
  });
  expect(problem!.sentence).toContain(`${100 - first.length} new or changed`);
  // Everybody else's changes come through.
  publisher.change({ ...noChange, mappings: [large("other", "canary", 1)] }, 0);
  publisher.stop();
  expect(served()).toContain("Mapping other/canary");
  expect(served()).toHaveLength(first.length + 1);
});

test("a change that makes a namespace smaller is served, whatever the namespace takes, and so is what fits into the room that it makes", () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const publisher = publisherOn(tableMemory(1));
  const apply = (mappings: readonly Mapping[], removed: readonly Mapping[] = []): readonly string[] => {
    publisher.change({ ...noChange, mappings, removedMappings: removed.map(({ id }) => id) }, 0);
    publisher.open();
    vi.advanceTimersByTime(coalesceMs);
    return publisher.problems.map(({ code }) => code);
  };
  const tens = Array.from({ length: 22 }, (_, index) => large("a", `m${index}`, 10));
  expect(apply(tens)).toEqual([]);
  const more = ["x", "y"].map((name) => large("a", name, 12));
  expect(apply(more)).toEqual(["table-share"]);
  expect(apply([], more)).toEqual([]);
  // Smaller one by one, also where the namespace has no room for another of its size.
  expect(apply([large("a", "m0", 9), large("a", "m1", 9)])).toEqual([]);
  expect(apply(tens.slice(2).map((_, index) => large("a", `m${index + 2}`, 9)))).toEqual([]);
  // What grows is told before what shrinks and what goes: all of it is one change.
  const grown = (count: number): readonly Mapping[] =>
    Array.from({ length: count }, (_, index) => large("a", `n${index}`, 14));
  const shrunk = Array.from({ length: 6 }, (_, index) => large("a", `m${index}`, 1));
  expect(apply([...grown(9), ...shrunk], tens.slice(6, 12))).toEqual([]);
  expect(apply([...grown(16), large("a", "m12", 1)])).toEqual(["table-share"]);
  publisher.stop();
});

test("what waits for room wakes nobody, and is not tried again for nothing", () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const memory = tableMemory(2);
  let tried = 0;
  const publisher = publisherOn(memory, (point) => (tried += point === "begun" ? 1 : 0));
  const reader = new TableReader(memory, 0);
  let wakes = 0;
  // As a worker does: it says, when it was woken, which table it reads.
  publisher.join(0, () => {
    wakes += 1;
    setTimeout(() => publisher.taken(0, reader.take(), 0), 1);
  });
  publisher.change(
    { ...noChange, mappings: Array.from({ length: 100 }, (_, index) => large("greedy", `m${index}`, 20)) },
    0,
  );
  publisher.open();
  vi.advanceTimersByTime(coalesceMs);
  expect(publisher.problems).toMatchObject([{ code: "table-share" }]);
  const before = [wakes, tried];
  vi.advanceTimersByTime(100 * coalesceMs);
  expect([wakes, tried]).toEqual(before);
  publisher.stop();
});
