// Asking for predictions over gRPC, and counting who answered.
import { Client, credentials, Metadata, status, type ServiceError } from "@grpc/grpc-js";
import { namespace } from "./manifests.ts";
import { flower, lanes, tallyOf, type Tally } from "./predictions.ts";
import type { Method } from "./protos.ts";
import { inferMethod, predictMethod } from "./methods.ts";
import { tensorMessage, versionOf } from "./seldon-messages.ts";
import { inferMessage, inferVersionOf } from "./v2-messages.ts";
import type { ModelVersion } from "./classifier.ts";

export interface GrpcAnswer {
  /** grpc-status. Where no answer came it is the client's own, and `sentence` says why. */
  readonly code: number;
  readonly sentence: string;
  readonly version: ModelVersion | null;
}

/** A call's limit, so that a demo never hangs, ms. */
const callTimeoutMs = 10_000;

/** A connection of its own to the gateway and to nothing else: no proxy that the environment names, no configuration from DNS. */
function open(base: string): Client {
  return new Client(base.replace("http://", ""), credentials.createInsecure(), {
    "grpc.enable_http_proxy": 0,
    "grpc.service_config_disable_resolution": 1,
    "grpc.use_local_subchannel_pool": 1,
  });
}

/** Asks the deployment for one prediction, in one protocol. */
type Ask = (client: Client, deployment: string, more: Readonly<Record<string, string>>) => Promise<GrpcAnswer>;

function askBy<Request extends object, Response extends object>(
  { path, requestSerialize, responseDeserialize }: Method<Request, Response>,
  message: Request,
  answeredBy: (answer: Response) => ModelVersion | null,
): Ask {
  return (client, deployment, more) => {
    const metadata = new Metadata();
    for (const [name, value] of Object.entries({ seldon: deployment, namespace, ...more })) metadata.set(name, value);
    return new Promise((resolve) => {
      client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        message,
        metadata,
        { deadline: Date.now() + callTimeoutMs },
        (error: ServiceError | null, answer?: Response) => {
          resolve(
            error === null
              ? { code: status.OK, sentence: "", version: answeredBy(answer!) }
              : { code: error.code, sentence: error.details, version: null },
          );
        },
      );
    });
  };
}

const protocols = {
  seldon: askBy(predictMethod, tensorMessage([flower]), versionOf),
  v2: askBy(inferMethod, inferMessage([flower]), inferVersionOf),
} as const;

/** Asks for one prediction, in Seldon's protocol or in KServe's V2. `base` is the gateway's URL. */
export async function predictOnce(
  base: string,
  deployment: string,
  protocol: keyof typeof protocols,
): Promise<GrpcAnswer> {
  const client = open(base);
  const answer = await protocols[protocol](client, deployment, {});
  client.close();
  return answer;
}

/** Asks for `count` predictions, eight at a time on one connection, and counts the answers by model version. */
export async function tallyGrpc(
  base: string,
  deployment: string,
  count: number,
  metadata: Readonly<Record<string, string>> = {},
): Promise<Tally> {
  const client = open(base);
  const tally = await tallyOf(count, lanes, async () => {
    const { code, sentence, version } = await protocols.seldon(client, deployment, metadata);
    return { version, failure: `grpc-status ${code} ${sentence}` };
  });
  client.close();
  return tally;
}
