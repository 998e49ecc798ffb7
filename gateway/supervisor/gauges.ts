// Gauges of a data worker that ended: what it held is free, so they go to 0. Its successor counts on in the same block, so that no total ever falls.
import {
  breakerCell,
  endpointCell,
  heavyUseCell,
  lightUse,
  priorities,
  slotCell,
  usedSlots,
} from "../shared/memory/counters.ts";
import { fixedRows } from "../shared/metrics/fixed.ts";
import type { CountedCells } from "../shared/metrics/metric.ts";
import { breakerResources } from "../shared/metrics/series.ts";
import { endpointRows, slotRows } from "../shared/metrics/slots.ts";

/**
 * Zeroes the gauges of a worker that ended, and gives back what it had in use of each breaker. The caller sees to it that nobody writes the block any more. `heavyUse` is shared by all
 * workers; `workers`: how many they are.
 */
export function clearGauges(block: SharedArrayBuffer, heavyUse: Int32Array, workers: number): void {
  const cells = new Float64Array(block);
  const { breakers, series, endpoints } = usedSlots(block);
  clearRows(cells, 0, fixedRows);
  for (let slot = breakers.indexOf(1); slot >= 0; slot = breakers.indexOf(1, slot + 1)) {
    leaveHeavyUse(heavyUse, cells, slot, lightUse(workers));
    cells.fill(0, breakerCell(slot, 0), breakerCell(slot + 1, 0));
  }
  for (let slot = series.indexOf(1); slot >= 0; slot = series.indexOf(1, slot + 1))
    clearRows(cells, slotCell(slot, 0), slotRows);
  clearRows(cells, endpointCell(-1, 0), endpointRows);
  for (let slot = endpoints.indexOf(1); slot >= 0; slot = endpoints.indexOf(1, slot + 1))
    clearRows(cells, endpointCell(slot, 0), endpointRows);
}

function clearRows(cells: Float64Array, from: number, rows: readonly CountedCells[]): void {
  for (const { kind, first, count } of rows) if (kind !== "counter") cells.fill(0, from + first, from + first + count);
}

/** The dead worker has no more than its share in use. Whatever it had was counted before, so never too little is left; too much would only cost time. */
function leaveHeavyUse(heavyUse: Int32Array, dead: Float64Array, slot: number, share: number): void {
  for (const priority of priorities.keys()) {
    for (const one of breakerResources.keys())
      if (dead[breakerCell(slot, priority) + one]! > share) Atomics.sub(heavyUse, heavyUseCell(slot, priority), 1);
  }
}
