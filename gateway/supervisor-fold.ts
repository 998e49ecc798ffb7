// Folding: what a dead data worker counted goes into the base block, so that no total ever falls; what it held is gone, so gauges go to 0.
import { breakerCell, breakerKind, fixed, fixedCells, fixedTable, slotCell, slotLayout, slotTable } from './counters.ts';
import type { CountedCells } from './counters.ts';

const fixedCounters = countersOf(fixed, fixedTable, fixedCells);
const slotCounters = countersOf(slotLayout, slotTable, slotLayout.cells);

/** By cell: 1 for those whose total outlives the worker. Cells that no table names do not. */
function countersOf(first: Readonly<Record<string, number>>, table: Readonly<Record<string, CountedCells>>, count: number): Uint8Array {
  const counters = new Uint8Array(count);
  for (const [name, { kind, cells }] of Object.entries(table)) {
    const from = first[name]!;
    if (kind === 'counter') counters.fill(1, from, from + cells.length);
  }
  return counters;
}

/**
 * Adds the totals of `dead` to `base` and zeroes `dead`, and with it what the dead worker had in use of each breaker. Only when nobody writes
 * either block: after the worker's end, before its replacement. A reader in another thread that sees `foldGeneration` odd, or changed while it
 * summed, reads again.
 */
export function foldBlock(base: Float64Array, dead: Float64Array, slots: Iterable<number>, breakerSlots: Iterable<number>): void {
  base[fixed.foldGeneration]! += 1;
  for (let cell = 0; cell < fixedCells; cell++) moveCell(base, dead, cell, fixedCounters[cell] === 1);
  for (const slot of breakerSlots) {
    for (let cell = breakerCell(slot, 0); cell < breakerCell(slot + 1, 0); cell++) moveCell(base, dead, cell, breakerKind === 'counter');
  }
  for (const slot of slots) {
    const first = slotCell(slot, 0);
    // Most are 0, and there are many.
    for (let cell = 0; cell < slotLayout.cells; cell++) if (dead[first + cell] !== 0) moveCell(base, dead, first + cell, slotCounters[cell] === 1);
  }
  base[fixed.foldGeneration]! += 1;
}

function moveCell(base: Float64Array, dead: Float64Array, cell: number, counter: boolean): void {
  const value = dead[cell]!;
  // Cells that were never used stay untouched, so that their pages stay unmapped.
  if (value === 0) return;
  if (counter) base[cell]! += value;
  dead[cell] = 0;
}
