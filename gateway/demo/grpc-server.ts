// A model server: Seldon's gRPC protocol, KServe's V2, and reflection. On node:http2, with messages by hand: a model of somebody's own would use a library.
import { constants, createServer } from 'node:http2';
import type { Http2Server, IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { frame, Unframer } from './grpc-messages.ts';
import { reflect, reflectionPaths } from './reflection.ts';
import { predictMessage, predictPaths } from './seldon-messages.ts';
import { infer, inferPath, readyPaths, sayReady } from './v2-messages.ts';
import type { ModelVersion } from './classifier.ts';

const code = { ok: 0, invalidArgument: 3, unimplemented: 12 } as const;

/** A server for one model version, not yet listening. `onPrediction` is called once for each prediction that was asked of it. */
export function createGrpcServer(version: ModelVersion, onPrediction: () => void): Http2Server {
  const predict = (stream: ServerHttp2Stream, by: (version: ModelVersion, message: Buffer) => Buffer | string): void =>
    serve(stream, (message) => {
      onPrediction();
      const answer = by(version, message);
      return typeof answer === 'string' ? { code: code.invalidArgument, sentence: answer } : { message: answer };
    });
  const server = createServer();
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    const path = String(headers[':path']);
    // Whoever asked has gone: there is nobody to tell.
    stream.on('error', () => {});
    if (reflectionPaths.includes(path)) {
      serve(stream, (message) => ({ message: reflect(message) }));
    } else if (predictPaths.includes(path)) {
      predict(stream, predictMessage);
    } else if (path === inferPath) {
      predict(stream, infer);
    } else if (readyPaths.includes(path)) {
      serve(stream, () => ({ message: sayReady() }));
    } else {
      stream.respond({ ...responseHead, 'grpc-status': String(code.unimplemented), 'grpc-message': `no such method: ${path}` }, { endStream: true });
    }
  });
  return server;
}

const responseHead = { [constants.HTTP2_HEADER_STATUS]: 200, 'content-type': 'application/grpc' };

type Outcome = { readonly message: Buffer } | { readonly code: number; readonly sentence: string };

/** Answers each message with one, until the client has sent its last. */
function serve(stream: ServerHttp2Stream, answer: (message: Buffer) => Outcome): void {
  const unframer = new Unframer();
  let trailers: Record<string, string> = { 'grpc-status': String(code.ok) };
  stream.respond(responseHead, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers(trailers));
  stream.on('data', (bytes: Buffer) => {
    for (const message of unframer.take(bytes)) {
      const outcome = answer(message);
      if ('message' in outcome) stream.write(frame(outcome.message));
      else trailers = { 'grpc-status': String(outcome.code), 'grpc-message': outcome.sentence };
    }
  });
  stream.on('end', () => stream.end());
}
