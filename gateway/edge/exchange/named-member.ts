// The member of a Route that a puid names: the predictor that answered, as long as the Route has it.
import type { ForwardDecision, Split } from "../../../routing/route/decision.ts";
import type { LazyMapping } from "../policy/compiled-mapping.ts";
import type { FeedbackWay } from "../steps/step.ts";

/** Of the live members of the Route, also one of weight 0: it has answered. `puids`: the first that names one counts. Where there is none, or it cannot take the request: why. */
export function namedMember(
  { forwards, undrawn, members }: Split<LazyMapping>,
  puids: readonly string[],
): { readonly named: ForwardDecision<LazyMapping>; readonly puid: string; readonly way: FeedbackWay } | FeedbackWay {
  for (const puid of puids) {
    for (const named of [...forwards, ...undrawn]) {
      const whose = named.attached.signer?.whose(puid) ?? "others";
      if (whose === "others") continue;
      const isReady = members.some(({ mapping, ready }) => ready && mapping === named.mapping);
      if (!isReady || named.attached.compiledFor(named.ofSeveral).admitsNobody) return "unready";
      return { named, puid, way: whose === "model" ? "puid" : "earlier_model" };
    }
  }
  return puids.every((puid) => puid === "") ? "no_puid" : "unknown_puid";
}
