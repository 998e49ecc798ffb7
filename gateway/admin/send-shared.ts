// Sends a shared answer, or says that too many are under way.
import type { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { mostUnderWay } from './shared-answers.ts';
import type { SharedAnswers } from './shared-answers.ts';

/** `contentOf`: what is sent of a text. */
export async function sendShared<Text>(reply: FastifyReply, answers: SharedAnswers<Text>, type: string, contentOf: (text: Text) => Buffer | Readable): Promise<FastifyReply> {
  const taken = answers.take();
  if (taken === null) {
    return reply.code(503).header('retry-after', '1').send({ error: 'busy', sentence: `${mostUnderWay} of these answers are under way already: ask again` });
  }
  // Before it waits: the client may leave meanwhile. An answer that stands behind others of its connection is not told of the connection's end.
  const { socket } = reply.request.raw;
  const done = (): void => {
    socket.removeListener('close', done);
    taken.done();
  };
  socket.once('close', done);
  reply.raw.once('close', done);
  return reply.type(type).send(contentOf(await taken.text));
}
