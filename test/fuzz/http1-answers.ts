// Answers of HTTP/1.1 as origins of any kind and temper write them.
import { responseCorpus } from "../wire/response-corpus.ts";
import type { Draws } from "./draws.ts";
import { chunks } from "./http1-requests.ts";
import { mutated } from "./mutation.ts";

const statuses = [
  "200 OK",
  "200 OK",
  "200 OK",
  "200 ",
  "200",
  "201 Created",
  "204 No Content",
  "304 Not Modified",
  "206 Partial",
  "404 Not Found",
  "429 Slow",
  "500 Oh",
  "502 Bad",
  "503 Away",
  "504 Late",
  "301 Moved",
  "101 Switching Protocols",
  "100 Continue",
  "199 ?",
  "600 ?",
] as const;
const someFields: readonly string[] = [
  "Connection: close",
  "Connection: keep-alive",
  "Keep-Alive: timeout=1",
  "Content-Type: application/grpc",
  "Content-Type: application/grpc-web+proto",
  "Content-Type: text/event-stream",
  "Trailer: X-Sum",
  "Upgrade: websocket",
  "Connection: upgrade",
  "Location: http://else.example/",
  "Set-Cookie: a=1",
  "Retry-After: 1",
  "grpc-status: 0",
  "grpc-status: 14",
  `X-Long: ${"v".repeat(5000)}`,
  "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
  "Access-Control-Allow-Origin: *",
];
const bodies = [
  "",
  "x",
  "hello",
  "y".repeat(3000),
  "z".repeat(70_000),
  "w".repeat(300_000),
  "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged",
] as const;
const badChunks = ["ZZ\r\n", "5\r\nhelloX\r\n", "-1\r\n", "ffffffffffff\r\nx", "0\r\nX\r\n\r\n", "5\r\nhel"];

/** Nobody may have asked for it, and a second one is none. */
const switching = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
const switches = [
  `${switching}\r\n`,
  `${switching}\r\n${switching}\r\n`,
  `${switching}Content-Length: 5\r\n\r\nhello`,
  `${switching}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
  "HTTP/1.1 101 Switching Protocols\r\n\r\n",
  "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n",
] as const;

/** A field of trailers beyond every bound of heads. */
const longTrailers = `0\r\nX-Sum: ${"v".repeat(70_000)}\r\n\r\n`;
const chunkedHead = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

/** How an answer begins that never ends, and what comes again and again. */
export const endless: readonly (readonly [begin: string, drip: string])[] = [
  ["", "HTTP/1.1 100 Continue\r\n\r\n"],
  ["", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"],
  [`${switching}\r\n`, switching],
  ["HTTP/1.1 200 OK\r\nx: ", "x"],
  ["HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n", "x"],
  ["HTTP/1.1 200 OK\r\n\r\n", "x"],
  [chunkedHead, "1\r\nx\r\n"],
  [`${chunkedHead}0\r\nx: `, "x"],
];

function answerOf(draws: Draws): string {
  const body = draws.any(bodies);
  let fields = "";
  for (let count = draws.below(3); count > 0; count--) fields += `${draws.any(someFields)}\r\n`;
  const before = draws.chance(0.1)
    ? draws.any([
        "HTTP/1.1 100 Continue\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
        "HTTP/1.1 102 Processing\r\n\r\n".repeat(20),
        ...switches,
      ])
    : "";
  const head = `${before}${draws.chance(0.95) ? "HTTP/1.1" : "HTTP/1.0"} ${draws.any(statuses)}\r\n${fields}`;
  switch (draws.below(9)) {
    case 0:
    case 1:
    case 2:
      return `${head}Content-Length: ${body.length}\r\n\r\n${body}`;
    case 3:
      return `${head}Content-Length: ${Math.max(0, body.length + draws.below(5) - 2)}\r\n\r\n${body}`;
    case 4:
    case 5:
      return `${head}Transfer-Encoding: chunked\r\n\r\n${chunks(draws, body)}`;
    case 6:
      return `${head}Transfer-Encoding: chunked\r\n\r\n${draws.any([...badChunks, `5\r\nhello\r\n${longTrailers}`])}`;
    case 7:
      return `${head}\r\n${body}`;
    default:
      return `${head}Transfer-Encoding: ${draws.any(["gzip, chunked", "identity", "CHUNKED"])}\r\nContent-Length: 5\r\n\r\n${body}`;
  }
}

/** One answer (latin1), or what an origin sends in its place. */
export function http1Answer(draws: Draws): string {
  const answer = draws.chance(0.2) ? draws.any(responseCorpus).bytes : answerOf(draws);
  return draws.chance(0.3) ? mutated(draws, answer) : answer;
}
