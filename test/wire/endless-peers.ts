// Peers of HTTP/1.1, gRPC and Redis that speak no such protocol, or do not end.
import { flag } from "../../gateway/edge/frames/constants.ts";
import { framed } from "../../gateway/edge/message/grpc-message.ts";
import { blockOf } from "../gateway/edge/http2/peers.ts";
import { frames } from "../gateway/edge/http2/raw-peer.ts";

const long = 70_000;
const mostFrame = 16_384;

/** What a peer writes to the first bytes of a connection, and what again and again after that; `ends`: then it closes its half. */
export interface Peer {
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
export const http1Peers: Readonly<Record<string, Peer>> = {
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
export const http2Peers: Readonly<Record<string, Peer>> = {
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

/** Behind the address of Redis; it greets as Redis does where `redisGreeting` knows the words. */
export const redisPeers: Readonly<Record<string, Peer>> = {
  "says nothing": peer(""),
  "closes its half": peer("", { ends: true }),
  "answers 101": peer(switching),
  "answers garbage": peer("!!\u0000\u0001garbage\r\n"),
  "has a line of 70 kB": peer(`+${x}\r\n$-1\r\n*1000000000000\r\n`),
  "has a line without end": peer("+", { drop: x }),
  "has a text without end": peer("$1000000000000\r\n", { drop: x }),
  "drips a text": peer("$60000\r\n", { drop: "x" }),
  "drips a list": peer("*60000\r\n", { drop: ":1\r\n" }),
  "nests lists without end": peer("*1\r\n".repeat(100_000), { drop: "*1\r\n" }),
};

/** What Redis answers while a client greets it; null: those are other words. */
export function redisGreeting(text: string): string | null {
  const words = text.split("\r\n").filter((word) => /^[A-Za-z_]/.test(word));
  return words.length > 0 && words.every((word) => /^(?:info|client|setname|sluice)$/i.test(word))
    ? words
        .map((word) => (/^info$/i.test(word) ? "$15\r\nredis_version:7\r\n" : /^client$/i.test(word) ? "+OK\r\n" : ""))
        .join("")
    : null;
}
