// Occupancy: what all workers have in use of each Upstream. One object for all breakers of a worker, so that what it says of the workers is in the cache
// whichever Upstream is asked for.
import { lightUse } from "../../shared/memory/counters.ts";
import { breakerResources } from "../../shared/metrics/series.ts";

export interface Occupancy {
  /** This worker's cells. */
  readonly own: Float64Array;
  /** The other workers' cells, which are read only. */
  readonly others: readonly Float64Array[];
  /** Where all of them count who has more than `share` in use (gateway/shared/memory/counters.ts). */
  readonly heavyUse: Int32Array;
  /** With more than this in use of one thing a worker counts itself. */
  readonly heavyAbove: number;
  /** Below this, and while nobody is counted, a worker need not know the others. 0: it must. */
  readonly share: number;
  /** Of a lower limit a worker always must know the others: twice what all may have in use together while nobody is counted. */
  readonly leastLimit: number;
}

const never = 0x3fff_ffff;
const nobody = new Int32Array(1);

/** Of a worker among others, none or more. */
export function occupancyOf(own: Float64Array, others: readonly Float64Array[], heavyUse: Int32Array): Occupancy {
  if (others.length === 0) return { own, others, heavyUse, heavyAbove: never, share: 0, leastLimit: 0 };
  const workers = others.length + 1;
  const share = lightUse(workers);
  return { own, others, heavyUse, heavyAbove: share, share, leastLimit: 2 * share * workers };
}

/** Cells of one breaker, which counts alone. */
export function aloneOccupancy(): Occupancy {
  return occupancyOf(new Float64Array(breakerResources.length), [], nobody);
}
