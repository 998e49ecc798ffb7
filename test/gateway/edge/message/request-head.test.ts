// The head parser: the same result however the bytes are split, and strict about every byte.
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { more } from "../../../../gateway/edge/fields/fields.ts";
import { WireRequestHead, readRequestHead, refused } from "../../../../gateway/edge/message/request-head.ts";
import { PartialRead } from "../../../../gateway/edge/io/partial-read.ts";

const limits = { requestLineBytes: 200, headBytes: 600, headFields: 8 };

/** What a parse came to, as text. */
function read(head: WireRequestHead, bytes: Buffer, start: number, end: number): string {
  const after = readRequestHead(head, bytes, start, end, limits);
  if (after === more) return "more";
  if (after === refused) return head.fault.name;
  const text = (from: number, to: number): string => Buffer.from(head.bytes).toString("latin1", from, to);
  const fields = Array.from({ length: head.fieldCount }, (_, field) => {
    const [a, b, c, d] = head.fields.subarray(field * 4, field * 4 + 4) as unknown as [number, number, number, number];
    return `${text(a, b)}=${text(c, d)}(${head.kinds[field]})`;
  });
  const path = Buffer.from(head.pathBytes).toString("latin1", head.pathStart, head.queryEnd);
  return [
    after - start,
    text(head.methodStart, head.methodEnd),
    text(head.targetStart, head.targetEnd),
    path,
    head.pathEnd - head.pathStart,
    head.queryStart - head.pathStart,
    text(head.authorityStart, head.authorityEnd),
    head.contentLength,
    head.framing,
    head.close,
    head.http11,
    head.grpc,
    head.grpcWeb,
    head.grpcTimeoutMs,
    head.expectsContinue,
    head.websocket,
    head.takesTrailers,
    head.wantsJson,
    head.isHead,
    ...fields,
  ].join(" ");
}

/** The whole at once, from the middle of a larger buffer full of other bytes. */
function atOnce(text: string): string {
  const bytes = Buffer.from(`GARBAGE${text}\0MORE GARBAGE\r\n\r\n`, "latin1");
  bytes[7 + text.length] = 0;
  return read(new WireRequestHead(), bytes, 7, 7 + text.length);
}

/** Piece by piece, as a connection does: what is not complete is carried and read again. */
function inPieces(text: string, cuts: readonly number[]): string {
  const partial = new PartialRead();
  const head = new WireRequestHead();
  const ends = [...new Set(cuts.map((cut) => cut % (text.length + 1)))].sort((a, b) => a - b);
  let from = 0;
  let outcome = "more";
  for (const to of [...ends, text.length]) {
    partial.append(Buffer.from(text.slice(from, to), "latin1"), 0, to - from);
    from = to;
    outcome = read(head, partial.bytes, partial.start, partial.end);
    if (outcome !== "more") return outcome;
  }
  return outcome;
}

const piece = fc.constantFrom(
  "GET ",
  "POST ",
  "/",
  "/a/../b",
  "/seldon/ns/m/",
  "?q=1",
  " HTTP/1.1\r\n",
  " HTTP/1.0\r\n",
  "Host: a\r\n",
  "Host: b\r\n",
  "content-length: 5\r\n",
  "Content-Length: 05\r\n",
  "transfer-encoding: chunked\r\n",
  "X: y\r\n",
  "Connection: close, x\r\n",
  "Connection: host\r\n",
  "content-type: application/grpc\r\n",
  "\r\n",
  "\n",
  "\r",
  " ",
  "\t",
  ":",
  "\0",
  "a".repeat(150),
  "é",
  "http://a",
  "http://a:80/%2e%2E/x",
  "HTTPS://A/?#",
  "*",
  "%2e/",
  "//",
  "host:a\r\n",
  "Host: [::1]:80\r\n",
  "Host: a,b\r\n",
  "upgrade: WebSocket\r\n",
  "connection: keep-alive, Upgrade\r\n",
  "connection: te, x-y,,\r\n",
  "Expect: 100-Continue\r\n",
  "Expect: x\r\n",
  "TE: gzip, trailers \r\n",
  "grpc-timeout: 5S\r\n",
  "content-type: application/grpc-web-text+proto \r\n",
  "accept: a/json\r\n",
  "HEAD ",
  "CONNECT ",
  "PRI * HTTP/2.0\r\n",
);
const headText = fc.oneof(
  fc.array(piece, { maxLength: 14 }).map((pieces) => pieces.join("")),
  fc
    .array(piece, { maxLength: 8 })
    .map((pieces) => `POST /seldon/ns/m/x?a=b HTTP/1.1\r\nHost: h:80\r\n${pieces.join("")}\r\n\r\n`),
);

test("any split of the bytes gives the same result", () => {
  fc.assert(
    fc.property(headText, fc.array(fc.nat(), { maxLength: 12 }), (text, cuts) => {
      const outcome = atOnce(text);
      const split = inPieces(text, cuts);
      expect(split).toBe(outcome);
    }),
    { numRuns: 3000 },
  );
});

test("one byte at a time gives the same result", () => {
  fc.assert(
    fc.property(headText, (text) => {
      expect(
        inPieces(
          text,
          Array.from({ length: text.length }, (_, index) => index),
        ),
      ).toBe(atOnce(text));
    }),
    { numRuns: 300 },
  );
});

describe("a byte more is never read", () => {
  test.each(["GET / HTTP/1.1\r\nHost: a\r\n\r\n", "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"])(
    "%j",
    (text) => {
      for (let length = 0; length < text.length; length++) expect(atOnce(text.slice(0, length))).toBe("more");
      expect(atOnce(text)).toMatch(new RegExp(`^${text.length} `));
    },
  );
});

test("names are known by their bytes, not by their hash alone", () => {
  const head = new WireRequestHead();
  // Length, first, middle and last byte as in content-length: the same slot.
  const text = "POST /x HTTP/1.1\r\nHost: a\r\nc0nten-_-lengtx: 1\r\ncXXXXXX-XXXXXh: 5\r\n\r\n";
  const bytes = Buffer.from(`${text}\0`, "latin1");
  expect(readRequestHead(head, bytes, 0, text.length, limits)).toBe(text.length);
  expect(head.contentLength).toBe(-1);
});
