// A model server: Seldon's gRPC protocol, KServe's V2, and reflection, as somebody's own model would be served by a library.
import { randomUUID } from "node:crypto";
import { Server, ServerCredentials, status, type sendUnaryData, type ServerUnaryCall } from "@grpc/grpc-js";
import { ReflectionService } from "@grpc/reflection";
import { puidField } from "./model-server.ts";
import { protocols, type Method } from "./protos.ts";
import { describable } from "./reflection.ts";
import { inferMethod, predictMethods, readiness } from "./methods.ts";
import { predictMessage } from "./seldon-messages.ts";
import { infer } from "./v2-messages.ts";
import type { ModelVersion } from "./classifier.ts";

/** A server for one model version, not yet listening. `onPrediction` is called once for each prediction that was asked of it. */
export function createGrpcServer(version: ModelVersion, onPrediction: () => void): Server {
  const server = new Server();
  for (const method of predictMethods) {
    serve(server, method, onPrediction, (message, puid) => predictMessage(version, message, puid));
  }
  serve(server, inferMethod, onPrediction, (message) => infer(version, message));
  for (const { method, yes } of readiness)
    serve(
      server,
      method,
      () => {},
      () => yes,
    );
  new ReflectionService(describable(protocols)).addToServer(server);
  return server;
}

/** Listens on a free port of loopback; the port. */
export function listenGrpc(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(error),
    );
  });
}

/** The message of these bytes; null: they are none. */
export function messageOf<Request extends object, Response extends object>(
  { requestDeserialize }: Method<Request, Response>,
  bytes: Buffer,
): Request | null {
  try {
    return requestDeserialize(bytes);
  } catch {
    return null;
  }
}

/** Serves a method: `answer` gives the message to answer with, or the sentence that says what is wrong with the request. */
function serve<Request extends object, Response extends object>(
  server: Server,
  method: Method<Request, Response>,
  onCall: () => void,
  answer: (message: Request, puid: string) => Response | string,
): void {
  // Bytes that are no message come to the model, which tells the client: by itself, grpc-js calls that an error of its own (INTERNAL).
  const definition = { ...method, requestDeserialize: (bytes: Buffer) => ({ message: messageOf(method, bytes) }) };
  const handle = (
    { request: { message }, metadata }: ServerUnaryCall<{ readonly message: Request | null }, Response>,
    done: sendUnaryData<Response>,
  ): void => {
    onCall();
    const puid = String(metadata.get(puidField)[0] ?? randomUUID());
    const outcome = message === null ? "the message is not in the format of Protocol Buffers" : answer(message, puid);
    if (typeof outcome === "string") done({ code: status.INVALID_ARGUMENT, details: outcome });
    else done(null, outcome);
  };
  server.addService({ [method.path]: definition }, { [method.path]: handle });
}
