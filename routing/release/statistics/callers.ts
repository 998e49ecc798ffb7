// Evidence by callers: a caller who always fails is one caller, however many requests it sends. The spread over buckets of callers is the noise.
import type { ArmCounts } from "./arm-counts.ts";
import { normalOf } from "./excess.ts";

export interface ByCallers {
  /** How far the canary is beyond the bound, in standard deviations of a difference between callers, as a normal deviate. */
  readonly deviate: number;
  /** How many times the variance is what it would be if each request had a caller of its own. */
  readonly clustering: number;
}

/** Fewer callers than these, in both arms together, are the whole service: then callers say nothing. */
const fewCallers = 3;

/**
 * The excess of the canary's part over `times` · main's + `slack`, by buckets. `mainShare`: what main had before, where it gets no traffic; else null. null: of half of the canary's requests no
 * caller is known, or the service has hardly any callers.
 */
export function byCallers(
  part: "failed" | "refused",
  { times, slack }: { readonly times: number; readonly slack: number },
  canary: ArmCounts,
  main: ArmCounts,
  mainShare: number | null,
): ByCallers | null {
  const [ofCanary, ofMain] = [canary.callers, main.callers];
  const [requests, beside] = [totalOf(ofCanary.requests), totalOf(ofMain.requests)];
  if (requests * 2 < canary.requests || requests === 0) return null;
  const all = ofCanary.requests.map((count, at) => count + ofMain.requests[at]!);
  if (effective(all) < fewCallers) return null;
  const buckets = effective(ofCanary.requests);
  const [bad, badBeside] = [totalOf(ofCanary[part]), totalOf(ofMain[part])];
  const share = bad / requests;
  const other = mainShare ?? (beside === 0 ? 0 : badBeside / beside);
  let variance = 0;
  for (const [at, count] of ofCanary.requests.entries()) {
    const own = (ofCanary[part][at]! - share * count) / requests;
    const theirs = mainShare !== null || beside === 0 ? 0 : (ofMain[part][at]! - other * ofMain.requests[at]!) / beside;
    variance += (own - times * theirs) ** 2;
  }
  const excess = share - times * other - slack;
  const independent = (bad + 1) / requests ** 2 + (beside === 0 ? 0 : (times ** 2 * badBeside) / beside ** 2);
  const freedom = buckets - 1;
  const noise = Math.max(freedom > 0 ? (variance * buckets) / freedom : 0, independent);
  return { deviate: normalOf(excess / Math.sqrt(noise), freedom), clustering: noise / independent };
}

/** How many buckets of alike size the requests are as good as. */
function effective(requests: Float64Array): number {
  const total = totalOf(requests);
  const squares = requests.reduce((sum, count) => sum + count ** 2, 0);
  return squares === 0 ? 0 : total ** 2 / squares;
}

function totalOf(counts: Float64Array): number {
  return counts.reduce((sum, count) => sum + count, 0);
}
