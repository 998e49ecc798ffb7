// Merging: what a dead data worker counted goes into the base block, so that no total ever falls; what it held is gone, so gauges go to 0.
import {
  breakerCell,
  endpointCell,
  failureCell,
  feedbackCell,
  lightUse,
  heavyUseCell,
  priorities,
  slotCell,
  usedSlots,
  withoutSeries,
} from "../shared/memory/counters.ts";
import type { CountedCells } from "../shared/metrics/metric.ts";
import { fixed, fixedCells, fixedRows } from "../shared/metrics/fixed.ts";
import { breakerResources } from "../shared/metrics/series.ts";
import {
  endpointCells,
  endpointRows,
  failureCells,
  failureRows,
  feedbackCells,
  feedbackRows,
  slotCells,
  slotRows,
} from "../shared/metrics/slots.ts";

const fixedCounters = countersOf(fixedRows, fixedCells);
const slotCounters = countersOf(slotRows, slotCells);
const failureCounters = countersOf(failureRows, failureCells);
const feedbackCounters = countersOf(feedbackRows, feedbackCells);
const endpointCounters = countersOf(endpointRows, endpointCells);

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

/** The second step, with what was counted for Series and Endpoints. */
export function mergeSeries(base: Float64Array, dead: SharedArrayBuffer): void {
  const cells = new Float64Array(dead);
  const used = usedSlots(dead);
  const usedInBase = usedSlots(base.buffer);
  base[fixed.foldGeneration]! += 1;
  for (const slot of Object.values(withoutSeries)) moveSlot(base, cells, slotCell(slot, 0), slotCounters);
  for (let slot = used.series.indexOf(1); slot >= 0; slot = used.series.indexOf(1, slot + 1)) {
    moveSlot(base, cells, slotCell(slot, 0), slotCounters);
    usedInBase.series[slot] = 1;
    used.series[slot] = 0;
  }
  for (let slot = used.failures.indexOf(1); slot >= 0; slot = used.failures.indexOf(1, slot + 1)) {
    moveSlot(base, cells, failureCell(slot, 0), failureCounters);
    usedInBase.failures[slot] = 1;
    used.failures[slot] = 0;
  }
  for (let slot = used.feedback.indexOf(1); slot >= 0; slot = used.feedback.indexOf(1, slot + 1)) {
    moveSlot(base, cells, feedbackCell(slot, 0), feedbackCounters);
    usedInBase.feedback[slot] = 1;
    used.feedback[slot] = 0;
  }
  moveSlot(base, cells, endpointCell(-1, 0), endpointCounters);
  for (let slot = used.endpoints.indexOf(1); slot >= 0; slot = used.endpoints.indexOf(1, slot + 1)) {
    moveSlot(base, cells, endpointCell(slot, 0), endpointCounters);
    usedInBase.endpoints[slot] = 1;
    used.endpoints[slot] = 0;
  }
  base[fixed.foldGeneration]! += 1;
}

/** Most of its cells are 0, and there are many slots. */
function moveSlot(base: Float64Array, dead: Float64Array, first: number, counters: Uint8Array): void {
  for (let cell = 0; cell < counters.length; cell++)
    if (dead[first + cell] !== 0) moveCell(base, dead, first + cell, counters[cell] === 1);
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
