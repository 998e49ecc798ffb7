import { expect, test } from "vitest";
import type { CountedSeries } from "../../../../gateway/api/counted.ts";
import { Slices } from "../../../../gateway/shared/slices.ts";
import { measuredOf } from "../../../../gateway/control/measured/measured.ts";
import { tickMs } from "../../../../gateway/control/measured/cell-windows.ts";
import { Windows, type Sums } from "../../../../gateway/control/measured/windows.ts";
import { failedWords, flagSentence, minRequests, mostFail } from "../../../../gateway/explain/measured-words.ts";
import { CounterBlock, blockBytes, httpColumn } from "../../../../gateway/shared/memory/counters.ts";
import { seriesOf } from "../../fixtures.ts";

const slices = new Slices(
  () => 0,
  async () => undefined,
);

/** A control worker's windows over two blocks, in a time of their own. */
function stage() {
  const base = new CounterBlock(new SharedArrayBuffer(blockBytes()));
  const buffer = new SharedArrayBuffer(blockBytes());
  const worker = new CounterBlock(buffer);
  const iris: CountedSeries = { slot: 5, series: seriesOf("iris") };
  const slots = [iris];
  let nowMs = 0;
  const windows = new Windows(
    [base.cells, worker.cells],
    () => slots,
    () => nowMs,
  );
  worker.willCount(iris.slot);
  return {
    base,
    buffer,
    worker,
    iris,
    slots,
    windows,
    /** Looks at each tick until so many ms have passed. */
    pass: async (ms: number): Promise<void> => {
      for (const end = nowMs + ms; nowMs < end;) {
        nowMs += tickMs;
        await windows.look(slices);
      }
    },
    jump: (ms: number) => (nowMs += ms),
    minute: (): Sums => windows.of(slots[0]!).lastMinute,
    five: (): Sums => windows.of(slots[0]!).lastFiveMinutes,
  };
}

const requestsOf = (sums: Sums): number => measuredOf([sums], flagSentence).requests;

test("what was counted is there at once, leaves the minute after it and the five minutes after those", async () => {
  const { worker, minute, five, pass } = stage();
  await pass(tickMs);
  for (let count = 0; count < 30; count++) worker.finish(5, 200, 0.002);
  expect([requestsOf(minute()), requestsOf(five())]).toEqual([30, 30]);
  await pass(60_000);
  expect([requestsOf(minute()), requestsOf(five())]).toEqual([30, 30]);
  await pass(2 * tickMs);
  expect([requestsOf(minute()), requestsOf(five())]).toEqual([0, 30]);
  await pass(300_000);
  expect([requestsOf(minute()), requestsOf(five())]).toEqual([0, 0]);
  worker.finish(5, 200, 0.002);
  expect([requestsOf(minute()), requestsOf(five())]).toEqual([1, 1]);
});

test("at any moment of an hour both windows hold what a list of times holds, a tick or three more", async () => {
  const { worker, minute, five, pass } = stage();
  const at: number[] = [];
  for (let tick = 1; tick <= 360; tick++) {
    await pass(tickMs);
    // Busy and quiet times of several lengths.
    const count = tick % 97 < 40 ? tick % 7 : 0;
    for (let one = 0; one < count; one++) {
      worker.finish(5, 200, 0.001);
      at.push(tick * tickMs);
    }
    const since = (ms: number): number => at.filter((one) => one > tick * tickMs - ms).length;
    const [inMinute, inFive] = [requestsOf(minute()), requestsOf(five())];
    expect(inMinute).toBeGreaterThanOrEqual(since(60_000));
    expect(inMinute).toBeLessThanOrEqual(since(60_000 + tickMs));
    expect(inFive).toBeGreaterThanOrEqual(since(300_000));
    expect(inFive).toBeLessThanOrEqual(since(300_000 + 3 * tickMs));
  }
});

test("what was counted before the first look is in no window; what comes later is, of a slot that was not used before too", async () => {
  const { worker, minute, pass, slots } = stage();
  for (let count = 0; count < 9; count++) worker.finish(5, 200, 0.002);
  await pass(tickMs);
  expect(requestsOf(minute())).toBe(0);
  slots[0] = { slot: 6, series: seriesOf("rose") };
  worker.willCount(6);
  worker.finish(6, 200, 0.002);
  await pass(tickMs);
  expect(requestsOf(minute())).toBe(1);
});

test("a slot that another Series has now tells nothing of the one before", async () => {
  const { worker, minute, pass, slots } = stage();
  await pass(tickMs);
  worker.finish(5, 200, 0.002);
  await pass(tickMs);
  slots[0] = { slot: 5, series: seriesOf("rose") };
  worker.cells.fill(0);
  worker.finish(5, 200, 0.002);
  await pass(tickMs);
  expect(requestsOf(minute())).toBe(1);
});

test("a clock that stood still or jumped ahead makes windows longer, never wrong", async () => {
  const { worker, minute, pass, jump } = stage();
  await pass(tickMs);
  worker.finish(5, 200, 0.002);
  jump(3_600_000);
  expect(requestsOf(minute())).toBe(1);
  await pass(8 * tickMs);
  expect(requestsOf(minute())).toBe(0);
});

test("numbers: failures by kind, whose they are, and latencies by the buckets", () => {
  const { worker, windows, iris } = stage();
  for (let count = 0; count < 98; count++) worker.finish(5, 200, 0.004);
  worker.finish(5, 500, 0.3);
  worker.failureOf(5, "UF");
  worker.failureOf(5, "URX");
  worker.answered(5, httpColumn(503), true, 0.3);
  worker.failureOf(5, "RL");
  worker.answered(5, httpColumn(429), true, 0);
  expect(measuredOf([windows.of(iris).lastMinute], flagSentence)).toMatchObject({
    requests: 101,
    failed: 2,
    modelErrors: 1,
    failures: [
      { flag: "", count: 1, sentence: "the model answered a server error" },
      { flag: "UF", count: 1, sentence: "Sluice could not connect to the Endpoint" },
      { flag: "URX", count: 1 },
      { flag: "RL", count: 1 },
    ],
    meanMs: 9.82,
    p50Ms: 3.76,
    p99Ms: 298,
  });
});

const sumsOf = (requests: number, flags: readonly (readonly ["UF" | "RL", number])[]): Sums => ({
  buckets: [requests, 0, 0, 0, 0, 0, 0, 0, 0, 0],
  totalMs: 0,
  modelErrors: 0,
  flags: new Map(flags),
});

test.each([
  [minRequests - 1, minRequests - 1, 0, false],
  [minRequests, minRequests, 0, true],
  [30, 14, 0, false],
  [30, 15, 0, true],
  // Whoever is refused neither hides a dead model nor makes a good one look dead.
  [1030, 27, 1000, true],
  [1030, 3, 1000, false],
])("of %d requests %d failed and %d were refused: most fail %s", (requests, failed, refused, expected) => {
  const flags = [...(failed > 0 ? [["UF", failed] as const] : []), ...(refused > 0 ? [["RL", refused] as const] : [])];
  expect(mostFail(measuredOf([sumsOf(requests, flags)], flagSentence))).toBe(expected);
});

test("words", () => {
  const words = (requests: number, flags: Parameters<typeof sumsOf>[1]): string =>
    failedWords(measuredOf([sumsOf(requests, flags)], flagSentence));
  expect(words(30, [["UF", 27]])).toBe(
    "27 of 30 failed in the last minute: UF, Sluice could not connect to the Endpoint",
  );
  expect(words(30, [["RL", 27]])).toBe("");
  expect(
    words(60, [
      ["RL", 30],
      ["UF", 2],
    ]),
  ).toBe("2 of 30 failed in the last minute: UF, Sluice could not connect to the Endpoint");
});
