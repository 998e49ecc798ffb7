// A worker may end at any moment, between any two writes: whatever a client has seen to its end was counted before its last byte left, on every path.
import { grpcStatusNames } from "../../gateway/grpc-statuses.ts";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { statusColumns } from "../../gateway/shared/metrics/status-columns.ts";
import { flag, frameType } from "../../gateway/edge/frames/constants.ts";
import { SocketTransport } from "../../gateway/edge/io/transport.ts";
import type { ForwardTarget } from "../../routing/model/mapping.ts";
import { mappingOf, upstreamOf } from "../gateway/fixtures.ts";
import { blockOf } from "../gateway/edge/http2/peers.ts";
import { frames, rawServer } from "../gateway/edge/http2/raw-peer.ts";
import { eventually } from "../turns.ts";
import type { RawClient } from "./client.ts";
import { Gateway, endpointsOn, firstSlot, irisTo, post, transports } from "./gateway.ts";
import { Http2Client } from "./http2-client.ts";
import { Origin } from "./origin.ts";

/** Something that a client may see, or the end of the connection, and how many requests were counted by then. */
interface Seen {
  readonly bytes: Buffer;
  readonly counted: number;
}

const chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
const long = "x".repeat(300_000);
const agreed =
  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
const upgrade =
  "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const clientOwners = ["Http1Connection", "ServerConnection"];

let gateway: Gateway;
let seen: Seen[];
const closers: (() => unknown)[] = [];

const slots = [-1, firstSlot, firstSlot + 1];
const counted = (): number =>
  slots
    .flatMap((slot) =>
      [...statusColumns, ...grpcStatusNames].map((code) =>
        slot >= 0 && !statusColumns.includes(code) ? 0 : gateway.answered(code, slot),
      ),
    )
    .reduce((sum, one) => sum + one, 0);

/** Notes each write to a client, and each end of one, before it is made. */
function watch(): void {
  const { prototype } = SocketTransport;
  for (const name of ["write", "writeBoth", "give", "end"] as const) {
    const original: (...bytes: Buffer[]) => void = Reflect.get(prototype, name);
    vi.spyOn(prototype, name).mockImplementation(function (this: SocketTransport, ...bytes: Buffer[]) {
      if (clientOwners.includes(this.owner.constructor.name))
        seen.push({ bytes: Buffer.concat(bytes), counted: counted() });
      original.apply(this, bytes);
    });
  }
}

async function start(
  port: number,
  protocol: "http1" | "http2" = "http1",
  target: Partial<ForwardTarget> = {},
): Promise<void> {
  gateway = await new Gateway({ time: "real" }).listen();
  const moved = {
    ...mappingOf("moved", "iris"),
    target: { kind: "redirect", host: "new.example", code: 308, path: { kind: "prefix", with: "/n/" } } as const,
  };
  gateway.serve(
    [irisTo("iris", { upgrades: ["websocket"], ...target }), moved],
    [{ ...upstreamOf("iris"), protocol }],
    [endpointsOn("iris", [port])],
  );
  watch();
  closers.push(() => gateway.close());
}

async function originOf(answer: (text: string) => string | null): Promise<Origin> {
  const origin = await new Origin((connection) => {
    const text = connection.answered === 0 ? answer(connection.text) : null;
    if (text === null) return;
    connection.answered = 1;
    connection.socket.write(Buffer.from(text, "latin1"));
  }).listen();
  closers.push(() => origin.close());
  return origin;
}

beforeEach(() => (seen = []));
afterEach(async () => {
  vi.restoreAllMocks();
  for (const close of closers.splice(0).toReversed()) await close();
});

const lengthOf = (body: string): string => `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
const ok = lengthOf("ok");
const whole = (text: string): boolean => text.endsWith("body");
const iris = "POST /seldon/prod/iris/p HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n";

interface Case {
  readonly name: string;
  readonly asks: string;
  /** What the upstream says, once the whole request is there; `early`: once its head is. */
  readonly says: string;
  readonly early?: true;
  readonly code: string;
  /** The answer ends with the connection. */
  readonly ends?: true;
}

const cases: readonly Case[] = [
  { name: "an answer", asks: post("body"), says: ok, code: "200" },
  { name: "an answer without a body", asks: post("body"), says: "HTTP/1.1 204 No Content\r\n\r\n", code: "204" },
  { name: "an answer of length 0", asks: post("body"), says: lengthOf(""), code: "200" },
  {
    name: "an answer to HEAD",
    asks: post("body").replace("POST", "HEAD"),
    says: "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n",
    code: "200",
  },
  { name: "an answer in chunks", asks: post("body"), says: chunked, code: "200" },
  { name: "a long answer, whose pieces leave at once", asks: post("body"), says: lengthOf(long), code: "200" },
  {
    name: "a long answer in chunks",
    asks: post("body"),
    says: `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${long.length.toString(16)}\r\n${long}\r\n0\r\n\r\n`,
    code: "200",
  },
  {
    name: "an answer in chunks to HTTP/1.0",
    asks: post("body").replace("HTTP/1.1", "HTTP/1.0"),
    says: chunked,
    code: "200",
    ends: true,
  },
  { name: "an answer that is whole before its request", asks: iris, says: ok, early: true, code: "200" },
  { name: "no Route", asks: post("body", "", "/nowhere"), says: ok, code: "404" },
  {
    name: "no Route for a request whose body is on its way",
    asks: "POST /nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n",
    says: ok,
    code: "404",
  },
  {
    name: "no Route for a request whose body is not read",
    asks: "POST /nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: 400000\r\n\r\n",
    says: ok,
    code: "404",
  },
  { name: "a redirect", asks: post("body", "", "/seldon/prod/moved/x"), says: ok, code: "308" },
  { name: "no request", asks: "nonsense\r\n\r\n", says: ok, code: "400" },
  {
    name: "a malformed answer",
    asks: post("body"),
    says: "HTTP/1.1 200 OK\r\ncontent-length: nothing\r\n\r\n",
    code: "502",
  },
  {
    name: "gRPC-Web",
    asks: post("body", "Content-Type: application/grpc-web\r\n"),
    says: "HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\ntransfer-encoding: chunked\r\n\r\n0\r\ngrpc-status: 0\r\n\r\n",
    code: "200",
  },
];

describe.each(transports)("HTTP/1.1 on %s", (_name, secure) => {
  async function ask(text: string): Promise<RawClient> {
    const client = await gateway.open(secure);
    closers.push(() => client.destroy());
    client.write(text);
    return client;
  }

  test.each(cases)("$name", async ({ asks, says, early, code, ends }) => {
    const origin = await originOf((text) =>
      (early === true ? text.includes("\r\n\r\n") : text.includes("body") || text.startsWith("HEAD")) ? says : null,
    );
    await start(origin.port);
    const client = await ask(asks);
    if (ends === true) await client.end();
    else if (asks.startsWith("HEAD")) await client.until(({ text }) => text.includes("\r\n\r\n"));
    else await client.answers(1);
    const last = ends === true ? seen.at(-1)! : seen.findLast(({ bytes }) => bytes.length > 0)!;
    expect(last.counted).toBe(1);
    if (early === true) client.write("body");
    await eventually(() => slots.some((slot) => gateway.answered(code, slot) === 1), `counted as ${code}`);
    client.destroy();
    await eventually(() => gateway.counted("inFlight") === 0, "nothing in flight");
    expect(counted()).toBe(1);
  });

  test("a tunnel, whose end is that of both sides", async () => {
    const origin = await originOf((text) => (text.endsWith("\r\n\r\n") ? agreed : null));
    await start(origin.port);
    const client = await ask(`GET /seldon/prod/iris/chat HTTP/1.1\r\nHost: a\r\n${upgrade}\r\n`);
    await client.until(({ text }) => text.includes("\r\n\r\n"), "the 101");
    expect(counted()).toBe(0);
    client.socket.end();
    await client.end();
    expect(seen.at(-1)).toEqual({ bytes: Buffer.alloc(0), counted: 1 });
    expect(counted()).toBe(1);
  });
});

/** Ends of streams, by END_STREAM or a reset, in what was written. */
function streamEnds(): readonly number[] {
  return seen.flatMap(({ bytes, counted: then }) => {
    const ends: number[] = [];
    for (let at = 0; at + 9 <= bytes.length; at += 9 + bytes.readUIntBE(at, 3)) {
      const type = bytes[at + 3]!;
      const carries = type === frameType.headers || type === frameType.data;
      if (type === frameType.rstStream || (carries && (bytes[at + 4]! & flag.endStream) !== 0)) ends.push(then);
    }
    return ends;
  });
}

describe.each(transports)("HTTP/2 on %s", (_name, secure) => {
  async function open(): Promise<Http2Client> {
    const client = await Http2Client.open(gateway, secure);
    closers.push(() => client.destroy());
    return client;
  }

  test.each([
    ["an answer", "/seldon/prod/iris/p", {}, ok, 200],
    ["an answer in chunks", "/seldon/prod/iris/p", {}, chunked, 200],
    ["no Route", "/nowhere", {}, ok, 404],
    ["no Route for gRPC", "/a.B/C", { "content-type": "application/grpc", te: "trailers" }, ok, 200],
    ["no request", "/seldon/prod/iris/p", { expect: "wonders" }, ok, 417],
    [
      "an answer that is cut",
      "/seldon/prod/iris/p",
      {},
      "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\nno size\r\n",
      0,
    ],
  ] as const)("%s", async (_case, path, fields, says, status) => {
    const origin = await originOf((text) => (whole(text) || text.includes("4\r\nbody\r\n0\r\n\r\n") ? says : null));
    await start(origin.port);
    const client = await open();
    const reply = await client.request({ ":method": "POST", ":path": path, ...fields }, "body");
    if (status > 0) expect(reply.status).toBe(status);
    expect(streamEnds()).toEqual([1]);
    expect(counted()).toBe(1);
  });

  test.each([
    ["a call", [frames.headers(1, blockOf([["grpc-status", "0"]]), flag.endHeaders | flag.endStream)]],
    ["a call that breaks between two messages", [frames.reset(1, 2)]],
  ])("%s", async (_case, ends) => {
    const server = await rawServer();
    await start(server.port, "http2");
    const client = await open();
    const reply = client.request(
      { ":method": "POST", ":path": "/seldon/prod/iris/p", "content-type": "application/grpc", te: "trailers" },
      "",
    );
    const peer = await server.peer;
    peer.send(frames.settings(), frames.settingsAck());
    await peer.wait(frameType.headers);
    peer.send(
      frames.headers(
        1,
        blockOf([
          [":status", "200"],
          ["content-type", "application/grpc"],
        ]),
        flag.endHeaders,
      ),
      frames.data(1, Buffer.from([0, 0, 0, 0, 1, 7])),
    );
    await eventually(() => seen.some(({ bytes }) => bytes.includes(Buffer.from([0, 0, 0, 0, 1, 7]))), "the message");
    expect(counted()).toBe(0);
    peer.send(...ends);
    expect((await reply).status).toBe(200);
    expect(streamEnds()).toEqual([1]);
    expect(counted()).toBe(1);
  });
});

test("what was counted and then taken back is counted as what the client sees", async () => {
  const server = await rawServer();
  await start(server.port, "http2");
  const client = await gateway.open(false);
  closers.push(() => client.destroy());
  client.write(post("body"));
  const peer = await server.peer;
  peer.send(frames.settings(), frames.settingsAck());
  await peer.wait(frameType.headers);
  // As long as it says, and then broken: one read, of which nothing has left.
  peer.send(
    frames.headers(
      1,
      blockOf([
        [":status", "200"],
        ["content-length", "2"],
      ]),
      flag.endHeaders,
    ),
    frames.data(1, "ok"),
    frames.reset(1, 2),
  );
  const [answer] = await client.answers(1);
  expect(answer!.status).toBe(503);
  expect([gateway.answered("200"), gateway.answered("503"), counted()]).toEqual([0, 1, 1]);
  expect(gateway.tried(0)).toBe("UR 1");
});

test("retries that were used up are counted once, also where the last answer is taken back", async () => {
  const server = await rawServer();
  await start(server.port, "http2", { retry: { retryOn: ["5xx"], numRetries: 1, perTryTimeoutMs: null } });
  const client = await gateway.open(false);
  closers.push(() => client.destroy());
  client.write(post("body"));
  const peer = await server.peer;
  peer.send(frames.settings(), frames.settingsAck());
  await peer.wait(frameType.headers);
  peer.send(frames.headers(1, blockOf([[":status", "503"]]), flag.endHeaders | flag.endStream));
  await peer.wait(frameType.headers, 2);
  peer.send(
    frames.headers(
      3,
      blockOf([
        [":status", "503"],
        ["content-length", "2"],
      ]),
      flag.endHeaders,
    ),
    frames.data(3, "no"),
    frames.reset(3, 2),
  );
  expect((await client.answers(1))[0]!.status).toBe(503);
  expect([gateway.answered("503"), counted(), gateway.flagged("URX")]).toEqual([1, 1, 1]);
  expect(gateway.entries.filter((entry) => entry.flag.includes("URX"))).toHaveLength(1);
});
