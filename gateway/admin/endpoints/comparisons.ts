// /api/v1/comparisons: what became of compared shadows, of all deployments of this replica, or of one deployment with its disagreements, of all replicas.
import { visibleLines } from "../../../routing/text/visible.ts";
import { peerComparisonPath, peerComparisonReader, type ShownComparison } from "../../api/comparisons.ts";
import { askedName } from "../../api/peer.ts";
import { build } from "../../shared/build.ts";
import { challengeHeader, proofHeader } from "../../shared/peer-proof.ts";
import { badRequest, jsonType, notFound, queryOf } from "../answers.ts";
import type { EndpointParts, Handler } from "../endpoint.ts";
import { listing } from "../list.ts";
import { shownComparisons } from "../view/comparisons.ts";
import { joinedComparisons, type ReplicaPart } from "../view/joined-comparisons.ts";
import { forPeer, ownComparison } from "../view/own-comparison.ts";
import type { PeersView } from "../view/peers-view.ts";

export function comparisons({ compared }: EndpointParts): Handler {
  return listing<ShownComparison>({
    gather: () => shownComparisons(compared.states),
    key: ({ namespace, deployment, predictor, against }) => JSON.stringify([namespace, deployment, predictor, against]),
    namespace: ({ namespace }) => namespace,
    json: (one) => one,
    wanted: (query) => {
      const named = query.get("deployment");
      return ({ namespace, deployment }) =>
        named === null || named === deployment || named === `${namespace}/${deployment}`;
    },
  });
}

export function comparison({ compared, peers }: EndpointParts): Handler {
  return async (request, reply, viewer) => {
    const { namespace = "", name = "" } = request.params as Readonly<Record<string, string | undefined>>;
    const asked = queryOf(request).get("replica");
    if (asked !== null && asked !== "own")
      return badRequest(reply, "replica is not known: write replica=own, or leave it out");
    const sees = viewer.sees(namespace);
    const own = sees ? await ownComparison(compared, namespace, name) : null;
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
  const asked = `${namespace}/${name}`;
  if (!askedName.test(asked)) return [];
  const url = `${peerComparisonPath}?deployment=${encodeURIComponent(asked)}`;
  const answers = await peers.askEach(url, await peerComparisonReader(namespace, name));
  return answers.map(({ name: replica, sentence, value }) => ({
    replica,
    sentence,
    compared: value?.compared ?? null,
  }));
}

/** What this replica has compared, for its peers. The answer shows that this replica has the key, too. */
export function peerComparison({ compared, peers, view }: EndpointParts): Handler {
  return async (request, reply) => {
    if (peers === null) return notFound(reply, "this gateway has no peers: start with --peers");
    const asked = queryOf(request).get("deployment") ?? "";
    if (asked !== "" && !askedName.test(asked))
      return badRequest(reply, "deployment is no name of a deployment: write NAMESPACE/NAME");
    const [namespace = "", name = ""] = asked.split("/");
    const own = asked === "" ? null : await ownComparison(compared, namespace, name);
    const text = JSON.stringify({
      instance: peers.instance,
      version: build.version,
      table: view.served.hash,
      deployments: [],
      compared: own === null ? null : forPeer(own),
    });
    const proof = peers.door.proofOf(request.headers.authorization ?? "", request.url, text);
    if (proof !== null) void reply.header(proofHeader, proof).header(challengeHeader, peers.door.challenge());
    return reply.type(jsonType).send(text);
  };
}
