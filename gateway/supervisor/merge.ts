// Merging: what a dead data worker counted goes into the base block, so that no total ever falls; what it held is gone, so gauges go to 0.
import { breakerCell, lightUse, heavyUseCell, priorities, slotCell, usedSlots } from "../shared/counters.ts";
import type { CountedCells } from "../shared/metric.ts";
import { breakerResources, fixed, fixedCells, fixedRows, slotCells, slotRows } from "../shared/metrics.ts";

const fixedCounters = countersOf(fixedRows, fixedCells);
const slotCounters = countersOf(slotRows, slotCells);

/** By cell: 1 for those whose total outlives the worker. */
function countersOf(rows: readonly CountedCells[], length: number): Uint8Array {
  const counters = new Uint8Array(length);
  for (const { kind, first, count } of rows) if (kind === "counter") counters.fill(1, first, first + count);
  return counters;
}

/**
 * Adds the totals of `dead` to `base` and zeroes `dead`, and with it what the dead worker had in use of each breaker, in two steps: a successor may begin to
 * write what no request counts after `mergeFixed`, and serves after `mergeSeries`. Only when nobody writes what is merged: after the worker's end. A reader in
 * another thread that sees `foldGeneration` odd, or changed while it summed, reads again. `heavyUse` is that of all workers, so many.
 */
export function mergeFixed(
  base: Float64Array,
  dead: SharedArrayBuffer,
  { heavyUse, workers }: { readonly heavyUse: Int32Array; readonly workers: number },
): void {
  const cells = new Float64Array(dead);
  const used = usedSlots(dead).breakers;
  base[fixed.foldGeneration]! += 1;
  for (let cell = 0; cell < fixedCells; cell++) moveCell(base, cells, cell, fixedCounters[cell] === 1);
  for (let slot = used.indexOf(1); slot >= 0; slot = used.indexOf(1, slot + 1)) {
    leaveHeavyUse(heavyUse, cells, slot, lightUse(workers));
    for (let cell = breakerCell(slot, 0); cell < breakerCell(slot + 1, 0); cell++) moveCell(base, cells, cell, false);
    used[slot] = 0;
  }
  base[fixed.foldGeneration]! += 1;
}

/** The second step, with what was counted for Series. */
export function mergeSeries(base: Float64Array, dead: SharedArrayBuffer): void {
  const cells = new Float64Array(dead);
  const used = usedSlots(dead).series;
  const usedInBase = usedSlots(base.buffer).series;
  base[fixed.foldGeneration]! += 1;
  for (let slot = used.indexOf(1); slot >= 0; slot = used.indexOf(1, slot + 1)) {
    const first = slotCell(slot, 0);
    // Most are 0, and there are many.
    for (let cell = 0; cell < slotCells; cell++)
      if (cells[first + cell] !== 0) moveCell(base, cells, first + cell, slotCounters[cell] === 1);
    usedInBase[slot] = 1;
    used[slot] = 0;
  }
  base[fixed.foldGeneration]! += 1;
}

/** The dead worker has no more than its share in use. Whatever it had was counted before, so never too little is left; too much would only cost time. */
function leaveHeavyUse(heavyUse: Int32Array, dead: Float64Array, slot: number, share: number): void {
  for (const priority of priorities.keys()) {
    for (const one of breakerResources.keys())
      if (dead[breakerCell(slot, priority) + one]! > share) Atomics.sub(heavyUse, heavyUseCell(slot, priority), 1);
  }
}

function moveCell(base: Float64Array, dead: Float64Array, cell: number, counter: boolean): void {
  const value = dead[cell]!;
  // Cells that were never used stay untouched, so that their pages stay unmapped.
  if (value === 0) return;
  if (counter) base[cell]! += value;
  dead[cell] = 0;
}
