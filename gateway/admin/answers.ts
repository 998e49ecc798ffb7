// Answers of /api: JSON, or the text of the commands when `accept: text/plain` asks for it.
import type { FastifyReply, FastifyRequest } from "fastify";
import { visibleLines } from "../../routing/text/visible.ts";
import type { Handler } from "./endpoint.ts";
import type { Slices } from "../shared/slices.ts";
import { FewAtOnce } from "./sending/few-at-once.ts";
import { sendShared } from "./sending/send-shared.ts";
import { SharedAnswers } from "./sending/shared-answers.ts";
import { operator, type Viewer } from "../api/viewer.ts";

export const textType = "text/plain; charset=utf-8";
export const jsonType = "application/json; charset=utf-8";

/** A gateway that runs has read everything. */
export const nothingUnread: ReadonlySet<string> = new Set();

export function queryOf({ url }: FastifyRequest): URLSearchParams {
  // A second ? is a part of the query.
  const at = url.indexOf("?");
  return new URLSearchParams(at < 0 ? "" : url.slice(at + 1));
}

export function wantsText(request: FastifyRequest): boolean {
  return (request.headers.accept ?? "").startsWith("text/plain");
}

/** `?wide=true`: the text as `-o wide` prints it. */
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

/** JSON that is the same for all clients, made once a second at most. */
export function sendingShared(json: () => Promise<Buffer>): Handler {
  const made = new SharedAnswers(json, () => performance.now());
  return (_, reply) => sendShared(reply, made, jsonType);
}

/** A text whose pieces are made and joined in slices. */
export async function textInSlices(pieces: Iterable<string>, slices: Slices): Promise<Buffer> {
  const texts: string[] = [];
  for (const piece of pieces) {
    if (piece !== "") texts.push(piece);
    await slices.pause();
  }
  return Buffer.from(texts.join(""));
}

/** Text about what a viewer sees, few at once. Where it is about everything (`whole`), those who see all get one that is made once a second at most. */
export function sendingText(
  make: (viewer: Viewer, wide: boolean, query: URLSearchParams) => Promise<Buffer>,
  whole = true,
): Handler {
  const [narrow, wide] = [false, true].map(
    (isWideText) =>
      new SharedAnswers(
        () => make(operator, isWideText, new URLSearchParams()),
        () => performance.now(),
      ),
  ) as [SharedAnswers, SharedAnswers];
  const few = new FewAtOnce();
  return async (request, reply, viewer) => {
    if (whole && viewer.seesAll) return sendShared(reply, isWide(request) ? wide : narrow, textType);
    if (!few.begin(reply, viewer)) return reply;
    return reply.type(textType).send(await make(viewer, isWide(request), queryOf(request)));
  };
}

/** The form that the request accepts: text, events where there are any, or else JSON. */
export function byForm(forms: {
  readonly json: Handler;
  readonly text: Handler;
  readonly events: Handler | null;
}): Handler {
  return (request, reply, viewer) => {
    const { accept = "" } = request.headers;
    if (forms.events !== null && accept.startsWith("text/event-stream")) return forms.events(request, reply, viewer);
    return (wantsText(request) ? forms.text : forms.json)(request, reply, viewer);
  };
}
