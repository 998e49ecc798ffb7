// A model server on one port: REST over HTTP/1.1, and gRPC over HTTP/2 in cleartext, by Node's own modules. The demo's servers of gRPC come from a library.
import { randomUUID } from "node:crypto";
import { createServer as createHttp2Server, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import { createServer, type Server } from "node:net";
import type { ModelVersion } from "./classifier.ts";
import { createModelServer, maxBodyBytes, puidField } from "./model-server.ts";
import {
  decode,
  encode,
  inferRequest,
  inferResponse,
  liveResponse,
  readyResponse,
  seldonMessage,
} from "./proto-codec.ts";
import { predictMessage } from "./seldon-messages.ts";
import { infer, type InferRequest } from "./v2-messages.ts";

const grpcStatus = { ok: 0, invalidArgument: 3, resourceExhausted: 8, unimplemented: 12 } as const;

/** The message of an answer, or the sentence that says what is wrong with the request. */
type Method = (version: ModelVersion, message: Buffer, puid: string) => Buffer | string;

const noMessage = "the message is not in the format of Protocol Buffers";

const predict: Method = (version, bytes, puid) => {
  const message = decode(seldonMessage, bytes);
  const answer = message === null ? noMessage : predictMessage(version, message, puid);
  return typeof answer === "string" ? answer : encode(seldonMessage, { ...answer });
};

const v2 = "/inference.GRPCInferenceService";
const methods: ReadonlyMap<string, Method> = new Map([
  ["/seldon.protos.Seldon/Predict", predict],
  ["/seldon.protos.Model/Predict", predict],
  [
    `${v2}/ModelInfer`,
    (version, bytes) => {
      const message = decode(inferRequest, bytes);
      const { raw_input_contents: raw, ...rest } = (message ?? {}) as unknown as Required<InferRequest>;
      const answer =
        message === null ? noMessage : infer(version, raw.length === 0 ? rest : { ...rest, raw_input_contents: raw });
      return typeof answer === "string" ? answer : encode(inferResponse, { ...answer });
    },
  ],
  [`${v2}/ServerLive`, () => encode(liveResponse, { live: true })],
  [`${v2}/ServerReady`, () => encode(readyResponse, { ready: true })],
  [`${v2}/ModelReady`, () => encode(readyResponse, { ready: true })],
]);

/** Not yet listening. A client that sends HTTP/2's preface gets gRPC, any other one REST. */
export function createOnePort(version: ModelVersion): Server {
  const rest = createModelServer(version, () => {});
  const grpc = createHttp2Server();
  grpc.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => answer(version, stream, headers));
  grpc.on("sessionError", () => {});
  return createServer((socket) => {
    socket.on("error", () => socket.destroy());
    socket.on("readable", function first() {
      // HTTP/2 begins with "PRI", which is no method of HTTP/1.
      const head = socket.read(3) as Buffer | null;
      if (head === null) return;
      socket.off("readable", first);
      socket.unshift(head);
      (head.toString() === "PRI" ? grpc : rest).emit("connection", socket);
    });
  });
}

function answer(version: ModelVersion, stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  stream.on("error", () => {});
  stream.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= maxBodyBytes) chunks.push(chunk);
  });
  stream.on("end", () => {
    if (stream.destroyed) return;
    if (headers["content-type"]?.startsWith("application/grpc") !== true)
      return stream.respond({ ":status": 415 }, { endStream: true });
    const method = methods.get(headers[":path"] as string);
    const body = Buffer.concat(chunks);
    const isOneMessage = body.length >= 5 && body[0] === 0 && body.readUInt32BE(1) === body.length - 5;
    if (method === undefined)
      return fail(stream, grpcStatus.unimplemented, `no such method: ${String(headers[":path"])}`);
    if (bytes > maxBodyBytes)
      return fail(stream, grpcStatus.resourceExhausted, `a message has ${maxBodyBytes} bytes at most`);
    if (!isOneMessage) return fail(stream, grpcStatus.invalidArgument, "send one message that is not compressed");
    const message = method(version, body.subarray(5), String(headers[puidField] ?? randomUUID()));
    if (typeof message === "string") return fail(stream, grpcStatus.invalidArgument, message);
    const prefix = Buffer.alloc(5);
    prefix.writeUInt32BE(message.length, 1);
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": grpcStatus.ok }));
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.end(Buffer.concat([prefix, message]));
  });
}

function fail(stream: ServerHttp2Stream, status: number, sentence: string): void {
  stream.respond(
    {
      ":status": 200,
      "content-type": "application/grpc",
      "grpc-status": status,
      "grpc-message": encodeURIComponent(sentence),
    },
    { endStream: true },
  );
}
