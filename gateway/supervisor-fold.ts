// Folding: what a dead data worker counted goes into the base block, so that no total ever falls; what it held is gone, so gauges go to 0.
import { breakerCell, fixed, fixedCells, slotCell, slotLayout } from './counters.ts';

/** Fixed cells that say how much a worker holds now. */
const gauges: ReadonlySet<number> = new Set([
  fixed.inFlight,
  fixed.clientConnectionsHttp1,
  fixed.clientConnectionsHttp2,
  fixed.upstreamConnectionsHttp1,
  fixed.upstreamConnectionsHttp2,
  fixed.heldBytes,
  fixed.http2QueuedBytes,
  fixed.shadowBytes,
  fixed.shadowInFlight,
  fixed.shadowQueued,
  fixed.endpointsReady,
  fixed.endpointsEjected,
  fixed.beatMs,
  fixed.longWork,
]);

/**
 * Adds the totals of `dead` to `base` and zeroes `dead`, and with it what the dead worker had in use of each breaker. Only when nobody writes either block: after the worker's end, before its
 * replacement. A reader in another thread that sees `foldGeneration` odd, or changed while it summed, reads again.
 */
export function foldBlock(base: Float64Array, dead: Float64Array, slots: Iterable<number>, breakerSlots: Iterable<number>): void {
  base[fixed.foldGeneration]! += 1;
  for (let cell = 0; cell < fixedCells; cell++) moveCell(base, dead, cell, gauges.has(cell));
  for (const slot of breakerSlots) {
    for (let cell = breakerCell(slot, 0); cell < breakerCell(slot + 1, 0); cell++) moveCell(base, dead, cell, true);
  }
  for (const slot of slots) {
    for (let cell = 0; cell < slotLayout.cells; cell++) moveCell(base, dead, slotCell(slot, cell), cell === slotLayout.inFlight);
  }
  base[fixed.foldGeneration]! += 1;
}

function moveCell(base: Float64Array, dead: Float64Array, cell: number, gauge: boolean): void {
  const value = dead[cell]!;
  // Cells that were never used stay untouched, so that their pages stay unmapped.
  if (value === 0) return;
  if (!gauge) base[cell]! += value;
  dead[cell] = 0;
}
