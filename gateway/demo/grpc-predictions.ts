// Asking for predictions over gRPC, and counting who answered.
import { connect } from 'node:http2';
import type { ClientHttp2Session, IncomingHttpHeaders } from 'node:http2';
import { namespace } from './manifests.ts';
import { frame, Unframer } from './grpc-messages.ts';
import { flower, lanes, tallyOf } from './predictions.ts';
import type { Tally } from './predictions.ts';
import { predictPath, tensorMessage, versionOf } from './seldon-messages.ts';
import { inferMessage, inferPath, inferVersionOf } from './v2-messages.ts';
import type { ModelVersion } from './classifier.ts';

export interface GrpcAnswer {
  /** grpc-status, or −1: no answer came, and `sentence` says why. */
  readonly code: number;
  readonly sentence: string;
  readonly version: ModelVersion | null;
}

/** A call's limit, so that a demo never hangs. */
const timeout = '10S';

function open(base: string): ClientHttp2Session {
  const session = connect(base);
  // Each call is told by its stream.
  session.on('error', () => {});
  return session;
}

/** A protocol in which predictions are asked for. */
interface Protocol {
  readonly path: string;
  readonly message: Buffer;
  readonly versionOf: (answer: Buffer) => ModelVersion | null;
}

const protocols = {
  seldon: { path: predictPath, message: tensorMessage([flower]), versionOf },
  v2: { path: inferPath, message: inferMessage([flower]), versionOf: inferVersionOf },
} as const satisfies Readonly<Record<string, Protocol>>;

/** Asks the deployment for one prediction. */
async function predict(session: ClientHttp2Session, deployment: string, metadata: Readonly<Record<string, string>>, protocol: Protocol = protocols.seldon): Promise<GrpcAnswer> {
  if (session.destroyed) return { code: -1, sentence: 'the connection is closed', version: null };
  return new Promise((resolve) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': protocol.path,
      'content-type': 'application/grpc',
      te: 'trailers',
      'grpc-timeout': timeout,
      seldon: deployment,
      namespace,
      ...metadata,
    });
    const unframer = new Unframer();
    let version: ModelVersion | null = null;
    let said: IncomingHttpHeaders = {};
    stream.on('error', (error) => resolve({ code: -1, sentence: error.message, version: null }));
    stream.on('response', (head) => (said = head));
    stream.on('trailers', (trailers) => (said = trailers));
    stream.on('data', (bytes: Buffer) => {
      for (const message of unframer.take(bytes)) version = protocol.versionOf(message);
    });
    stream.on('close', () => {
      resolve({ code: Number(said['grpc-status'] ?? -1), sentence: String(said['grpc-message'] ?? ''), version });
    });
    stream.end(frame(protocol.message));
  });
}

/** Asks for one prediction, in Seldon's protocol or in KServe's V2. `base` is the gateway's URL. */
export async function predictOnce(base: string, deployment: string, protocol: keyof typeof protocols): Promise<GrpcAnswer> {
  const session = open(base);
  const answer = await predict(session, deployment, {}, protocols[protocol]);
  session.close();
  return answer;
}

/** Asks for `count` predictions, eight at a time on one connection, and counts the answers by model version. */
export async function tallyGrpc(base: string, deployment: string, count: number, metadata: Readonly<Record<string, string>> = {}): Promise<Tally> {
  const session = open(base);
  const tally = await tallyOf(count, lanes, async () => {
    const { code, sentence, version } = await predict(session, deployment, metadata);
    return { version: code === 0 ? version : null, failure: `grpc-status ${code} ${sentence}` };
  });
  session.close();
  return tally;
}
