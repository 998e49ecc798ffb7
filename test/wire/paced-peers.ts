// Peers that go on only when a test says so: a client that sends and reads piece by piece, and a model that reads and answers so. Over each protocol.
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import {
  createServer as createHttp2Server,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { framed } from "../../gateway/edge/message/grpc-message.ts";
import type { ForwardTarget, Mapping } from "../../routing/model/mapping.ts";
import { is, named, prefix } from "../routing/build.ts";
import { settled } from "../turns.ts";
import type { RawClient } from "./client.ts";
import { irisTo, type Gateway } from "./gateway.ts";
import { Http2Client } from "./http2-client.ts";

/** How a request comes and where it goes. */
export interface Way {
  readonly name: string;
  readonly client: "http1" | "http2" | "grpc" | "grpc-web";
  readonly upstream: "http1" | "http2";
}

export const ways: readonly Way[] = [
  { name: "HTTP/1.1", client: "http1", upstream: "http1" },
  { name: "HTTP/1.1 to HTTP/2", client: "http1", upstream: "http2" },
  { name: "HTTP/2 to HTTP/1.1", client: "http2", upstream: "http1" },
  { name: "HTTP/2", client: "http2", upstream: "http2" },
  { name: "gRPC", client: "grpc", upstream: "http2" },
  { name: "gRPC-Web", client: "grpc-web", upstream: "http2" },
];

/** One request at the model. */
export class PacedCall {
  readonly #request: IncomingMessage | ServerHttp2Stream;
  readonly #response: ServerResponse | ServerHttp2Stream;
  readonly #isGrpc: boolean;
  bytes = 0;
  isWhole = false;

  constructor(
    request: IncomingMessage | ServerHttp2Stream,
    response: ServerResponse | ServerHttp2Stream,
    isGrpc: boolean,
  ) {
    this.#request = request;
    this.#response = response;
    this.#isGrpc = isGrpc;
    request.on("error", () => undefined);
    response.on("error", () => undefined);
    request.on("end", () => (this.isWhole = true));
  }

  read(): void {
    this.#request.on("data", (chunk: Buffer) => (this.bytes += chunk.length));
  }

  begin(status = 200, grpcStatus = "0"): void {
    const response = this.#response;
    if (!("respond" in response)) {
      response.writeHead(status);
      response.flushHeaders();
      return;
    }
    const type = this.#isGrpc ? { "content-type": "application/grpc" } : {};
    response.respond({ ":status": this.#isGrpc ? 200 : status, ...type }, { waitForTrailers: this.#isGrpc });
    response.on("wantTrailers", () => response.sendTrailers({ "grpc-status": grpcStatus }));
  }

  write(bytes: number): void {
    const body = Buffer.alloc(bytes, "m");
    this.#response.write(this.#isGrpc ? framed(0, body) : body);
  }

  end(): void {
    this.#response.end();
  }

  /** All of an answer at once. */
  answer(status = 200, grpcStatus = "0"): void {
    this.begin(status, grpcStatus);
    this.write(2);
    this.end();
  }

  /** Bytes on its connection that have left. */
  get sent(): number {
    const carrier = "session" in this.#request ? this.#request.session!.socket : this.#request.socket;
    return carrier.bytesWritten;
  }

  /** Bytes that the gateway has not taken. */
  get unread(): number {
    return this.#response.writableLength;
  }

  /** Cuts the connection, or the stream. */
  cut(): void {
    if ("respond" in this.#response) this.#response.close(2);
    else this.#response.destroy();
  }
}

export class PacedModel {
  readonly calls: PacedCall[] = [];
  /** false: a request is read when the test says so. */
  reads = true;
  readonly #server: Server | Http2Server;
  port = 0;

  constructor(protocol: Way["upstream"]) {
    const take = (call: PacedCall): void => {
      this.calls.push(call);
      if (this.reads) call.read();
    };
    this.#server =
      protocol === "http1"
        ? createServer({ requestTimeout: 0 }, (request, response) => take(new PacedCall(request, response, false)))
        : createHttp2Server().on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) =>
            take(new PacedCall(stream, stream, headers["content-type"]?.startsWith("application/grpc") === true)),
          );
    this.#server.on("session", (session: { on(event: "error", heard: () => void): void; destroy(): void }) => {
      session.on("error", () => undefined);
      this.#sessions.push(session);
    });
  }

  readonly #sessions: { destroy(): void }[] = [];

  async listen(): Promise<this> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    this.port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  close(): void {
    for (const session of this.#sessions) session.destroy();
    if ("closeAllConnections" in this.#server) this.#server.closeAllConnections();
    this.#server.close();
  }
}

/** A client in mid-request. */
export interface PacedClient {
  /** The next piece of the body. */
  send(bytes: number): void;
  /** Bytes that have left. */
  sent(): number;
  /** Bytes of its answer that have come. */
  received(): number;
  /** Over HTTP/2: the body ends here. Over HTTP/1.1 it ends with its length. */
  end(): void;
  pauseReading(): void;
  /** Reads on, until nothing more comes. */
  resumeReading(): Promise<void>;
  /** All of the answer has come. */
  answered(): boolean;
  leave(): void;
}

const path = "/seldon/prod/iris/x";
const grpcPath = "/seldon.protos.Seldon/Predict";

/** Sends the head of a request whose body has so many bytes, which gRPC frames as one message. */
export async function begin(
  gateway: Gateway,
  way: Way,
  bodyBytes: number,
  fields: Readonly<Record<string, string>> = {},
): Promise<PacedClient> {
  const isGrpc = way.client === "grpc" || way.client === "grpc-web";
  const prefixBytes = isGrpc ? 5 : 0;
  const prefix = isGrpc ? framed(0, Buffer.alloc(bodyBytes)).subarray(0, prefixBytes) : Buffer.alloc(0);
  if (way.client === "http1" || way.client === "grpc-web") {
    const type = isGrpc ? "Content-Type: application/grpc-web\r\nseldon: iris\r\nnamespace: prod\r\n" : "";
    const more = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
    const client = await gateway.open(false);
    client.write(
      `POST ${isGrpc ? grpcPath : path} HTTP/1.1\r\nHost: a\r\n${type}${more.join("")}Content-Length: ${bodyBytes + prefixBytes}\r\n\r\n`,
    );
    client.socket.write(prefix);
    return ofRaw(client);
  }
  const client = await Http2Client.open(gateway, false);
  const headers = isGrpc
    ? { ":path": grpcPath, "content-type": "application/grpc", te: "trailers", seldon: "iris", namespace: "prod" }
    : { ":path": path };
  const stream = client.start({ ":method": "POST", ...headers, ...fields });
  let isOver = false;
  let bytes = 0;
  stream.on("data", (chunk: Buffer) => (bytes += chunk.length));
  for (const event of ["end", "close"]) stream.on(event, () => (isOver = true));
  if (isGrpc) stream.write(prefix);
  return {
    send: (count) => void stream.write(Buffer.alloc(count, "c")),
    sent: () => client.session.socket.bytesWritten,
    received: () => bytes,
    end: () => void stream.end(),
    pauseReading: () => void stream.pause(),
    resumeReading: async () => {
      stream.resume();
      await settled(() => bytes);
    },
    answered: () => isOver,
    leave: () => client.destroy(),
  };
}

function ofRaw(client: RawClient): PacedClient {
  const { socket } = client;
  return {
    send: (bytes) => void socket.write(Buffer.alloc(bytes, "c")),
    sent: () => socket.bytesWritten,
    received: () => socket.bytesRead,
    end: () => undefined,
    pauseReading: () => void socket.pause(),
    resumeReading: async () => {
      socket.resume();
      await settled(() => socket.bytesRead);
    },
    answered: () => /\r\n0\r\n(?:[^\r]+\r\n)*\r\n$/.test(client.text) || /content-length: \d/i.test(client.text),
    leave: () => client.destroy(),
  };
}

/** The Mapping of gRPC that `begin` asks for, to the Upstream `model`. */
export function grpcIris(target: Partial<ForwardTarget>): Mapping {
  const base = irisTo("model", { rewrite: { kind: "none" }, ...target });
  const headers = [named("seldon", is("iris")), named("namespace", is("prod"))];
  return {
    ...base,
    series: { ...base.series, protocol: "grpc" },
    match: { ...base.match, path: prefix("/seldon.protos.Seldon/"), headers },
  };
}
