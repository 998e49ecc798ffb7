// /api/v1/evidence: what this process has counted, for the leader of the replicas.
import { badRequest, jsonType, queryOf } from "../answers.ts";
import type { EndpointParts, Handler } from "../endpoint.ts";
import { evidenceOf, readAsked } from "../view/evidence.ts";

export function evidence(parts: EndpointParts): Handler {
  return (request, reply) => {
    const names = readAsked(queryOf(request).get("deployments"));
    if ("sentence" in names) return badRequest(reply, names.sentence);
    return reply.type(jsonType).send(JSON.stringify(evidenceOf(parts, names)));
  };
}
