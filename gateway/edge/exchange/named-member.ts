// The member of a Route that a puid names: the predictor that answered, as long as the Route has it.
import type { ForwardDecision, Split } from "../../../routing/route/decision.ts";
import type { LazyMapping } from "../policy/compiled-mapping.ts";
import type { FeedbackWay } from "../steps/step.ts";

/** Of the live members of the Route, also one of weight 0: it has answered. `puids`: the first that names one counts. Where there is none, or it cannot take the request: why. */
export function namedMember(
  { forwards, undrawn, members }: Split<LazyMapping>,
  puids: readonly string[],
): { readonly named: ForwardDecision<LazyMapping>; readonly puid: string } | FeedbackWay {
  for (const puid of puids) {
    const named = [...forwards, ...undrawn].find(({ attached: { signer } }) => signer?.isOwn(puid));
    if (named === undefined) continue;
    const isReady = members.some(({ mapping, ready }) => ready && mapping === named.mapping);
    return isReady && !named.attached.compiledFor(named.ofSeveral).admitsNobody ? { named, puid } : "unready";
  }
  return puids.every((puid) => puid === "") ? "no_puid" : "unknown_puid";
}
