// Peers behind the names of external services that speak no such protocol, or do not end: the caller is refused as if nobody were there, by the gateway's own
// timer at the latest, and other deployments are served meanwhile.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ExternalPolicy } from "../../routing/model/mapping.ts";
import { flag } from "../../gateway/edge/frames/constants.ts";
import { framed } from "../../gateway/edge/message/grpc-message.ts";
import { blockOf } from "../gateway/edge/http2/peers.ts";
import { frames } from "../gateway/edge/http2/raw-peer.ts";
import { eventually } from "../turns.ts";
import type { RawClient } from "./client.ts";
import { grpcAuth, httpAuth, rateLimits, serveGuarded, type Guarding } from "./external-services.ts";
import { Gateway, irisTo, post } from "./gateway.ts";
import { Origin, type OriginConnection } from "./origin.ts";

const timeoutMs = 700;
const stepMs = 50;
const long = 70_000;
const mostFrame = 16_384;

/** What a peer writes to the first bytes of a connection, and what after each 50 ms again; `ends`: then it closes its half. */
interface Peer {
  readonly first: string | Buffer;
  readonly drop: string | Buffer;
  readonly ends: boolean;
}

function peer(first: string | Buffer, more: Partial<Peer> = {}): Peer {
  return { first, drop: "", ends: false, ...more };
}

const switching = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
const x = "x".repeat(long);

/** Of a service of HTTP/1.1. */
const http1Peers: Readonly<Record<string, Peer>> = {
  "answers 101": peer(switching),
  "answers 101, then 200": peer(`${switching}HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n`),
  "answers 100 again and again": peer("HTTP/1.1 100 Continue\r\n\r\n", { drop: "HTTP/1.1 100 Continue\r\n\r\n" }),
  "says nothing": peer(""),
  "closes its half": peer("", { ends: true }),
  "closes its half in mid-head": peer("HTTP/1.1 200 OK\r\nx: ", { ends: true }),
  "drips a head": peer("HTTP/1.1 200 OK\r\nx: ", { drop: "x" }),
  "drips a body": peer("HTTP/1.1 200 OK\r\ncontent-length: 60000\r\n\r\n", { drop: "x" }),
  "drips chunks": peer("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", { drop: "1\r\nx\r\n" }),
  "has a head of 70 kB": peer(`HTTP/1.1 200 OK\r\nx: ${x}\r\ncontent-length: 0\r\n\r\n`),
  "has trailers of 70 kB": peer(`HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx: ${x}\r\n\r\n`),
  "drips trailers": peer("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx: ", { drop: "x" }),
};

const endHeaders = flag.endHeaders;
const settings = frames.settings();
const status200 = blockOf([[":status", "200"]]);

/** HEADERS of one block, and CONTINUATION where it is long. */
function headers(block: Buffer, endStream: boolean): Buffer {
  const pieces = Array.from({ length: Math.ceil(block.length / mostFrame) }, (_, at) =>
    block.subarray(at * mostFrame, (at + 1) * mostFrame),
  );
  return Buffer.concat(
    pieces.map((piece, at) => {
      const ends = at === pieces.length - 1 ? endHeaders : 0;
      return at === 0
        ? frames.headers(1, piece, ends | (endStream ? flag.endStream : 0))
        : frames.continuation(1, piece, ends);
    }),
  );
}

const grpcFields = [
  [":status", "200"],
  ["content-type", "application/grpc"],
] as const;
const grpcHead = blockOf(grpcFields);
const begun = Buffer.concat([settings, headers(grpcHead, false)]);

/** Of a service of gRPC. */
const http2Peers: Readonly<Record<string, Peer>> = {
  "answers 101": peer(switching),
  "says nothing": peer(""),
  "says no more than its settings": peer(settings),
  "closes its half": peer("", { ends: true }),
  "closes its half behind its settings": peer(settings, { ends: true }),
  "answers :status 101": peer(Buffer.concat([settings, headers(blockOf([[":status", "101"]]), false)])),
  "says :status 100 again and again": peer(settings, { drop: headers(blockOf([[":status", "100"]]), false) }),
  "drips a head": peer(
    // Of a frame of 10,000 bytes the first.
    Buffer.concat([
      settings,
      frames.headers(1, Buffer.concat([status200, Buffer.alloc(9999)]), endHeaders).subarray(0, 10),
    ]),
    { drop: Buffer.from([0]) },
  ),
  "drips continuations": peer(Buffer.concat([settings, frames.headers(1, grpcHead, 0)]), {
    drop: frames.continuation(1, blockOf([["x", "x"]]), 0),
  }),
  "drips a body": peer(begun, { drop: frames.data(1, Buffer.from([0])) }),
  "drips empty frames": peer(begun, { drop: frames.data(1, Buffer.alloc(0)) }),
  pings: peer(begun, { drop: frames.ping() }),
  "has a head of 70 kB": peer(
    Buffer.concat([settings, headers(blockOf([...grpcFields, ["x", x], ["grpc-status", "0"]]), true)]),
  ),
  "has trailers of 70 kB": peer(
    Buffer.concat([
      begun,
      frames.data(1, framed(0, Buffer.alloc(0))),
      headers(
        blockOf([
          ["grpc-status", "0"],
          ["x", x],
        ]),
        true,
      ),
    ]),
  ),
};

const plain: ExternalPolicy = { bypassAuth: false, authContextExtensions: {}, labels: null };
const labelled: ExternalPolicy = {
  ...plain,
  labels: [{ domain: "ambassador", labels: [{ kind: "generic", key: "generic_key", value: "heavy" }] }],
};

interface Service {
  readonly name: string;
  readonly peers: Readonly<Record<string, Peer>>;
  readonly guarding: (port: number) => Guarding;
  /** The caller's answer. */
  readonly status: number;
}

const services: readonly Service[] = [
  {
    name: "an AuthService of HTTP",
    peers: http1Peers,
    guarding: (authPort) => ({ auth: { ...httpAuth, timeoutMs }, authPort }),
    status: 403,
  },
  {
    name: "an AuthService of gRPC",
    peers: http2Peers,
    guarding: (authPort) => ({ auth: { ...grpcAuth, timeoutMs }, authPort }),
    status: 403,
  },
  ...[true, false].map((failureModeDeny): Service => ({
    name: `a RateLimitService, failure_mode_deny ${failureModeDeny}`,
    peers: http2Peers,
    guarding: (limitsPort) => ({
      rateLimit: { ...rateLimits, timeoutMs, failureModeDeny },
      limitsPort,
      target: { externalPolicy: labelled },
    }),
    status: failureModeDeny ? 500 : 200,
  })),
];

describe.each(services)("$name", ({ peers, guarding, status }) => {
  let gateway: Gateway;
  let model: Origin;
  let service: Origin;
  let client: RawClient;
  let behind: Peer;
  let met: OriginConnection[];

  beforeEach(async () => {
    met = [];
    model = await new Origin().listen();
    service = await new Origin((connection) => {
      if (met.includes(connection)) return;
      met.push(connection);
      connection.socket.write(behind.first);
      if (behind.ends) connection.socket.end();
    }).listen();
    gateway = await new Gateway().listen();
    client = await gateway.open(false);
  });
  afterEach(async () => {
    client.destroy();
    await gateway.goOnUntil(() => gateway.counted("inFlight") === 0, "nothing in flight");
    expect([gateway.counted("externalInFlight"), gateway.counted("heldBytes"), gateway.faults]).toEqual([0, 0, 0]);
    gateway.close();
    await Promise.all([model.close(), service.close()]);
  });

  test.each(Object.keys(peers))("that %s", async (name) => {
    behind = peers[name]!;
    const free = {
      ...irisTo("iris", { externalPolicy: { ...plain, bypassAuth: true } }),
      id: "free",
      match: {
        ...irisTo("iris").match,
        path: { kind: "prefix", prefix: "/seldon/prod/free/", caseSensitive: true } as const,
      },
    };
    serveGuarded(gateway, model.port, { ...guarding(service.port), mappings: [free] });
    client.write(post("x"));
    await eventually(() => met.length > 0, "the question");
    expect((await gateway.ask(false, post("x", "", "/seldon/prod/free/p"))).status).toBe(200);
    for (let ms = 0; ms < timeoutMs + 2 * stepMs && client.text === ""; ms += stepMs) {
      for (const { socket } of met) if (behind.drop !== "" && socket.writable) socket.write(behind.drop);
      await gateway.advance(stepMs);
    }
    expect((await client.answers(1))[0]!.status).toBe(status);
    expect(model.text.match(/POST \//g)).toHaveLength(status === 200 ? 2 : 1);
  });
});
