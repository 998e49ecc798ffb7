// What is sent to each reader to see what it costs: as much as its limits let pass, in pieces of one byte, or in one where the pieces are within.
import { block, frame, settings } from "../../load/peers/h2/frames.ts";
import { binaryHeader, field, ipv4Block, lineHeader } from "../wire/balancer.ts";
import { clientHello, records } from "../wire/client-hello.ts";
import { flags, types } from "./http2-frames.ts";

export interface CostCase {
  readonly name: string;
  readonly secure: boolean;
  /** It comes from the address of a balancer. */
  readonly balancer: boolean;
  readonly bytes: Buffer;
  /** Bytes of one write. */
  readonly pieceBytes: number;
}

const latin1 = (text: string): Buffer => Buffer.from(text, "latin1");
const line = (path: string): string => `POST ${path} HTTP/1.1\r\nHost: a\r\n`;
const iris = "/seldon/prod/iris/v";
const hostile = "/seldon/prod/dripping/v";

function fields(bytes: number, lineBytes: number): string {
  return `x: ${"v".repeat(lineBytes - 5)}\r\n`.repeat(Math.floor(bytes / lineBytes));
}

const preface = Buffer.concat([latin1("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), settings([])]);
const call = [
  [":method", "POST"],
  [":scheme", "http"],
  [":path", iris],
  [":authority", "a"],
] as const;

/** HEADERS of no byte, and a CONTINUATION for each of these. */
function inContinuations(whole: Buffer, most: number): Buffer {
  const parts = [frame(types.headers, flags.endStream, 1, Buffer.alloc(0))];
  const step = Math.max(1, Math.ceil(whole.length / most));
  for (let at = 0; at < whole.length; at += step)
    parts.push(
      frame(types.continuation, at + step >= whole.length ? flags.endHeaders : 0, 1, whole.subarray(at, at + step)),
    );
  return Buffer.concat(parts);
}

export function costCases(): readonly CostCase[] {
  const cases: CostCase[] = [];
  const add = (name: string, bytes: Buffer, pieceBytes = 1, { secure = false, balancer = false } = {}): void =>
    void cases.push({ name, secure, balancer, bytes, pieceBytes });
  const tls = { secure: true };
  add("a ClientHello in records of one byte, at once", records(clientHello(15_000), 1), Infinity, tls);
  add("a ClientHello in records of one byte, byte by byte", records(clientHello(2000), 1), 1, tls);
  add("a ClientHello in one record, byte by byte", records(clientHello(15_000)), 1, tls);
  add("a ClientHello in 16 records, byte by byte", records(clientHello(15_000), 1000), 1, tls);
  add("a PROXY line", lineHeader(`UNKNOWN ${"x".repeat(90)}`), 1, { balancer: true });
  const long = binaryHeader(0x21, 0x11, ipv4Block([192, 0, 2, 7], field(4, Buffer.alloc(4000))));
  add("a PROXY header", long, 1, { balancer: true });
  add("a PROXY header below TLS", Buffer.concat([long, records(clientHello(4000))]), 1, {
    balancer: true,
    secure: true,
  });
  add(
    "a PROXY header of many fields",
    binaryHeader(
      0x21,
      0x11,
      ipv4Block([192, 0, 2, 7], Buffer.concat(Array.from({ length: 1300 }, () => field(4, Buffer.alloc(0))))),
    ),
    1,
    { balancer: true },
  );
  add("a head with one long field", latin1(`${line(iris)}x: ${"v".repeat(20_000)}\r\n\r\n`));
  add("a head with long fields", latin1(`${line(iris)}${fields(20_000, 220)}\r\n`));
  add("a target", latin1(`GET /${"a/../".repeat(1500)} HTTP/1.1\r\nHost: a\r\n\r\n`));
  add("a head that is refused", latin1(`${line(iris)}${fields(500, 5)}${"x".repeat(2000)}`));
  add("a Connection field", latin1(`${line(iris)}${`Connection: ${"n,".repeat(32)}\r\n`.repeat(90)}\r\n`));
  add(
    "cookies and queries",
    latin1(`GET ${iris}?${"a&".repeat(2000)} HTTP/1.1\r\nHost: a\r\nCookie: ${"a;".repeat(5000)}\r\n\r\n`),
  );
  add(
    "an upgrade",
    latin1(
      `GET /seldon/prod/socket/v HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: ${"x,".repeat(4000)}websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
    ),
  );
  const chunked = `${line(iris)}Transfer-Encoding: chunked\r\n\r\n`;
  add("chunks of one byte", latin1(`${chunked}${"1\r\na\r\n".repeat(3000)}0\r\n\r\n`));
  add("extensions of chunks", latin1(`${chunked}${`1;${"e".repeat(240)}\r\na\r\n`.repeat(60)}0\r\n\r\n`));
  add("trailers", latin1(`${chunked}0\r\n${fields(8000, 100)}\r\n`));
  add("a trailer", latin1(`${chunked}0\r\nx: ${"v".repeat(8000)}\r\n\r\n`));
  add("requests sent ahead", latin1(`${line(hostile)}\r\n${`${line(iris)}\r\n`.repeat(6)}${"a".repeat(8000)}`));
  add(
    "gRPC-Web as text",
    latin1(
      `${line("/seldon.protos.Seldon/Predict")}Seldon: iris\r\nNamespace: prod\r\nContent-Type: application/grpc-web-text\r\nContent-Length: 10672\r\n\r\n${Buffer.concat([Buffer.from([0, 0, 0, 0x1f, 0x3f]), Buffer.alloc(7999)]).toString("base64")}`,
    ),
  );
  const feedback = (body: string): Buffer =>
    latin1(`${line("/seldon/prod/iris/api/v1.0/feedback")}Content-Length: ${body.length}\r\n\r\n${body}`);
  add("feedback of short values", feedback(`{"response":{"meta":[${"0,".repeat(4000)}0]},"reward":1}`));
  add("feedback of escaped keys", feedback(`{${String.raw`"\u0072eward":{"":0},`.repeat(350)}"reward":1}`));
  add("feedback that is deep", feedback("[".repeat(8000)));
  const large = block([...call, ...Array.from({ length: 40 }, (_, index) => [`x-${index}`, "v".repeat(120)] as const)]);
  add("HEADERS", Buffer.concat([preface, frame(types.headers, flags.endStream | flags.endHeaders, 1, large)]));
  add("CONTINUATION", Buffer.concat([preface, inContinuations(large, 19)]));
  add("CONTINUATION of one byte", Buffer.concat([preface, inContinuations(large, Infinity)]), Infinity);
  // One entry of 3,900 bytes, and as many references to it as there is room for.
  const entry = Buffer.concat([Buffer.from([0x40, 1, 0x78, 0x7f, 0xbd, 0x1d]), Buffer.alloc(3900, "v")]);
  add(
    "references to one entry",
    Buffer.concat([
      preface,
      frame(
        types.headers,
        flags.endStream | flags.endHeaders,
        1,
        Buffer.concat([block(call), entry, Buffer.alloc(12_000, 0xbe)]),
      ),
    ]),
    Infinity,
  );
  add(
    "DATA of one byte",
    Buffer.concat([
      preface,
      frame(types.headers, flags.endHeaders, 1, block(call)),
      ...Array.from({ length: 900 }, () => frame(types.data, 0, 1, latin1("a"))),
    ]),
  );
  add("a frame that nobody knows", Buffer.concat([preface, frame(0xbb, 0, 0, Buffer.alloc(16_000))]));
  add("an answer byte by byte", latin1(`${line(hostile)}Content-Length: 0\r\n\r\n`), Infinity);
  return cases;
}
