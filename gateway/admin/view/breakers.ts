// What circuit breakers hold: each, and summed over all Upstreams.
import type { CountedBreakers } from "../../api/counted.ts";
import { defaultBreaker, type Breaker } from "../../../routing/model/upstream.ts";
import { breakerCell, priorities } from "../../shared/memory/counters.ts";
import { breakerResources } from "../../shared/metrics/series.ts";
import type { Slices } from "../../shared/slices.ts";

export interface BreakerUse {
  readonly resource: (typeof breakerResources)[number];
  readonly inUse: number;
  /** Breakers at their limit. */
  readonly open: number;
}

/** Slots read together, some 0.01 ms with a few blocks. */
const togetherSlots = 256;
const slotCells = breakerResources.length * priorities.length;

/** What one breaker has in use, in the order of `breakerResources`, both priorities together. The lists are written over by the next one. */
export interface UsedBreaker {
  readonly slot: number;
  readonly inUse: readonly number[];
  /** 1 for each priority that is at its limit. */
  readonly open: readonly number[];
}

/** Breakers with something in use. Reads every breaker's cells once, and asks for the limits only of those: of 20,000 Upstreams all would be 40 ms. */
export async function* usedBreakers(
  blocks: readonly Float64Array[],
  breakers: () => CountedBreakers,
  slices: Slices,
): AsyncIterable<UsedBreaker> {
  const inUse = breakerResources.map(() => 0);
  const open = breakerResources.map(() => 0);
  const sums = new Float64Array(slotCells);
  for (let slot = 0; slot < breakers().end; slot++) {
    if (slot % togetherSlots === 0) await slices.pause();
    if (!sumSlot(blocks, slot, sums)) continue;
    const limits = breakers().limitsAt(slot);
    if (limits === null) continue;
    inUse.fill(0);
    open.fill(0);
    for (let cell = 0; cell < slotCells; cell++) {
      const used = sums[cell]!;
      if (used === 0) continue;
      const one = cell % breakerResources.length;
      inUse[one]! += used;
      if (used >= limitsOf(limits, Math.floor(cell / breakerResources.length))[one]!) open[one]! += 1;
    }
    yield { slot, inUse, open };
  }
}

/** Of all breakers. */
export async function breakerUse(
  blocks: readonly Float64Array[],
  breakers: () => CountedBreakers,
  slices: Slices,
): Promise<readonly BreakerUse[]> {
  const all = breakerResources.map((resource) => ({ resource, inUse: 0, open: 0 }));
  for await (const { inUse, open } of usedBreakers(blocks, breakers, slices))
    for (const [one, use] of all.entries()) {
      use.inUse += inUse[one]!;
      use.open += open[one]!;
    }
  return all;
}

/** What one breaker holds, in the order of `breakerResources`. */
export interface BreakerFill {
  readonly resource: (typeof breakerResources)[number];
  readonly inUse: number;
  readonly limit: number;
}

/** How full the breaker of an Upstream is; null: its workers count alone. */
export function breakerFill(
  blocks: readonly Float64Array[],
  breakers: CountedBreakers,
  upstreamKey: string,
  priority: (typeof priorities)[number],
): readonly BreakerFill[] | null {
  const slot = breakers.slotOf(upstreamKey);
  if (slot < 0) return null;
  const sums = new Float64Array(slotCells);
  sumSlot(blocks, slot, sums);
  const first = priorities.indexOf(priority) * breakerResources.length;
  const limits = limitsOf(breakers.limitsAt(slot) ?? [], priorities.indexOf(priority));
  return breakerResources.map((resource, at) => ({ resource, inUse: sums[first + at]!, limit: limits[at]! }));
}

/** What all blocks together have in use there; false: nothing. */
function sumSlot(blocks: readonly Float64Array[], slot: number, sums: Float64Array): boolean {
  const first = breakerCell(slot, 0);
  let isUsed = false;
  sums.fill(0);
  for (const block of blocks) {
    for (let cell = 0; cell < slotCells; cell++) {
      const used = block[first + cell]!;
      if (used === 0) continue;
      sums[cell]! += used;
      isUsed = true;
    }
  }
  return isUsed;
}

/** In the order of `breakerResources`. */
function limitsOf(limits: readonly Breaker[], priority: number): readonly number[] {
  const { maxConnections, maxPendingRequests, maxRequests, maxRetries } =
    limits.findLast((one) => one.priority === priorities[priority]) ?? defaultBreaker;
  return [maxConnections, maxPendingRequests, maxRequests, maxRetries];
}
