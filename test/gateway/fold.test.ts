import { describe, expect, test } from 'vitest';
import { CounterBlock, blockBytes, breakerCell, breakerKind, fixed, fixedCells, fixedTable, slotCell, slotLayout, slotTable, statusColumns } from '../../gateway/counters.ts';
import type { CellKind, CountedCells } from '../../gateway/counters.ts';
import { foldBlock } from '../../gateway/supervisor-fold.ts';

describe('fold', () => {
  test('totals go to the base, what the dead worker held is gone', () => {
    const base = new CounterBlock(new SharedArrayBuffer(blockBytes()));
    const dead = new CounterBlock(new SharedArrayBuffer(blockBytes()));
    base.finish(3, 200, 1);
    dead.enter(3);
    dead.enter(3);
    dead.leave(3);
    dead.finish(3, 200, 2);
    dead.finish(-1, 404, 0);
    dead.failure('UF');
    dead.add(fixed.clientConnectionsHttp1, 7);
    for (let cell = breakerCell(2, 0); cell < breakerCell(3, 0); cell++) dead.add(cell, 500);
    foldBlock(base.cells, dead.cells, [3], [2]);
    expect(base.cells[slotCell(3, slotLayout.status + statusColumns.indexOf('200'))]).toBe(2);
    expect(base.cells[slotCell(3, slotLayout.sumSeconds)]).toBe(3);
    expect(base.cells[slotCell(3, slotLayout.inFlight)]).toBe(0);
    expect(base.cells[fixed.inFlight]).toBe(0);
    expect(base.cells[fixed.clientConnectionsHttp1]).toBe(0);
    expect(base.cells[fixed.flags + 2]).toBe(1);
    expect(base.cells[fixed.foldGeneration]).toBe(2);
    expect(base.cells.subarray(breakerCell(0, 0), breakerCell(3, 0)).every((value) => value === 0)).toBe(true);
    expect(dead.cells.every((value) => value === 0)).toBe(true);
  });

  test('every cell that a table names ends with its worker, and only the totals of counters are in the base', () => {
    const base = new CounterBlock(new SharedArrayBuffer(blockBytes()));
    const dead = new CounterBlock(new SharedArrayBuffer(blockBytes()));
    for (let cell = 0; cell < fixedCells; cell++) dead.set(cell, 1000 + cell);
    for (let cell = slotCell(3, 0); cell < slotCell(4, 0); cell++) dead.set(cell, 1000 + cell);
    const folded = (name: string, { kind }: CountedCells, first: number): readonly [string, CellKind, number, number] => [name, kind, base.cells[first]!, dead.cells[first]!];
    foldBlock(base.cells, dead.cells, [3], []);
    for (const [name, one] of Object.entries(fixedTable)) {
      for (const at of one.cells.keys()) {
        const cell = fixed[name as keyof typeof fixed] + at;
        const kept = cell === fixed.foldGeneration ? 2 : one.kind === 'counter' ? 1000 + cell : 0;
        expect(folded(name, one, cell)).toEqual([name, one.kind, kept, 0]);
      }
    }
    for (const [name, one] of Object.entries(slotTable)) {
      for (const at of one.cells.keys()) {
        const cell = slotCell(3, slotLayout[name as keyof typeof slotTable] + at);
        expect(folded(name, one, cell)).toEqual([name, one.kind, one.kind === 'counter' ? 1000 + cell : 0, 0]);
      }
    }
    expect(breakerKind).toBe('gauge');
  });

  test('cells that no table names are nobody’s total', () => {
    const base = new CounterBlock(new SharedArrayBuffer(blockBytes()));
    const dead = new CounterBlock(new SharedArrayBuffer(blockBytes()));
    dead.set(fixedCells - 1, 5);
    foldBlock(base.cells, dead.cells, [], []);
    expect([base.cells[fixedCells - 1], dead.cells[fixedCells - 1]]).toEqual([0, 0]);
  });
});

describe('cells', () => {
  test('each fixed cell belongs to one line of the table, and all fit', () => {
    expect(Object.keys(fixedTable).toSorted()).toEqual(Object.keys(fixed).toSorted());
    const cells = Object.entries(fixedTable).flatMap(([name, one]) => [...one.cells.keys()].map((at) => fixed[name as keyof typeof fixed] + at));
    expect(new Set(cells).size).toBe(cells.length);
    expect(Math.max(...cells)).toBeLessThan(fixedCells);
  });

  test('the parts of a slot lie one behind another, and all fit', () => {
    expect(Object.keys(slotTable)).toEqual(Object.keys(slotLayout).filter((name) => name !== 'cells'));
    let end = 0;
    for (const [name, one] of Object.entries(slotTable)) {
      expect([name, slotLayout[name as keyof typeof slotTable]]).toEqual([name, end]);
      end += one.cells.length;
    }
    expect(end).toBeLessThanOrEqual(slotLayout.cells);
  });

  test('what /metrics shows of one family is of one kind, and says one thing', () => {
    const families = Map.groupBy([...Object.values(fixedTable), ...Object.values(slotTable)].filter(({ metric }) => metric !== null), ({ metric }) => metric);
    for (const cells of families.values()) expect(new Set(cells.map(({ kind, help }) => `${kind} ${help}`)).size).toBe(1);
    for (const [name, { kind }] of Object.entries(fixedTable)) if (kind === 'mark') expect([name, fixedTable[name as keyof typeof fixed].metric]).toEqual([name, null]);
  });
});
