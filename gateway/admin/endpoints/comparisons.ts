// /api/v1/comparisons: what became of compared shadows, of all deployments, or of one deployment with its disagreements, of all replicas.
import { isNamed } from "../../explain/who.ts";
import { visibleLines } from "../../../routing/text/visible.ts";
import { comparisonShape, peerComparisonReader, type ShownComparison } from "../../api/comparisons.ts";
import { badRequest, jsonType, notFound, queryOf } from "../answers.ts";
import type { EndpointParts, Handler } from "../endpoint.ts";
import { listing } from "../list.ts";
import {
  addedComparisons,
  joinedComparisons,
  ownComparison,
  shownComparison,
  type ReplicaPart,
} from "../view/comparisons.ts";
import type { PeersView } from "../view/peers-view.ts";
import type { ComparedSidesView } from "../view/view.ts";

export function comparisons({ compared, peers }: EndpointParts): Handler {
  return listing<ComparedSidesView, ShownComparison>({
    gather: () => compared.all,
    key: ({ sides: { namespace, deployment, predictor, against } }) =>
      [namespace, deployment, predictor, against].join("/"),
    namespace: ({ sides }) => sides.namespace,
    json: shownComparison,
    wanted: (query) => {
      const named = query.get("deployment");
      return ({ sides: { namespace, deployment } }) => isNamed({ namespace, name: deployment }, named);
    },
    joining: {
      peers,
      item: comparisonShape,
      namespace: ({ namespace }) => namespace,
      merge: (same) => [same.map(({ value }) => value).reduce(addedComparisons)],
    },
  });
}

export function comparison({ compared, peers }: EndpointParts): Handler {
  return async (request, reply, viewer) => {
    const { namespace = "", name = "" } = request.params as Readonly<Record<string, string | undefined>>;
    const asked = queryOf(request).get("replica");
    if (asked !== null && asked !== "self")
      return badRequest(reply, "replica is not known: write replica=self, or leave it out");
    const sees = viewer.sees(namespace);
    const own = sees ? ownComparison(compared, namespace, name) : null;
    const others = sees && asked === null && peers !== null ? await peersParts(peers, namespace, name) : [];
    const joined = joinedComparisons([{ replica: "this replica", sentence: null, compared: own }, ...others]);
    if (joined === null)
      return notFound(
        reply,
        "Sluice has compared no answers of a deployment of this name: sluice.io/compare asks for it",
      );
    return reply.type(jsonType).send(visibleLines(JSON.stringify(joined)));
  };
}

async function peersParts(peers: PeersView, namespace: string, name: string): Promise<readonly ReplicaPart[]> {
  const path = `/api/v1/comparisons/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`;
  const read = await peerComparisonReader(namespace, name);
  return (await peers.ask(path)).map((said): ReplicaPart => {
    if (said.kind === "away") return { replica: said.name, sentence: said.sentence, compared: null };
    const compared = said.kind === "said" ? read(said.value) : null;
    const isUnread = said.kind === "said" && compared === null;
    return {
      replica: said.name,
      sentence: isUnread ? "its answer is not of the shape that this version reads" : null,
      compared,
    };
  });
}
