import { expect, test } from "vitest";
import { EndpointSlots, type EndpointKey } from "../../../../gateway/control/slots/endpoint-slots.ts";
import { CounterBlock, blockBytes, endpointCell, usedSlots } from "../../../../gateway/shared/memory/counters.ts";
import { endpointLayout } from "../../../../gateway/shared/metrics/slots.ts";
import { endpointsOf } from "../../fixtures.ts";

const noSlots = { inTable: new Map<number, EndpointKey>(), used: [] };
const at = (upstream: string, port: number): EndpointKey => ({ upstream, address: `127.0.0.1:${port}` });

function slotOf(slots: EndpointSlots, upstream: string, port: number): number {
  return slots.slotsOf(endpointsOf(upstream, [port]))[0]!;
}

function block(): CounterBlock {
  return new CounterBlock(new SharedArrayBuffer(blockBytes()));
}

test("an Endpoint keeps its slot while its Upstream has it, whatever comes beside it; the same address of another Upstream has its own", () => {
  const slots = new EndpointSlots(noSlots, 1, true);
  slots.own(endpointsOf("a", [1, 2]), 1);
  slots.own(endpointsOf("b", [1]), 1);
  slots.own(endpointsOf("a", [3, 2]), 2);
  expect(slots.slotsOf(endpointsOf("a", [1, 2, 3, 4]))).toEqual([0, 1, 3, -1]);
  expect([slots.ofUpstream("a"), slots.ofUpstream("b"), slots.ofUpstream("c")]).toEqual([[3, 1], [2], []]);
  expect(slots.slotsOf(endpointsOf("b", [1]))).toEqual([2]);
  slots.sweep([block().cells], 1);
  expect(slots.slotsOf(endpointsOf("a", [1, 2, 3]))).toEqual([0, 1, 3]);
  slots.sweep([block().cells], 2);
  expect(slots.slotsOf(endpointsOf("a", [1, 2, 3]))).toEqual([-1, 1, 3]);
  slots.disown("b", 3);
  slots.sweep([block().cells], 3);
  expect([...slots.used].map(({ slot, endpoint }) => [slot, endpoint])).toEqual([
    [1, at("a", 2)],
    [3, at("a", 3)],
  ]);
});

test("an Endpoint that comes back before its slot was freed finds what it counted, and one that comes later finds nothing", () => {
  const slots = new EndpointSlots(noSlots, 1, true);
  const worker = block();
  const answers = endpointCell(0, endpointLayout.answers);
  slots.own(endpointsOf("a", [1]), 1);
  worker.answeredAt(worker.willTry(0), false);
  slots.own(endpointsOf("a", []), 2);
  slots.own(endpointsOf("a", [1]), 3);
  slots.sweep([worker.cells], 9);
  expect([slotOf(slots, "a", 1), worker.cells[answers]]).toEqual([0, 1]);
  slots.own(endpointsOf("a", []), 4);
  slots.sweep([worker.cells], 3);
  expect(worker.cells[answers]).toBe(1);
  slots.sweep([worker.cells], 4);
  expect([worker.cells[answers], usedSlots(worker.cells.buffer).endpoints[0]]).toEqual([0, 0]);
  slots.own(endpointsOf("b", [7]), 5);
  expect(slotOf(slots, "b", 7)).toBe(0);
});

test.each([
  [3, 0, [0, 1, 2]],
  [4, 0, [0, 1, 2, 3]],
  [5, 1, [0, 1, 2, 3, -1]],
])("of four slots %d Endpoints want one: %d are without", (count, without, expected) => {
  const slots = new EndpointSlots(noSlots, 1, true, 4);
  const all = endpointsOf(
    "a",
    Array.from({ length: count }, (_, one) => one + 1),
  );
  slots.own(all, 1);
  expect([slots.slotsOf(all), slots.without]).toEqual([expected, without]);
  // What leaves makes room once every worker has let it go.
  slots.own(endpointsOf("a", [9]), 2);
  slots.sweep([block().cells], 2);
  slots.own(endpointsOf("a", [9, 10]), 3);
  expect([slots.slotsOf(endpointsOf("a", [9, 10])).every((slot) => slot >= 0), slots.without]).toEqual([true, 0]);
});

test("one namespace of several has at most half, those that it left lately among them, however its Endpoints churn", () => {
  const slots = new EndpointSlots(noSlots, 1, false, 8);
  slots.name("greedy", "loud");
  slots.name("a", "quiet");
  // A later Mapping of another namespace changes nothing.
  slots.name("greedy", "quiet");
  for (let version = 1; version <= 50; version++) {
    slots.own(endpointsOf("greedy", [version, version + 100]), version);
    // No worker has taken a newer table than the first.
    slots.sweep([block().cells], 1);
  }
  expect([[...slots.used].length, slots.without]).toEqual([4, 2]);
  slots.own(endpointsOf("a", [1, 2, 3, 4]), 51);
  expect(slots.slotsOf(endpointsOf("a", [1, 2, 3, 4]))).toEqual([4, 5, 6, 7]);
  slots.sweep([block().cells], 99);
  slots.own(endpointsOf("greedy", [1, 2, 3, 4, 5]), 99);
  expect(slots.slotsOf(endpointsOf("greedy", [1, 2, 3, 4, 5])).filter((slot) => slot >= 0)).toHaveLength(4);
  expect(slots.without).toBe(1);
  slots.disown("greedy", 100);
  expect(slots.without).toBe(0);
});

test("a successor goes on with the slots in the table; those that nobody names again, or that no table names, are freed", () => {
  const worker = block();
  worker.willTry(1);
  worker.willTry(5);
  const inTable = new Map([
    [0, at("a", 1)],
    [1, at("gone", 1)],
  ]);
  const slots = new EndpointSlots({ inTable, used: [usedSlots(worker.cells.buffer).endpoints] }, 8, false, 12);
  slots.name("a", "prod");
  slots.own(endpointsOf("a", [1, 2]), 8);
  expect(slots.slotsOf(endpointsOf("a", [1, 2]))).toEqual([0, 4]);
  slots.sweep([worker.cells], 8);
  slots.own(endpointsOf("a", [1, 2, 3, 4]), 9);
  expect(slots.slotsOf(endpointsOf("a", [3, 4])).toSorted((one, other) => one - other)).toEqual([1, 5]);
  // All of them count for their namespace, those of the predecessor too.
  slots.own(endpointsOf("a", [1, 2, 3, 4, 5, 6, 7]), 10);
  expect(slots.without).toBe(1);
});
