// What circuit breakers hold, summed over all Upstreams: few series, whatever the number of Upstreams.
import { defaultBreaker } from '../../routing/upstream.ts';
import type { Breaker } from '../../routing/upstream.ts';
import { breakerCell, breakerResources, priorities } from '../counters.ts';

/** Breakers of one Upstream and where they count. */
export interface CountedBreaker {
  readonly slot: number;
  /** As written; a priority without limits has the defaults. */
  readonly limits: readonly Breaker[];
}

export interface BreakerUse {
  readonly resource: (typeof breakerResources)[number];
  readonly inUse: number;
  /** Breakers at their limit. */
  readonly open: number;
}

/** Reads every breaker's cells once. */
export function breakerUse(blocks: readonly Float64Array[], breakers: Iterable<CountedBreaker>): readonly BreakerUse[] {
  const inUse = breakerResources.map(() => 0);
  const open = breakerResources.map(() => 0);
  for (const { slot, limits } of breakers) {
    for (let priority = 0; priority < priorities.length; priority++) {
      for (let one = 0; one < breakerResources.length; one++) {
        let used = 0;
        for (const block of blocks) used += block[breakerCell(slot, priority) + one]!;
        if (used === 0) continue;
        inUse[one]! += used;
        if (used >= limitsOf(limits, priority)[one]!) open[one]! += 1;
      }
    }
  }
  return breakerResources.map((resource, one) => ({ resource, inUse: inUse[one]!, open: open[one]! }));
}

/** In the order of `breakerResources`. */
function limitsOf(limits: readonly Breaker[], priority: number): readonly number[] {
  const { maxConnections, maxPendingRequests, maxRequests, maxRetries } = limits.findLast((one) => one.priority === priorities[priority]) ?? defaultBreaker;
  return [maxConnections, maxPendingRequests, maxRequests, maxRetries];
}
