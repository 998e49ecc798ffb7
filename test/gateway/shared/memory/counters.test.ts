import { describe, expect, it } from "vitest";
import { CounterBlock, blockBytes, slotCell } from "../../../../gateway/shared/memory/counters.ts";
import { lineCells } from "../../../../gateway/shared/metrics/cells.ts";
import { slotCells, slotLayout } from "../../../../gateway/shared/metrics/slots.ts";
import { statusColumns } from "../../../../gateway/shared/metrics/status-columns.ts";

/** Cells of the block that the calls changed. */
function changed(calls: (counters: CounterBlock) => void): readonly number[] {
  const counters = new CounterBlock(new SharedArrayBuffer(blockBytes()));
  const slots = counters.cells.subarray(slotCell(0, 0), slotCell(8, 0));
  calls(counters);
  return [...slots.keys()].filter((cell) => slots[cell] !== 0);
}

function columnCountedFor(code: number): string | undefined {
  const cells = changed((counters) => counters.finish(0, code, 0));
  return statusColumns[cells.find((cell) => cell - slotLayout.status < statusColumns.length)! - slotLayout.status];
}

describe("counters", () => {
  it.each([0, 1, 7])("a 200 within 25 ms counts in one cache line of slot %i", (slot) => {
    const cells = changed((counters) => {
      counters.enter(slot);
      for (const seconds of [0.001, 0.0025, 0.005, 0.01, 0.025]) counters.finish(slot, 200, seconds);
    });
    expect(cells).toHaveLength(lineCells);
    expect(new Set(cells.map((cell) => Math.floor((slotCell(0, 0) + cell) / lineCells))).size).toBe(1);
  });

  it("slots begin with a cache line and have cells of their own", () => {
    expect(slotCell(0, 0) % lineCells).toBe(0);
    expect(slotCells % lineCells).toBe(0);
    expect(slotLayout.shadow).toBeLessThan(slotCells);
  });

  it.each([
    [200, "200"],
    [299, "2xx"],
    [418, "4xx"],
    [101, "101"],
    [100, "0"],
    [0, "0"],
    [999, "0"],
  ])("%i counts as %s", (code, column) => {
    expect(columnCountedFor(code)).toBe(column);
  });
});
