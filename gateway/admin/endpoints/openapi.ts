// /api/v1/openapi.json: this port, as OpenAPI 3.1 describes it.
import { jsonType } from "../answers.ts";
import { openApiOf } from "../openapi.ts";
import type { EndpointParts, Handler } from "../endpoint.ts";

export function document({ declared }: EndpointParts): Handler {
  const made = Buffer.from(JSON.stringify(openApiOf(declared)));
  return (_, reply) => reply.type(jsonType).send(made);
}
