// Sends a shared answer, or says that too many are under way.
import type { FastifyReply } from "fastify";
import { AnswerReader } from "./answer-reader.ts";
import { mostUnderWay, type SharedAnswer, type SharedAnswers } from "./shared-answers.ts";

export async function sendShared(reply: FastifyReply, answers: SharedAnswers, type: string): Promise<FastifyReply> {
  const taken = take(reply, answers);
  return taken === null ? refuseBusy(reply) : reply.type(type).send(await taken.text);
}

/** The answer begins with what is shared, and each reader gets the rest as `write` makes it. */
export async function streamShared(
  reply: FastifyReply,
  answers: SharedAnswers,
  type: string,
  write: (reader: AnswerReader) => Promise<void>,
): Promise<FastifyReply> {
  const taken = take(reply, answers);
  if (taken === null) return refuseBusy(reply);
  const beginning = await taken.text;
  const { raw, request } = reply.hijack();
  raw.writeHead(200, { "content-type": type });
  if (request.method !== "HEAD") {
    const reader = new AnswerReader(raw);
    try {
      await reader.send(beginning);
      await write(reader);
    } catch (error) {
      // Cut: whoever reads half of it must not take it for the whole.
      raw.destroy();
      throw error;
    }
  }
  raw.end();
  return reply;
}

export function refuseBusy(reply: FastifyReply): FastifyReply {
  return reply
    .code(503)
    .header("retry-after", "1")
    .send({ error: "busy", sentence: `${mostUnderWay} of these answers are under way already: ask again` });
}

function take(reply: FastifyReply, answers: SharedAnswers): SharedAnswer | null {
  const taken = answers.take();
  // Before it waits: the client may leave meanwhile.
  if (taken !== null) reply.raw.once("close", () => taken.done());
  return taken;
}
