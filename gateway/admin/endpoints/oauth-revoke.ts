// POST /api/v1/oauth/revoke: tokens of the OAuth gateway end before their time.
import { createHash } from "node:crypto";
import type { FastifyReply } from "fastify";
import type { TokensToRevoke } from "../../shared/messages.ts";
import type { EndpointParts, Handler, TokenRevoker } from "../endpoint.ts";

const maxTokenBytes = 256;

/** The body is JSON, which no page of another origin can send unasked. */
export function revoke({ revoker }: EndpointParts): Handler {
  return async (request, reply) => {
    if (revoker === null) return refuse(reply, 409, "this gateway serves no OAuth gateway: start it with --oauth");
    const asked = readAsked(request.body);
    if (asked === null)
      return refuse(
        reply,
        400,
        'write {"token": "TOKEN"}, or {"deployment": "NAMESPACE/NAME"} for all of its client, as application/json',
      );
    const tokens = asked.kind === "token" ? asked : tokensOf(revoker, asked);
    if (tokens === null)
      return refuse(
        reply,
        404,
        "no SeldonDeployment of this name has a client; its tokens, if it had one, have ended with it",
      );
    const revoked = await revoker.revoke(tokens);
    if (revoked.kind === "away")
      return refuse(reply, 503, `it is not certain that all have ended (${revoked.sentence}): ask again`);
    return reply.send({ revoked: revoked.count });
  };
}

function refuse(reply: FastifyReply, code: number, sentence: string): FastifyReply {
  return reply.code(code).send({ error: "not-revoked", sentence });
}

type Asked =
  | Extract<TokensToRevoke, { kind: "token" }>
  | { readonly kind: "deployment"; readonly namespace: string; readonly name: string };

function readAsked(body: unknown): Asked | null {
  if (typeof body !== "object" || body === null) return null;
  const { token, deployment, ...rest } = body as Readonly<Record<string, unknown>>;
  if (Object.keys(rest).length > 0 || (token === undefined) === (deployment === undefined)) return null;
  if (typeof token === "string")
    return token === "" || Buffer.byteLength(token) > maxTokenBytes
      ? null
      : { kind: "token", digest: createHash("sha256").update(token).digest("hex") };
  const [namespace, name, ...more] = typeof deployment === "string" ? deployment.split("/") : [];
  return namespace === undefined || name === undefined || namespace === "" || name === "" || more.length > 0
    ? null
    : { kind: "deployment", namespace, name };
}

function tokensOf(
  revoker: TokenRevoker,
  { namespace, name }: Extract<Asked, { kind: "deployment" }>,
): TokensToRevoke | null {
  const client = revoker.clientOf(namespace, name);
  return client === null ? null : { kind: "client", client };
}
