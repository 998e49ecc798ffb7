import { describe, expect, test } from "vitest";
import {
  CounterBlock,
  blockBytes,
  breakerCell,
  failureCell,
  feedbackCell,
  grpcColumn,
  heavyUseBytes,
  heavyUseCell,
  httpColumn,
  slotCell,
  usedSlots,
  withoutSeries,
} from "../../gateway/shared/memory/counters.ts";
import { metrics } from "../../gateway/shared/metrics/all.ts";
import { lineCells } from "../../gateway/shared/metrics/cells.ts";
import { fixed, fixedCells, fixedRows } from "../../gateway/shared/metrics/fixed.ts";
import { feedbackWays, rewardBounds } from "../../gateway/shared/metrics/series.ts";
import {
  failureLayout,
  feedbackCells,
  feedbackLayout,
  feedbackRows,
  slotCells,
  slotLayout,
  slotRows,
} from "../../gateway/shared/metrics/slots.ts";
import { statusColumns } from "../../gateway/shared/metrics/status-columns.ts";
import { mergeFixed, mergeSeries } from "../../gateway/supervisor/merge.ts";

const heavyUse = new Int32Array(heavyUseBytes() / 4);

function fold(base: CounterBlock, dead: SharedArrayBuffer): void {
  mergeFixed(base.cells, dead, { heavyUse, workers: 4 });
  mergeSeries(base.cells, dead);
}

describe("fold", () => {
  test("totals go to the base, what the dead worker held is gone", () => {
    const base = new CounterBlock(new SharedArrayBuffer(blockBytes()));
    const block = new SharedArrayBuffer(blockBytes());
    const dead = new CounterBlock(block);
    base.finish(3, 200, 1);
    dead.willCount(3);
    dead.willUse(2);
    dead.enter(3);
    dead.enter(3);
    dead.leave(3);
    dead.finish(3, 200, 2);
    dead.finish(-1, 404, 0);
    dead.failure("UF");
    dead.add(fixed.clientConnectionsHttp1, 7);
    for (let cell = breakerCell(2, 0); cell < breakerCell(3, 0); cell++) dead.add(cell, 500);
    // All that it had too much of, and one thing of another worker.
    for (const priority of [0, 1]) heavyUse[heavyUseCell(2, priority)] = 5;
    fold(base, block);
    expect([0, 1].map((priority) => heavyUse[heavyUseCell(2, priority)])).toEqual([1, 1]);
    expect(base.cells[slotCell(3, slotLayout.status + statusColumns.indexOf("200"))]).toBe(2);
    expect(base.cells[slotCell(3, slotLayout.sumSeconds)]).toBe(3);
    expect(base.cells[slotCell(3, slotLayout.inFlight)]).toBe(0);
    expect(base.cells[fixed.inFlight]).toBe(0);
    expect(base.cells[fixed.clientConnectionsHttp1]).toBe(0);
    expect(base.cells[fixed.flags.UF]).toBe(1);
    expect(base.cells[fixed.foldGeneration]).toBe(4);
    expect(base.cells.subarray(breakerCell(0, 0), breakerCell(3, 0)).every((value) => value === 0)).toBe(true);
    expect(new Float64Array(block).every((value) => value === 0)).toBe(true);
  });

  test("what is in use goes first, so that a successor may begin; what it does before the second step stays its own", () => {
    const base = new CounterBlock(new SharedArrayBuffer(blockBytes()));
    const block = new SharedArrayBuffer(blockBytes());
    const dead = new CounterBlock(block);
    dead.willCount(70_000);
    dead.finish(70_000, 200, 1);
    dead.enter(-1);
    dead.failure("UF");
    mergeFixed(base.cells, block, { heavyUse, workers: 4 });
    const status = slotCell(70_000, slotLayout.status + statusColumns.indexOf("200"));
    expect([base.cells[fixed.flags.UF], dead.cells[fixed.inFlight], base.cells[status], dead.cells[status]]).toEqual([
      1, 0, 0, 1,
    ]);
    dead.set(fixed.beatMs, 17);
    dead.add(fixed.regexInputTooLong, 1);
    mergeSeries(base.cells, block);
    // Of the slots that a new control worker finds.
    expect([usedSlots(base.cells.buffer).series[70_000], usedSlots(block).series[70_000]]).toEqual([1, 0]);
    expect([
      base.cells[status],
      dead.cells[status],
      dead.cells[fixed.beatMs],
      dead.cells[fixed.regexInputTooLong],
      base.cells[fixed.regexInputTooLong],
    ]).toEqual([1, 0, 17, 1, 0]);
  });

  test("failures, retries and the gateway's own answers of a series outlive their worker, and so does what has no series", () => {
    const base = new CounterBlock(new SharedArrayBuffer(blockBytes()));
    const block = new SharedArrayBuffer(blockBytes());
    const dead = new CounterBlock(block);
    base.failureOf(3, "UF");
    dead.failureOf(3, "UF");
    dead.retry(3);
    dead.answered(3, httpColumn(503), true, 1, 1);
    dead.answered(withoutSeries.grpc, grpcColumn(12), true, 0, 1);
    fold(base, block);
    const cells = [failureLayout.flags.UF, failureLayout.retries, failureLayout.own + httpColumn(503)];
    expect(cells.map((cell) => base.cells[failureCell(3, cell)])).toEqual([2, 1, 1]);
    expect(base.cells[failureCell(withoutSeries.grpc, failureLayout.own + grpcColumn(12))]).toBe(1);
    expect([usedSlots(base.cells.buffer).failures[3], usedSlots(block).failures[3]]).toEqual([1, 0]);
    expect(cells.map((cell) => dead.cells[failureCell(3, cell)])).toEqual([0, 0, 0]);
  });

  test("feedback and rewards outlive their worker, those below zero too, and what is taken back was never there", () => {
    const base = new CounterBlock(new SharedArrayBuffer(blockBytes()));
    const block = new SharedArrayBuffer(blockBytes());
    const dead = new CounterBlock(block);
    base.feedback(3, "puid", 0.5, true, 1);
    dead.feedback(3, "puid", -2, true, 1);
    dead.feedback(3, "no_puid", 3, false, 1);
    dead.feedback(3, "no_puid", 3, false, -1);
    dead.feedback(3, "no_puid", null, false, 1);
    dead.feedback(3, "puid", 1, true, 1);
    dead.feedback(3, "puid", 1, true, -1);
    dead.feedback(-1, "puid", 1, true, 1);
    fold(base, block);
    const at = (cell: number): number => base.cells[feedbackCell(3, cell)]!;
    expect(feedbackWays.map((_, way) => at(feedbackLayout.ways + way))).toEqual([2, 0, 0, 1, 0, 0, 0]);
    expect([at(feedbackLayout.rewardSum), at(feedbackLayout.rewardSquares)]).toEqual([-1.5, 4.25]);
    const { learnt, learntSum, learntSquares } = feedbackLayout;
    expect([at(learnt), at(learntSum), at(learntSquares)]).toEqual([2, -1.5, 4.25]);
    const buckets = [...rewardBounds, Infinity].map((_, bucket) => at(feedbackLayout.rewardBuckets + bucket));
    expect(buckets).toEqual([1, 0, 0, 0, 1, 0, 0, 0, 0, 0]);
    expect([usedSlots(base.cells.buffer).feedback[3], usedSlots(block).feedback[3]]).toEqual([1, 0]);
    expect(new Float64Array(block).every((value) => value === 0)).toBe(true);
  });

  test("a slot that nobody said to use is not looked at: what is in it goes on", () => {
    const base = new CounterBlock(new SharedArrayBuffer(blockBytes()));
    const block = new SharedArrayBuffer(blockBytes());
    const dead = new CounterBlock(block);
    dead.finish(3, 200, 2);
    fold(base, block);
    const status = slotCell(3, slotLayout.status + statusColumns.indexOf("200"));
    expect([base.cells[status], dead.cells[status]]).toEqual([0, 1]);
  });

  test("every cell that a table names ends with its worker, and only the totals of counters are in the base", () => {
    const base = new CounterBlock(new SharedArrayBuffer(blockBytes()));
    const block = new SharedArrayBuffer(blockBytes());
    const dead = new CounterBlock(block);
    for (let cell = 0; cell < fixedCells; cell++) dead.set(cell, 1000 + cell);
    for (let cell = slotCell(3, 0); cell < slotCell(4, 0); cell++) dead.set(cell, 1000 + cell);
    dead.willCount(3);
    fold(base, block);
    for (const { kind, first, count } of fixedRows)
      for (let cell = first; cell < first + count; cell++) {
        const kept = cell === fixed.foldGeneration ? 4 : kind === "counter" ? 1000 + cell : 0;
        expect([cell, base.cells[cell], dead.cells[cell]]).toEqual([cell, kept, 0]);
      }
    for (const { kind, first, count } of slotRows)
      for (let cell = slotCell(3, first); cell < slotCell(3, first + count); cell++)
        expect([cell, base.cells[cell], dead.cells[cell]]).toEqual([cell, kind === "counter" ? 1000 + cell : 0, 0]);
  });

  test("cells that no row names are nobody’s total", () => {
    const base = new CounterBlock(new SharedArrayBuffer(blockBytes()));
    const block = new SharedArrayBuffer(blockBytes());
    const dead = new CounterBlock(block);
    const unnamed = slotCell(1, 0) - 1;
    expect(slotRows.some(({ first, count }) => slotCell(0, first + count) > unnamed)).toBe(false);
    dead.willCount(0);
    dead.set(unnamed, 5);
    fold(base, block);
    expect([base.cells[unnamed], dead.cells[unnamed]]).toEqual([0, 0]);
  });
});

describe("cells", () => {
  test.each([
    ["fixed", fixed, fixedRows, fixedCells],
    ["slot", slotLayout, slotRows, slotCells],
    ["feedback", feedbackLayout, feedbackRows, feedbackCells],
  ] as const)(
    "%s: rows lie one behind another in whole cache lines, and each cell has one name",
    (_, names, rows, length) => {
      let end = 0;
      for (const { first, count } of rows) {
        expect(first).toBe(end);
        end += count;
      }
      expect(length).toBe(Math.ceil(end / lineCells) * lineCells);
      const firsts = Object.values(names).map((one) => (typeof one === "number" ? one : Object.values(one)[0]));
      expect(firsts).toEqual(rows.map(({ first }) => first));
    },
  );

  test("what each request changes is in one cache line of the fixed cells", () => {
    expect(Math.max(fixed.inFlight, fixed.heldBytes)).toBeLessThan(lineCells);
  });

  test("what /metrics shows of a cell is of its kind, under a name of its own", () => {
    expect(metrics.size).toBeGreaterThan(30);
    for (const [name, metric] of metrics)
      expect([name, metric.kind]).toEqual([name, name.endsWith("_total") ? "counter" : metric.kind]);
    for (const { kind, shown, count } of fixedRows)
      if (shown !== null) {
        expect([shown.metric.name, shown.metric.kind]).toEqual([shown.metric.name, kind]);
        expect(shown.labels).toHaveLength(count);
      }
    const samples = fixedRows.flatMap(({ shown }) =>
      shown === null ? [] : shown.labels.map((labels) => JSON.stringify([shown.metric.name, labels])),
    );
    expect(new Set(samples).size).toBe(samples.length);
  });
});
