// /api/v1/openapi.json: this port, as OpenAPI 3.1 describes it.
import { openApiOf } from "../openapi.ts";
import type { EndpointParts, Handler } from "../endpoint.ts";

export function document({ declared }: EndpointParts): Handler {
  const made = openApiOf(declared);
  return (_, reply) => reply.send(made);
}
