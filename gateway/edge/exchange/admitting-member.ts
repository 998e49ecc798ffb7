// A member of a Route that nobody may call takes no share: as one that is not ready, it leaves it to the others (routing rules 7 and 21). Each of them asks what its own
// guard asks, so nobody gets further than he would have by another draw.
import type { ForwardDecision } from "../../../routing/route/decision.ts";
import type { LazyMapping } from "../policy/compiled-mapping.ts";

/** Of the members with a share one that somebody may call, in proportion to their shares; `draw` is in [0, 1). `decision` where there is none: its guard refuses. */
export function admittingMember(decision: ForwardDecision<LazyMapping>, draw: number): ForwardDecision<LazyMapping> {
  const { forwards } = decision.route.split;
  const shares = forwards.map(({ attached, bound, ofSeveral }, at) =>
    attached.compiledFor(ofSeveral).admitsNobody ? 0 : bound - (at === 0 ? 0 : forwards[at - 1]!.bound),
  );
  let left = draw * shares.reduce((sum, share) => sum + share, 0);
  let last = decision;
  for (const [at, share] of shares.entries()) {
    if (share === 0) continue;
    last = forwards[at]!;
    if (left < share) return last;
    left -= share;
  }
  return last;
}
