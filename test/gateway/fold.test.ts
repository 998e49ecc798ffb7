import { describe, expect, test } from "vitest";
import {
  CounterBlock,
  blockBytes,
  breakerCell,
  breakerKind,
  heavyUseBytes,
  heavyUseCell,
  fixed,
  fixedCells,
  fixedTable,
  slotCell,
  slotLayout,
  slotTable,
  statusColumns,
  type CellKind,
  type CountedCells,
} from "../../gateway/shared/counters.ts";
import { foldHeld, foldSeries } from "../../gateway/supervisor/fold.ts";

const heavyUse = new Int32Array(heavyUseBytes() / 4);

function fold(base: CounterBlock, dead: SharedArrayBuffer): void {
  foldHeld(base.cells, dead, { heavyUse, workers: 4 });
  foldSeries(base.cells, dead);
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
    expect(base.cells[fixed.flags + 2]).toBe(1);
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
    foldHeld(base.cells, block, { heavyUse, workers: 4 });
    const status = slotCell(70_000, slotLayout.status + statusColumns.indexOf("200"));
    expect([base.cells[fixed.flags + 2], dead.cells[fixed.inFlight], base.cells[status], dead.cells[status]]).toEqual([
      1, 0, 0, 1,
    ]);
    dead.set(fixed.beatMs, 17);
    dead.add(fixed.retries, 1);
    foldSeries(base.cells, block);
    expect([
      base.cells[status],
      dead.cells[status],
      dead.cells[fixed.beatMs],
      dead.cells[fixed.retries],
      base.cells[fixed.retries],
    ]).toEqual([1, 0, 17, 1, 0]);
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
    const folded = (
      name: string,
      { kind }: CountedCells,
      first: number,
    ): readonly [string, CellKind, number, number] => [name, kind, base.cells[first]!, dead.cells[first]!];
    dead.willCount(3);
    fold(base, block);
    for (const [name, one] of Object.entries(fixedTable)) {
      for (const at of one.cells.keys()) {
        const cell = fixed[name as keyof typeof fixed] + at;
        const kept = cell === fixed.foldGeneration ? 4 : one.kind === "counter" ? 1000 + cell : 0;
        expect(folded(name, one, cell)).toEqual([name, one.kind, kept, 0]);
      }
    }
    for (const [name, one] of Object.entries(slotTable)) {
      for (const at of one.cells.keys()) {
        const cell = slotCell(3, slotLayout[name as keyof typeof slotTable] + at);
        expect(folded(name, one, cell)).toEqual([name, one.kind, one.kind === "counter" ? 1000 + cell : 0, 0]);
      }
    }
    expect(breakerKind).toBe("gauge");
  });

  test("cells that no table names are nobody’s total", () => {
    const base = new CounterBlock(new SharedArrayBuffer(blockBytes()));
    const block = new SharedArrayBuffer(blockBytes());
    const dead = new CounterBlock(block);
    dead.set(fixedCells - 1, 5);
    fold(base, block);
    expect([base.cells[fixedCells - 1], dead.cells[fixedCells - 1]]).toEqual([0, 0]);
  });
});

describe("cells", () => {
  test("each fixed cell belongs to one line of the table, and all fit", () => {
    expect(Object.keys(fixedTable).toSorted()).toEqual(Object.keys(fixed).toSorted());
    const cells = Object.entries(fixedTable).flatMap(([name, one]) =>
      [...one.cells.keys()].map((at) => fixed[name as keyof typeof fixed] + at),
    );
    expect(new Set(cells).size).toBe(cells.length);
    expect(Math.max(...cells)).toBeLessThan(fixedCells);
  });

  test("the parts of a slot lie one behind another, and all fit", () => {
    expect(Object.keys(slotTable)).toEqual(Object.keys(slotLayout).filter((name) => name !== "cells"));
    let end = 0;
    for (const [name, one] of Object.entries(slotTable)) {
      expect([name, slotLayout[name as keyof typeof slotTable]]).toEqual([name, end]);
      end += one.cells.length;
    }
    expect(end).toBeLessThanOrEqual(slotLayout.cells);
  });

  test("what /metrics shows of one family is of one kind, and says one thing", () => {
    const families = Map.groupBy(
      [...Object.values(fixedTable), ...Object.values(slotTable)].filter(({ metric }) => metric !== null),
      ({ metric }) => metric,
    );
    for (const cells of families.values())
      expect(new Set(cells.map(({ kind, help }) => `${kind} ${help}`)).size).toBe(1);
    for (const [name, { kind }] of Object.entries(fixedTable))
      if (kind === "mark") expect([name, fixedTable[name as keyof typeof fixed].metric]).toEqual([name, null]);
  });
});
