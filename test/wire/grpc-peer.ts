// gRPC peers for tests, on @grpc/grpc-js, with messages as bytes: a server that does what it is asked for by metadata, and a client.
import {
  Client,
  credentials,
  Metadata,
  Server,
  ServerCredentials,
  status,
  type ChannelCredentials,
  type ClientDuplexStream,
  type ClientOptions,
  type ClientReadableStream,
  type ClientWritableStream,
  type MethodDefinition,
  type sendUnaryData,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceError,
  type StatusObject,
} from "@grpc/grpc-js";

const same = (bytes: Buffer): Buffer => bytes;

export type Bytes = MethodDefinition<Buffer, Buffer>;

function method(path: string, requestStream: boolean, responseStream: boolean): Bytes {
  return {
    path,
    requestStream,
    responseStream,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
}

/** Paths of all Seldon protocols, and what only the metadata routes. */
export const paths = {
  predict: "/seldon.protos.Seldon/Predict",
  modelPredict: "/seldon.protos.Model/Predict",
  sendFeedback: "/seldon.protos.Seldon/SendFeedback",
  modelFeedback: "/seldon.protos.Model/SendFeedback",
  tensorflow: "/tensorflow.serving.PredictionService/Predict",
  infer: "/inference.GRPCInferenceService/ModelInfer",
  streamInfer: "/inference.GRPCInferenceService/ModelStreamInfer",
  many: "/seldon.protos.Seldon/Many",
  sum: "/seldon.protos.Seldon/Sum",
  health: "/grpc.health.v1.Health/Check",
  reflection: "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
} as const;

const unlimited = { "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 };

/** A call as the server saw it. */
export interface SeenCall {
  readonly path: string;
  readonly metadata: Metadata;
  readonly deadline: number;
  bytes: number;
  cancelled: boolean;
}

/** Answers with its name where the request is empty, else with the request. Metadata `ask`: `error`, `wait`, or nothing. */
export class GrpcOrigin {
  readonly name: string;
  readonly calls: SeenCall[] = [];
  port = 0;
  readonly #server = new Server(unlimited);

  constructor(name: string) {
    this.name = name;
    const feedback = [paths.sendFeedback, paths.modelFeedback];
    const unary = [paths.predict, paths.modelPredict, ...feedback, paths.tensorflow, paths.infer, paths.health];
    for (const [index, path] of unary.entries())
      this.#serve(
        `unary${index}`,
        method(path, false, false),
        (call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) => this.#unary(path, call, done),
      );
    this.#serve("many", method(paths.many, false, true), (call: ServerWritableStream<Buffer, Buffer>) =>
      this.#many(call),
    );
    this.#serve(
      "sum",
      method(paths.sum, true, false),
      (call: ServerReadableStream<Buffer, Buffer>, done: sendUnaryData<Buffer>) => this.#sum(call, done),
    );
    for (const path of [paths.streamInfer, paths.reflection])
      this.#serve(path, method(path, true, true), (call: ServerDuplexStream<Buffer, Buffer>) => this.#chat(path, call));
  }

  // The definition of grpc-js wants a handler whose type depends on the two flags, which nobody can write for all four at once.
  #serve(name: string, definition: Bytes, handle: unknown): void {
    this.#server.addService({ [name]: definition }, { [name]: handle as () => void });
  }

  #seen(
    path: string,
    call: {
      readonly metadata: Metadata;
      getDeadline(): unknown;
      on(event: "cancelled", listener: () => void): unknown;
    },
  ): SeenCall {
    const deadline = call.getDeadline();
    const seen: SeenCall = {
      path,
      metadata: call.metadata,
      deadline: deadline instanceof Date ? deadline.getTime() : Number(deadline),
      bytes: 0,
      cancelled: false,
    };
    this.calls.push(seen);
    call.on("cancelled", () => (seen.cancelled = true));
    return seen;
  }

  #unary(path: string, call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>): void {
    const seen = this.#seen(path, call);
    seen.bytes = call.request.length;
    const [ask] = call.metadata.get("ask");
    if (ask === "wait") return;
    const head = new Metadata();
    head.set("server", this.name);
    for (const value of call.metadata.get("echo-bin")) head.add("echo-bin", value);
    // As Seldon's executor.
    for (const value of call.metadata.get("seldon-puid")) head.add("seldon-puid", value);
    call.sendMetadata(head);
    const trailer = new Metadata();
    trailer.set("note-bin", Buffer.from([0, 255, 13, 10]));
    if (ask === "error") done({ code: status.FAILED_PRECONDITION, details: "löscht nicht, 100 %", metadata: trailer });
    else done(null, call.request.length === 0 ? Buffer.from(this.name) : call.request, trailer);
  }

  /** As many messages as the request says, each of this many bytes: `count size`. */
  #many(call: ServerWritableStream<Buffer, Buffer>): void {
    this.#seen(paths.many, call);
    const [count, size] = call.request.toString().split(" ").map(Number);
    let sent = 0;
    const more = (): void => {
      while (sent < count! && !call.cancelled) {
        sent += 1;
        if (!call.write(Buffer.alloc(size!, sent))) {
          call.once("drain", more);
          return;
        }
      }
      call.end();
    };
    more();
  }

  #sum(call: ServerReadableStream<Buffer, Buffer>, done: sendUnaryData<Buffer>): void {
    const seen = this.#seen(paths.sum, call);
    call.on("data", (message: Buffer) => (seen.bytes += message.length));
    call.on("end", () => done(null, Buffer.from(String(seen.bytes))));
  }

  #chat(path: string, call: ServerDuplexStream<Buffer, Buffer>): void {
    const seen = this.#seen(path, call);
    call.on("data", (message: Buffer) => {
      seen.bytes += message.length;
      call.write(message);
    });
    call.on("end", () => call.end());
  }

  async listen(serverCredentials = ServerCredentials.createInsecure()): Promise<this> {
    this.port = await new Promise<number>((resolve, reject) => {
      this.#server.bindAsync("127.0.0.1:0", serverCredentials, (error, port) =>
        error === null ? resolve(port) : reject(error),
      );
    });
    return this;
  }

  close(): void {
    this.#server.forceShutdown();
  }
}

/** What came of a call. */
export interface GrpcReply {
  readonly messages: readonly Buffer[];
  readonly head: Metadata | null;
  readonly status: StatusObject;
}

export class GrpcClient {
  readonly #client: Client;

  constructor(port: number, channel: ChannelCredentials = credentials.createInsecure(), options: ClientOptions = {}) {
    this.#client = new Client(`127.0.0.1:${port}`, channel, { ...unlimited, ...options });
  }

  unary(path: string, metadata: Metadata, body = Buffer.alloc(0), deadlineMs = 10_000): Promise<GrpcReply> {
    return new Promise((resolve) => {
      let message: Buffer | undefined;
      let head: Metadata | null = null;
      const call = this.#client.makeUnaryRequest(
        path,
        same,
        same,
        body,
        metadata,
        { deadline: Date.now() + deadlineMs },
        (_: ServiceError | null, answer?: Buffer) => (message = answer),
      );
      call.on("metadata", (got: Metadata) => (head = got));
      call.on("status", (ended: StatusObject) =>
        resolve({ messages: message === undefined ? [] : [message], head, status: ended }),
      );
    });
  }

  /** The name of the server that answered, or the failure. */
  async who(path: string, metadata: Metadata): Promise<string> {
    const { messages, status: ended } = await this.unary(path, metadata);
    return ended.code === status.OK ? messages[0]!.toString() : `${status[ended.code]}: ${ended.details}`;
  }

  many(metadata: Metadata, body: string): ClientReadableStream<Buffer> {
    return this.#client.makeServerStreamRequest(paths.many, same, same, Buffer.from(body), metadata);
  }

  sum(metadata: Metadata): { readonly call: ClientWritableStream<Buffer>; readonly reply: Promise<string> } {
    const reply = Promise.withResolvers<string>();
    const call = this.#client.makeClientStreamRequest(
      paths.sum,
      same,
      same,
      metadata,
      (error: ServiceError | null, answer?: Buffer) => {
        if (error === null) reply.resolve(answer!.toString());
        else reply.reject(error);
      },
    );
    return { call, reply: reply.promise };
  }

  chat(metadata: Metadata, path: string = paths.streamInfer): ClientDuplexStream<Buffer, Buffer> {
    return this.#client.makeBidiStreamRequest(path, same, same, metadata);
  }

  close(): void {
    this.#client.close();
  }
}

export function metadataOf(fields: Readonly<Record<string, string>>): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(fields)) metadata.set(name, value);
  return metadata;
}
