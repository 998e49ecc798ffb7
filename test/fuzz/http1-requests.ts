// Requests of HTTP/1.1 as clients of any kind and temper write them: by structure, from the corpus of ambiguous ones, and mutated.
import { requestCorpus } from "../wire/request-corpus.ts";
import type { Draws } from "./draws.ts";
import { mutated } from "./mutation.ts";

/** Paths that the gateway answers by itself, and those of each kind of Mapping; doubled: met more often. */
export const targets = [
  "/ambassador/v0/check_alive",
  "/ambassador/v0/check_ready",
  "/ambassador/v0/check_ready?x",
  "/ambassador/v0/check_nothing",
  "/seldon/prod/iris/v",
  "/seldon/prod/iris/v",
  "/seldon/prod/hostile/v",
  "/seldon/prod/hostile/v",
  "/seldon/prod/retried/v",
  "/seldon/prod/shadowed/v",
  "/seldon/prod/closed/v",
  "/seldon/prod/cors/v",
  "/seldon/prod/redirect/v?a=b",
  "/seldon/prod/socket/v",
  "/seldon/prod/regex/a/b/c",
  "/seldon/prod/edited/v",
  "/seldon/prod/limited/v",
  "/seldon/prod/guarded/v",
  "/seldon/prod/guarded/v",
  "/seldon/prod/rated/v",
  "/seldon/prod/asked-many/v",
  "/seldon/prod/asked-iris/v",
  "/seldon/prod/none/v",
  "/seldon/prod/constructor/v",
  "/seldon/prod/words-0/v?constructor",
  "/nowhere",
  "/",
  "*",
  "/seldon/prod/iris/../hostile/v",
  "/..",
  "/%00",
  "http://gateway/seldon/prod/iris/v",
  "http://gateway",
  "gateway:80",
  "/seldon.protos.Seldon/Predict",
  "/seldon.protos.Seldon/Predict",
  "/grpc.health.v1.Health/Check",
  "/grpc.health.v1.Health/Watch",
] as const;
const methods = [
  "GET",
  "GET",
  "POST",
  "POST",
  "POST",
  "POST",
  "PUT",
  "HEAD",
  "OPTIONS",
  "DELETE",
  "PATCH",
  "TRACE",
  "CONNECT",
  "PRI",
  "BREW",
  "get",
] as const;
const bodies = [
  "",
  "x",
  "hello",
  '{"data":{"ndarray":[[1,2]]}}',
  "\0\0\0\0\x02hi",
  "AAAAAAJoaQ==",
  "y".repeat(3000),
  "z".repeat(70_000),
  "GET /seldon/prod/iris/smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
] as const;
const someFields: readonly (readonly string[])[] = [
  ["Connection: close"],
  ["Connection: keep-alive"],
  ["Connection: keep-alive, x-a", "X-A: 1"],
  ["Expect: 100-continue"],
  ["Expect: 100-continue"],
  ["Expect: tea"],
  [
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  ],
  ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk"],
  ["Origin: http://page.example", "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: x-a"],
  ["Origin: http://page.example"],
  ["Origin: null"],
  ["Content-Type: application/grpc-web+proto"],
  ["Content-Type: application/grpc-web-text"],
  ["Content-Type: application/grpc-web", "X-Grpc-Web: 1", "Seldon: iris", "Namespace: prod"],
  ["Content-Type: application/grpc", "TE: trailers"],
  ["Content-Type: application/json"],
  ["Seldon: hostile", "Namespace: prod"],
  ["Seldon: iris", "Namespace: prod"],
  ["Seldon: iris"],
  ["grpc-timeout: 50m"],
  ["grpc-timeout: 99999999999H"],
  ["X-Request-Id: a"],
  ["X-Forwarded-For: 1.1.1.1"],
  ["Cookie: a=1"],
  ["Accept: text/event-stream"],
  [`X-Long: ${"v".repeat(5000)}`],
  Array.from({ length: 40 }, (_, index) => `X-Many-${index}: 1`),
  [`X-Huge: ${"v".repeat(62_000)}`],
];
const badChunks = [
  "ZZ",
  "ZZ\r\n",
  "5\r\nhelloX\r\n",
  "-1\r\n\r\n",
  "5;\r\nhel",
  "\r\n",
  "5 \r\nhello\r\n0\r\n\r\n",
  "ffffffffff\r\nhello",
  "0\r\nTransfer-Encoding: chunked\r\n\r\n",
  "0\r\nX\r\n\r\n",
  "00000000000000000005\r\nhello\r\n0\r\n\r\n",
  "5\nhello\n0\n\n",
  "",
];

export function chunks(draws: Draws, body: string): string {
  let text = "";
  for (let at = 0; at < body.length;) {
    const length = Math.min(body.length - at, 1 + draws.below(draws.chance(0.5) ? 10 : 40_000));
    text += `${length.toString(16)}${draws.chance(0.05) ? ";a=b" : ""}\r\n${body.slice(at, at + length)}\r\n`;
    at += length;
    if (text.length > 4 * body.length + 10_000) break;
  }
  return `${text}0\r\n${draws.chance(0.2) ? "X-Sum: 5\r\nContent-Length: 3\r\n" : ""}\r\n`;
}

/** Framing fields and what follows the head; sometimes they do not fit each other. */
function framed(draws: Draws): readonly [fields: string, rest: string] {
  const body = draws.any(bodies);
  switch (draws.below(10)) {
    case 0:
    case 1:
      return ["", ""];
    case 2:
    case 3:
    case 4:
      return [`Content-Length: ${body.length}\r\n`, body];
    case 5:
      return [`Content-Length: ${Math.max(0, body.length + draws.below(5) - 2)}\r\n`, body];
    case 6:
    case 7:
      return ["Transfer-Encoding: chunked\r\n", chunks(draws, body)];
    case 8:
      return ["Transfer-Encoding: chunked\r\n", draws.any(badChunks)];
    default:
      return draws.chance(0.5)
        ? [`Content-Length: ${body.length}\r\nTransfer-Encoding: chunked\r\n`, chunks(draws, body)]
        : [
            `Transfer-Encoding: ${draws.any(["gzip, chunked", "identity", " chunked", "CHUNKED", "x"])}\r\n`,
            chunks(draws, body),
          ];
  }
}

/** One request, by structure. */
function requestOf(draws: Draws): string {
  const [framing, rest] = framed(draws);
  const fields: string[] = [];
  for (let count = draws.below(3); count > 0; count--)
    fields.push(...draws.any(someFields).map((line) => `${line}\r\n`));
  const version = draws.chance(0.93) ? "HTTP/1.1" : draws.any(["HTTP/1.0", "HTTP/2.0", "HTTP/1.2", "HTTP/0.9"]);
  return `${draws.any(methods)} ${draws.any(targets)} ${version}\r\n${draws.chance(0.97) ? "Host: gateway\r\n" : ""}${fields.join("")}${framing}\r\n${rest}`;
}

/** What a client sends on a connection: one request to some (latin1). */
export function http1Requests(draws: Draws): readonly string[] {
  const count = draws.chance(0.7) ? 1 : 1 + draws.below(12);
  return Array.from({ length: count }, () => {
    const request = draws.chance(0.15) ? draws.any(requestCorpus).bytes.slice(0, 70_000) : requestOf(draws);
    return draws.chance(0.3) ? mutated(draws, request) : request;
  });
}
