// /api/v1/peer/counts: what this process has counted, for its peers. The answer shows that this replica has the key, too.
import { proofHeader, challengeHeader } from "../../shared/peer-proof.ts";
import { badRequest, jsonType, notFound, queryOf } from "../answers.ts";
import type { EndpointParts, Handler } from "../endpoint.ts";
import { peerCountsOf, readAsked } from "../view/peer-counts.ts";

export function peerCounts({ peers, view }: EndpointParts): Handler {
  return (request, reply) => {
    if (peers === null) return notFound(reply, "this gateway has no peers: start with --peers");
    const names = readAsked(queryOf(request).get("deployments"));
    if ("sentence" in names) return badRequest(reply, names.sentence);
    const text = JSON.stringify(peerCountsOf(peers, view, names));
    const proof = peers.door.proofOf(request.headers.authorization ?? "", request.url, text);
    if (proof !== null) void reply.header(proofHeader, proof).header(challengeHeader, peers.door.challenge());
    return reply.type(jsonType).send(text);
  };
}
