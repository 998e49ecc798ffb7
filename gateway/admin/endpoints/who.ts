// /api/v1/who: who may call each deployment, or one.
import { servedHosts } from "../../explain/host-words.ts";
import { isNamed, nobodyNamed, printWho, whoOf, type Who, type WhoRow } from "../../explain/who.ts";
import { byForm, notFound, nothingUnread, queryOf, sendingText, textType } from "../answers.ts";
import type { EndpointParts, Handler } from "../endpoint.ts";
import { listing } from "../list.ts";
import type { Viewer } from "../../api/viewer.ts";

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
  const json = listing<WhoRow>(
    {
      gather: () => told(null).who,
      key: ({ source: { namespace, name, kind }, paths }) => JSON.stringify([namespace, name, kind, paths]),
      namespace: ({ source }) => source.namespace,
      json: (row) => row,
      wanted: (query) => {
        const named = query.get("deployment");
        return ({ source }) => isNamed(source, named);
      },
    },
    (viewer) => {
      const { cleartext, problems } = told("");
      return viewer.seesAll ? { cleartext, problems } : { cleartext: [], problems: [] };
    },
  );
  const whole = byForm({ json, text: sendingText((viewer) => printWho(seenBy(viewer, told(null)))), events: null });
  return (request, reply, viewer) => {
    const named = queryOf(request).get("deployment");
    if (named === null) return whole(request, reply, viewer);
    const one = seenBy(viewer, told(named));
    if (one.who.length === 0) return notFound(reply, nobodyNamed(named));
    return byForm({ json, text: () => reply.type(textType).send(printWho(one)), events: null })(request, reply, viewer);
  };
}

/** The rows that the viewer sees, and what is about all of them for those who see everything. */
function seenBy(viewer: Viewer, { who: rows, cleartext, problems }: Who): Who {
  if (viewer.seesAll) return { who: rows, cleartext, problems };
  return { who: rows.filter(({ source }) => viewer.sees(source.namespace)), cleartext: [], problems: [] };
}
