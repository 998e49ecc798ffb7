import { expect, test } from "vitest";
import { Slices } from "../../../../gateway/shared/slices.ts";
import type { SeenEndpoint } from "../../../../gateway/api/counted.ts";
import { tickMs } from "../../../../gateway/control/measured/cell-windows.ts";
import { EndpointWindows } from "../../../../gateway/control/measured/endpoint-windows.ts";
import { EndpointSlots } from "../../../../gateway/control/slots/endpoint-slots.ts";
import { CounterBlock, blockBytes, heavyUseBytes } from "../../../../gateway/shared/memory/counters.ts";
import { endpointLayout } from "../../../../gateway/shared/metrics/slots.ts";
import { clearGauges } from "../../../../gateway/supervisor/gauges.ts";
import { withEndpoints } from "../../../../gateway/explain/measured-words.ts";
import { endpointsOf } from "../../fixtures.ts";

const slices = new Slices(
  () => 0,
  async () => undefined,
);
function stage() {
  const [base, worker, other] = [1, 2, 3].map(() => new CounterBlock(new SharedArrayBuffer(blockBytes()))) as [
    CounterBlock,
    CounterBlock,
    CounterBlock,
  ];
  const slots = new EndpointSlots({ inTable: new Map(), used: [] }, 1, true, 4);
  const blocks = [base.cells, worker.cells, other.cells];
  let nowMs = 0;
  const windows = new EndpointWindows(blocks, slots, () => nowMs);
  const seen = (...upstreams: readonly string[]): SeenEndpoint => ({
    address: "127.0.0.1:1",
    state: "ready",
    slots: upstreams.flatMap((one) => slots.slotsOf(endpointsOf(one, [1]))),
  });
  slots.own(endpointsOf("http", [1]), 1);
  slots.own(endpointsOf("grpc", [1]), 1);
  return {
    base,
    worker,
    other,
    blocks,
    slots,
    seen,
    windows,
    pass: async (ms: number): Promise<void> => {
      for (const end = nowMs + ms; nowMs < end;) {
        nowMs += tickMs;
        await windows.look(slices);
      }
    },
    said: (endpoint = seen("http", "grpc")): string => {
      const { lastMinute, lastFiveMinutes } = windows.of(endpoint, (flag) => flag);
      return [lastMinute, lastFiveMinutes]
        .map((one) =>
          one === null
            ? "none"
            : `${one.requests}: ${one.answers} answers, ${one.failed} failed, ${one.modelErrors} errors, ${one.failures.map(({ flag, count }) => `${flag} ${count}`).join(" ")}`,
        )
        .join("; ");
    },
  };
}

const nothing = "0: 0 answers, 0 failed, 0 errors, ";

test("answers and failures of both Upstreams and all workers add up, and leave the minute, then the five minutes", async () => {
  const { worker, other, seen, pass, said } = stage();
  await pass(tickMs);
  const [http, grpc] = [worker.willTry(0), other.willTry(1)];
  for (let count = 0; count < 3; count++) worker.answeredAt(http, false);
  other.answeredAt(grpc, true);
  worker.failedAt(http, "UF");
  worker.failedAt(http, "UF");
  other.failedAt(grpc, "UT");
  // No failure of an Endpoint.
  other.failedAt(grpc, "UO");
  const counted = "7: 4 answers, 4 failed, 1 errors, UF 2  1 UT 1";
  expect(said()).toBe(`${counted}; ${counted}`);
  expect(said(seen("grpc"))).toMatch(/^2: 1 answers, 2 failed, 1 errors,  1 UT 1;/);
  await pass(80_000);
  expect(said()).toBe(`${nothing}; ${counted}`);
  await pass(300_000);
  expect(said()).toBe(`${nothing}; ${nothing}`);
});

test("what an Endpoint counted is not told of the next one that has its slot", async () => {
  const { worker, slots, seen, blocks, pass, said } = stage();
  for (let count = 0; count < 5; count++) worker.answeredAt(worker.willTry(0), false);
  await pass(tickMs);
  slots.disown("http", 2);
  slots.sweep(blocks, 2);
  slots.own(endpointsOf("next", [1]), 2);
  expect(seen("next").slots).toEqual([0]);
  expect(said(seen("next"))).toBe(`${nothing}; ${nothing}`);
  worker.answeredAt(worker.willTry(0), false);
  expect(said(seen("next"))).toMatch(/^1: 1 answers/);
  await pass(tickMs);
  expect(said(seen("next"))).toMatch(/^1: 1 answers/);
});

test("a worker that dies takes nothing with it but what it ejected", async () => {
  const { worker, other, seen, windows, pass, said } = stage();
  await pass(tickMs);
  const first = worker.willTry(0);
  worker.answeredAt(first, false);
  worker.failedAt(first, "UC");
  worker.add(first + endpointLayout.ejected, 1);
  other.add(other.willTry(0) + endpointLayout.ejected, 1);
  const before = said();
  expect([before, windows.ejectedBy(seen("http"))]).toEqual([expect.stringMatching(/^2: 1 answers, 1 failed/), 2]);
  const dead = worker.cells.buffer as SharedArrayBuffer;
  clearGauges(dead, new Int32Array(heavyUseBytes() / 4), 2);
  expect([said(), windows.ejectedBy(seen("http", "grpc")), worker.cells[first]]).toEqual([before, 1, 1]);
});

test("a slot that became another Endpoint's says nothing of the one before", async () => {
  const { worker, slots, seen, blocks, said } = stage();
  worker.answeredAt(worker.willTry(0), false);
  const before = seen("http");
  expect(said(before)).toMatch(/^1: /);
  slots.disown("http", 2);
  slots.sweep(blocks, 2);
  slots.own(endpointsOf("other", [2]), 2);
  worker.answeredAt(worker.willTry(0), false);
  expect([slots.ofUpstream("other"), said(before)]).toEqual([[0], "none; none"]);
});

test("an Endpoint without a slot has no numbers, nor has one that lacks one in either protocol", () => {
  const { slots, seen, said } = stage();
  slots.own(endpointsOf("many", [2, 3, 1]), 2);
  expect(said(seen("many"))).toBe("none; none");
  expect(said(seen("http", "many"))).toBe("none; none");
});

test.each([
  ["refused", [], "refused"],
  ["refused", [["10.0.0.1:9", 3]], "refused, 10.0.0.1:9"],
  ["10.0.0.1:9: refused", [["10.0.0.1:9", 3]], "10.0.0.1:9: refused"],
  [
    "refused, 10.0.0.2:9",
    [
      ["10.0.0.2:9", 1],
      ["10.0.0.1:9", 3],
    ],
    "refused, 10.0.0.2:9 (3 at 10.0.0.1:9, 1 at 10.0.0.2:9)",
  ],
  [
    "refused",
    [1, 2, 3, 4, 5].map((last) => [`10.0.0.${last}:9`, last]),
    "refused (5 at 10.0.0.5:9, 4 at 10.0.0.4:9, 3 at 10.0.0.3:9, and 2 more Endpoints)",
  ],
] as const)("%s at %j: %s", (sentence, endpoints, expected) => {
  expect(
    withEndpoints(
      sentence,
      endpoints.map(([address, count]) => ({ address: String(address), count: Number(count) })),
    ),
  ).toBe(expected);
});
