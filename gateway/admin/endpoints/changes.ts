// /api/v1/changes: the last changes, the oldest first, and a stream of those to come.
import { changeLine, changeShape, isOfDeployment, spaceOf, type Change } from "../../api/changes.ts";
import { answer, byForm, queryOf } from "../answers.ts";
import type { EndpointParts, Handler } from "../endpoint.ts";
import { withReplica } from "../joined.ts";
import { listing } from "../list.ts";
import { streaming } from "../streaming.ts";

export function changes(parts: EndpointParts): Handler {
  const { changes: ring, peers } = parts;
  const wanted = (query: URLSearchParams): ((change: Change) => boolean) => {
    const deployment = query.get("deployment");
    return deployment === null ? () => true : (change) => isOfDeployment(change, deployment);
  };
  return byForm({
    json: listing({
      gather: () => [...ring.changes],
      key: ({ number, change }) =>
        `${String(Math.floor(change.atMs)).padStart(16, "0")} ${String(number).padStart(16, "0")}`,
      namespace: ({ change }) => spaceOf(change),
      json: ({ change }) => change,
      wanted: (query) => {
        const isWanted = wanted(query);
        return ({ change }) => isWanted(change);
      },
      joining: { peers, item: changeShape, namespace: spaceOf, merge: withReplica },
    }),
    text: (request, reply, viewer) =>
      answer(
        request,
        reply,
        () => null,
        () => {
          const isWanted = wanted(queryOf(request));
          const seen = ring.changes.filter(({ change }) => viewer.sees(spaceOf(change)) && isWanted(change));
          return seen.map(({ change }) => `${changeLine(change)}\n`).join("");
        },
      ),
    events: streaming<Change>(parts, {
      event: "change",
      follow: (take) => ring.follow(take),
      namespace: spaceOf,
      json: (change) => change,
      wanted,
    }),
  });
}
