// Answers of /api: JSON, or the text of the commands when `accept: text/plain` asks for it.
import type { FastifyReply, FastifyRequest } from "fastify";
import { visibleLines } from "../../routing/text/visible.ts";
import type { Handler } from "./endpoint.ts";
import { sendShared } from "./send-shared.ts";
import { SharedAnswers } from "./shared-answers.ts";

export const textType = "text/plain; charset=utf-8";
const jsonType = "application/json; charset=utf-8";

/** A gateway that runs has read everything. */
export const nothingUnread: ReadonlySet<string> = new Set();

export function queryOf({ url }: FastifyRequest): URLSearchParams {
  return new URLSearchParams(url.split("?", 2)[1] ?? "");
}

export function wantsText(request: FastifyRequest): boolean {
  return (request.headers.accept ?? "").startsWith("text/plain");
}

/** `?wide=true`: the text as `--wide` prints it. */
function isWide(request: FastifyRequest): boolean {
  return queryOf(request).get("wide") === "true";
}

export function notFound(reply: FastifyReply, sentence: string): FastifyReply {
  return reply.code(404).send({ error: "not-found", sentence });
}

export function badRequest(reply: FastifyReply, sentence: string): FastifyReply {
  return reply.code(400).send({ error: "bad-request", sentence });
}

/** An answer about one thing, made for the client that asks. */
export function answer(
  request: FastifyRequest,
  reply: FastifyReply,
  json: () => unknown,
  text: () => string,
  wide = text,
): FastifyReply {
  return wantsText(request)
    ? reply.type(textType).send((isWide(request) ? wide : text)())
    : reply.type(jsonType).send(visibleLines(JSON.stringify(json())));
}

/** An answer about everything: large, and the same for all clients. */
export function sendingWhole(json: () => unknown, text: () => string, wide = text): Handler {
  return sendingShared(
    async () => Buffer.from(visibleLines(JSON.stringify(json()))),
    async () => Buffer.from(text()),
    async () => Buffer.from(wide()),
  );
}

export function sendingShared(
  json: () => Promise<Buffer>,
  text: () => Promise<Buffer>,
  wide: () => Promise<Buffer> = text,
): Handler {
  const [asJson, asText, asWide] = [json, text, wide].map(
    (make) => new SharedAnswers(make, () => performance.now()),
  ) as [SharedAnswers, SharedAnswers, SharedAnswers];
  return (request, reply) => {
    if (!wantsText(request)) return sendShared(reply, asJson, jsonType);
    return sendShared(reply, isWide(request) ? asWide : asText, textType);
  };
}
