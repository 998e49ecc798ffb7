// /api/who: who may call each deployment, or one.
import { servedHosts } from "../../explain/host-words.ts";
import { nobodyNamed, printWho, whoOf, type Who } from "../../explain/who.ts";
import { answer, notFound, nothingUnread, queryOf, sendingWhole } from "../answers.ts";
import type { EndpointParts, Handler } from "../endpoint.ts";

export function who({ view, policy, trustedHops, policyProblems, certificateSet }: EndpointParts): Handler {
  const told = (named: string | null): Who =>
    whoOf(
      view.table,
      {
        policy: policy(),
        trustedHops,
        unread: nothingUnread,
        problems: policyProblems(),
        hosts: servedHosts(certificateSet()),
      },
      named,
    );
  const whole = sendingWhole(
    () => told(null),
    () => printWho(told(null)),
  );
  return (request, reply) => {
    const named = queryOf(request).get("deployment");
    if (named === null) return whole(request, reply);
    const one = told(named);
    if (one.who.length === 0) return notFound(reply, nobodyNamed(named));
    return answer(
      request,
      reply,
      () => one,
      () => printWho(one),
    );
  };
}
