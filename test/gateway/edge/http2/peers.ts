// Peers for tests: a server and a client on the engine, over real sockets, and what they share.
import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { afterEach } from "vitest";
import { acceptedTransport } from "../../../../gateway/edge/downstream/accepted.ts";
import { DeadlineWheel } from "../../../../gateway/edge/io/deadline.ts";
import type { Failure } from "../../../../gateway/failures.ts";
import type { FieldList } from "../../../../gateway/edge/fields/fields.ts";
import { WireRequestHead } from "../../../../gateway/edge/message/request-head.ts";
import { ResponseHead } from "../../../../gateway/edge/message/response-head.ts";
import { frameType } from "../../../../gateway/edge/frames/constants.ts";
import { Http2ClientConnection, type ClientOwner } from "../../../../gateway/edge/http2/client.ts";
import { defaultFloodLimits } from "../../../../gateway/edge/frames/floods.ts";
import { BlockWriter } from "../../../../gateway/edge/hpack/hpack-encode.ts";
import { ServerConnection, type ServerOwner } from "../../../../gateway/edge/http2/server.ts";
import { Http2Shared, type Http2Host } from "../../../../gateway/edge/http2/shared.ts";
import type { Http2Limits } from "../../../../gateway/edge/frames/limits.ts";
import type { Stream, ResponseUser, StreamLoss, StreamUser } from "../../../../gateway/edge/http2/stream.ts";
import { WriteBatch } from "../../../../gateway/edge/io/write-batch.ts";
import { ReadBuffer } from "../../../../gateway/edge/io/read-buffer.ts";
import { SocketTransport, type TransportOwner } from "../../../../gateway/edge/io/transport.ts";
import { dialPlain } from "../../../../gateway/edge/upstream/dial.ts";
import { StoppedClock, tickMs } from "../../../stopped-clock.ts";
import type { RawPeer } from "./raw-peer.ts";

export const testLimits: Http2Limits = {
  concurrentStreams: 100,
  streamWindowBytes: 65_535,
  connectionWindowBytes: 1024 * 1024,
  connectionCreditAtOnce: false,
  list: { bytes: 60 * 1024, fields: 100 },
  requestLineBytes: 8 * 1024,
  framesATurn: 512,
  framesAHead: 1,
  headTimeoutMs: 10_000,
  settingsTimeoutMs: 10_000,
  writeStallTimeoutMs: 30_000,
  idleTimeoutMs: Infinity,
  maxAgeMs: Infinity,
  pingAfterMs: Infinity,
  pingsIdle: true,
  pingTimeoutMs: 5000,
  floods: defaultFloodLimits,
};

/** What to close after a test. */
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

export interface TestShared extends Http2Shared {
  readonly faults: unknown[];
  /** Stands still until a test lets it go on. */
  readonly clock: StoppedClock;
}

export function sharedOf(limits: Partial<Http2Limits>): TestShared {
  const faults: unknown[] = [];
  const clock = new StoppedClock();
  const wheel = new DeadlineWheel(clock, (error) => faults.push(error));
  const home: Http2Host = {
    wheel,
    batch: new WriteBatch((error) => faults.push(error)),
    nowMs: clock.now(),
    tick: () => (home.nowMs = clock.now()),
    // The middle: no connection is older or younger than the limit says.
    draw: () => 0.5,
    faulted: (error) => faults.push(error),
  };
  const shared = new Http2Shared({ ...testLimits, ...limits }, home);
  closers.push(() => wheel.close());
  return Object.assign(shared, { faults, clock });
}

const nobody: TransportOwner = { received() {}, ended() {}, drained() {}, broken() {}, crashed() {} };

export interface RunningServer {
  readonly port: number;
  readonly shared: TestShared;
  readonly connections: ServerConnection[];
  /** Why connections closed, in order. */
  readonly failures: string[];
}

export type Serve = (...given: Parameters<ServerOwner["request"]>) => StreamUser;

/** A server on the engine. `serve` gets each request and returns who is told of its rest. */
export async function startServer(serve: Serve, limits: Partial<Http2Limits>): Promise<RunningServer> {
  const shared = sharedOf(limits);
  const reads = new ReadBuffer();
  const head = new WireRequestHead();
  const connections: ServerConnection[] = [];
  const failures: string[] = [];
  const owner: ServerOwner = {
    request: (stream, head, ended) =>
      Object.assign(serve(stream, head, ended), { callerMs: head.grpc ? head.grpcTimeoutMs : Infinity }),
    refused: (stream: Stream, failure: Failure) => answer(stream, failure.httpStatus, [], failure.sentence),
    readOver() {},
    queueChanged() {},
    connectionFailed() {},
    connectionClosed: (_, failure) => failures.push(failure),
    connectionGone() {},
  };
  const sockets = new Set<Socket>();
  const server: Server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: true }, (socket) => {
    sockets.add(socket);
    shared.home.tick();
    connections.push(new ServerConnection(acceptedTransport(socket, reads, nobody, "direct"), shared, owner, head));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  closers.push(() => {
    for (const connection of connections) connection.destroy();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, shared, connections, failures };
}

/** So long a peer that was told to go may take to read it. */
const closingMs = 1000;

/** Waits until the server has told this peer to go, and has closed the connection. */
export async function untilCut(peer: RawPeer, { shared }: RunningServer): Promise<void> {
  await peer.wait(frameType.goAway);
  await shared.clock.advance(closingMs + tickMs);
  await peer.untilClosed();
}

const writer = new BlockWriter();

/** A block with these fields, pseudo headers first. */
export function blockOf(fields: readonly (readonly [string, string])[]): Buffer {
  writer.clear();
  for (const [name, value] of fields) writer.fieldText(name, value);
  return writer.copy();
}

/** Answers at once. */
export function answer(
  stream: Stream,
  status: number,
  fields: readonly (readonly [string, string])[],
  body: string,
): void {
  const block = blockOf([[":status", String(status)], ...fields]);
  stream.sendHead(block, block.length, true, body === "");
  const bytes = Buffer.from(body);
  if (body !== "") stream.sendData(bytes, 0, bytes.length, true);
}

/** The fields of a list as text. */
export function textFields(list: FieldList): [string, string][] {
  const { fields } = list;
  const bytes = Buffer.from(list.bytes.buffer, list.bytes.byteOffset, list.bytes.length);
  return Array.from({ length: list.fieldCount }, (_, field) => [
    bytes.toString("latin1", fields[field * 4], fields[field * 4 + 1]),
    bytes.toString("latin1", fields[field * 4 + 2], fields[field * 4 + 3]),
  ]);
}

/** Sends back what it gets, with its trailers. */
export function echo(stream: Stream): StreamUser {
  const block = blockOf([
    [":status", "200"],
    ["content-type", "application/octet-stream"],
  ]);
  stream.sendHead(block, block.length, true, false);
  return {
    streamData(_, bytes, start, end) {
      stream.credit(stream.sendData(bytes, start, end, false));
    },
    streamPassedOn: (_, bytes) => stream.credit(bytes),
    streamEnd(_, trailers) {
      if (trailers === null) {
        stream.sendData(Buffer.alloc(0), 0, 0, true);
        return;
      }
      const block = blockOf(textFields(trailers));
      stream.sendTrailers(block, block.length);
    },
    streamLost() {},
  };
}

/** Takes the whole request, then answers. */
export function answerAtEnd(reply: (stream: Stream, body: Buffer) => void): Serve {
  return (stream) => {
    const parts: Buffer[] = [];
    return {
      streamData(_, bytes, start, end) {
        parts.push(Buffer.from(bytes.subarray(start, end)));
        stream.credit(end - start);
      },
      streamEnd: () => reply(stream, Buffer.concat(parts)),
      streamPassedOn() {},
      streamLost() {},
    };
  };
}

/** What came of a request. */
export interface Reply {
  status: number;
  readonly informational: number[];
  fields: [string, string][];
  body: Buffer;
  trailers: [string, string][] | null;
  loss: StreamLoss | null;
}

/** Sends requests on a connection that `pick` gives. */
export class Caller {
  readonly #pick: () => Http2ClientConnection;

  constructor(pick: () => Http2ClientConnection) {
    this.#pick = pick;
  }

  /** Sends a request; `body` null: none. */
  call(
    path: string,
    body: Buffer | null,
    fields: readonly (readonly [string, string])[] = [],
  ): { stream: Stream; reply: Promise<Reply> } {
    return this.start(
      [
        [":method", body === null ? "GET" : "POST"],
        [":scheme", "http"],
        [":path", path],
        [":authority", "test"],
        ...fields,
      ],
      body,
    );
  }

  start(
    fields: readonly (readonly [string, string])[],
    body: Buffer | null,
  ): { stream: Stream; reply: Promise<Reply> } {
    const done = Promise.withResolvers<Reply>();
    const reply: Reply = {
      status: 0,
      informational: [],
      fields: [],
      body: Buffer.alloc(0),
      trailers: null,
      loss: null,
    };
    const parts: Buffer[] = [];
    const user: ResponseUser = {
      isHead: fields.some(([name, value]) => name === ":method" && value === "HEAD"),
      streamInformational: (_, head) => reply.informational.push(head.status),
      streamResponse(_, head) {
        reply.status = head.status;
        reply.fields = textFields(head);
      },
      streamData(stream, bytes, start, end) {
        parts.push(Buffer.from(bytes.subarray(start, end)));
        stream.credit(end - start);
      },
      streamEnd(_, trailers) {
        reply.trailers = trailers === null ? null : textFields(trailers);
        reply.body = Buffer.concat(parts);
        done.resolve(reply);
      },
      streamPassedOn() {},
      streamLost(_, loss) {
        reply.loss = loss;
        reply.body = Buffer.concat(parts);
        done.resolve(reply);
      },
    };
    const block = blockOf(fields);
    const stream = this.#pick().request(user, block, block.length, body === null);
    if (body !== null) stream.sendData(body, 0, body.length, true);
    return { stream, reply: done.promise };
  }
}

export interface Dialled {
  readonly connection: Http2ClientConnection;
  /** When the socket is connected. */
  readonly connected: Promise<void>;
}

/** Dials as the data plane does: on the worker's read buffer. */
export function dialTo(port: number, shared: Http2Shared, owner: ClientOwner): Dialled {
  let transport: SocketTransport | null = null;
  const socket = dialPlain("127.0.0.1", port, new ReadBuffer(), (bytes, start, end) =>
    transport?.receive(bytes, start, end),
  );
  transport = new SocketTransport(socket, null);
  shared.home.tick();
  const connection = new Http2ClientConnection(transport, shared, owner, new ResponseHead());
  const connected = Promise.withResolvers<void>();
  socket.once("connect", () => {
    connection.connected();
    connected.resolve();
  });
  closers.push(() => connection.destroy());
  return { connection, connected: connected.promise };
}

export class RunningClient extends Caller {
  readonly connection: Http2ClientConnection;
  readonly shared: TestShared;
  readonly connected: Promise<void>;
  retired = 0;
  /** Resolves with why it closed. */
  readonly closed: Promise<string>;

  constructor(port: number, shared: TestShared) {
    super(() => this.connection);
    this.shared = shared;
    const closed = Promise.withResolvers<string>();
    this.closed = closed.promise;
    const dialled = dialTo(port, shared, {
      connectionRead() {},
      connectionRoom() {},
      connectionRetiring: () => (this.retired += 1),
      connectionClosed: (_, failure) => closed.resolve(failure),
    });
    this.connection = dialled.connection;
    this.connected = dialled.connected;
  }
}

/** A client on the engine. */
export async function startClient(port: number, limits: Partial<Http2Limits>): Promise<RunningClient> {
  const client = new RunningClient(port, sharedOf(limits));
  await client.connected;
  return client;
}
