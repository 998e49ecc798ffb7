import { describe, expect, test } from 'vitest';
import { CounterBlock, blockBytes, breakerCell, fixed, slotCell, slotLayout, statusColumns } from '../../gateway/counters.ts';
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
});
