// POST /api/v1/oauth/revoke: tokens of the OAuth gateway end before their time.
import type { FastifyReply } from "fastify";
import {
  clockMarginMs,
  factsOf,
  mostAheadMs,
  tokenBytes,
  tokenClient,
  tokenMs,
  type Revocation,
} from "../../callers/oauth-token.ts";
import type { EndpointParts, Handler, TokenRevoker } from "../endpoint.ts";

/** The body is JSON, which no page of another origin can send unasked. */
export function revoke({ revoker, nowMs, usesRedis }: EndpointParts): Handler {
  return async (request, reply) => {
    if (revoker === null) return refuse(reply, 409, "this gateway serves no OAuth gateway: start it with --oauth");
    const asked = readAsked(request.body, Math.floor(nowMs()), revoker);
    if (asked === null)
      return refuse(
        reply,
        400,
        'write {"token": "TOKEN"} with a token of this gateway, or {"deployment": "NAMESPACE/NAME"} for all of its client, as application/json',
      );
    if (asked === "no client")
      return refuse(
        reply,
        404,
        "no SeldonDeployment of this name has a client; its tokens, if it had one, have ended with it",
      );
    const revoked = await revoker.revoke(asked);
    if (revoked.kind === "away")
      return refuse(reply, 503, `it is not certain that all have ended (${revoked.sentence}): ask again`);
    return reply.send({ everywhere: usesRedis });
  };
}

function refuse(reply: FastifyReply, code: number, sentence: string): FastifyReply {
  return reply.code(code).send({ error: "not-revoked", sentence });
}

function readAsked(body: unknown, nowMs: number, revoker: TokenRevoker): Revocation | "no client" | null {
  if (typeof body !== "object" || body === null) return null;
  const { token, deployment, ...rest } = body as Readonly<Record<string, unknown>>;
  if (Object.keys(rest).length > 0 || (token === undefined) === (deployment === undefined)) return null;
  if (typeof token === "string") {
    const bytes = tokenBytes(token);
    const facts = bytes === null ? null : factsOf(bytes);
    return facts === null || facts.endMs - nowMs > mostAheadMs ? null : facts;
  }
  const [namespace, name, ...more] = typeof deployment === "string" ? deployment.split("/") : [];
  if (namespace === undefined || name === undefined || namespace === "" || name === "" || more.length > 0) return null;
  if (!revoker.hasClient(namespace, name)) return "no client";
  // The clock of another replica may be ahead.
  return { client: tokenClient(namespace, name), id: null, endMs: nowMs + tokenMs + clockMarginMs };
}
