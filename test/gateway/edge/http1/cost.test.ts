// What HTTP/1.1 costs that comes byte by byte, up to the limits: time in proportion to its length.
import { describe, expect, test } from "vitest";
import { RequestReader, type RequestTaker } from "../../../../gateway/edge/http1/request-reader.ts";
import {
  ResponseReader,
  type ResponseOwner,
  type ResponseTaker,
} from "../../../../gateway/edge/http1/response-reader.ts";
import { Trailers, mostTrailerBytes } from "../../../../gateway/edge/http1/trailers.ts";
import { WireRequestHead } from "../../../../gateway/edge/message/request-head.ts";
import { ResponseHead } from "../../../../gateway/edge/message/response-head.ts";
import { defaultLimits } from "../../../../gateway/options/limits.ts";
import { holdsLinear } from "../../../cpu-time.ts";

const requestHead = new WireRequestHead();
const responseHead = new ResponseHead();
const trailers = new Trailers();
/** As the read buffer of a worker: behind what came lie the bytes of others, line ends among them. */
const shared = Buffer.alloc(128 * 1024, "\r\n");

/** What each of them takes, byte by byte. */
function byteByByte(text: string, take: (bytes: Buffer, start: number, end: number) => void): void {
  for (let at = 0; at < text.length; at++) {
    shared[0] = text.charCodeAt(at);
    shared[1] = 0;
    take(shared, 0, 1);
  }
}

class Requests implements RequestTaker {
  heads = 0;
  refused = "";
  head(): void {
    this.heads += 1;
  }
  body(): void {}
  end(): void {}
  flush(): void {}
  refuse(failure: { readonly name: string }): void {
    this.refused = failure.name;
  }
  abort(failure: { readonly name: string }): void {
    this.refused = failure.name;
  }
  awaitsHead(): void {}
  sentEnough(): void {}
}

function requestsIn(text: string): Requests {
  const taker = new Requests();
  const reader = new RequestReader({ requestHead, trailers }, defaultLimits, taker);
  byteByByte(text, (bytes, start, end) => {
    if (taker.refused !== "") return;
    reader.received(bytes, start, end);
  });
  return taker;
}

/** Field lines of so many bytes together. */
function fieldsOf(bytes: number, lineBytes: number): string {
  return Array.from({ length: Math.floor(bytes / lineBytes) }, () => `x: ${"v".repeat(lineBytes - 5)}\r\n`).join("");
}

const line = "POST /a HTTP/1.1\r\nHost: a\r\n";

describe("requests in pieces of one byte", () => {
  test.each<readonly [string, number, (size: number) => string]>([
    ["one long field", 7000, (size) => `${line}x: ${"v".repeat(size)}\r\n\r\n`],
    ["many fields", 7000, (size) => `${line}${fieldsOf(size, 700)}\r\n`],
    ["short fields", 70, (size) => `${line}${fieldsOf(size, 7)}\r\n`],
    ["a long target", 1000, (size) => `GET /${"a".repeat(size)} HTTP/1.1\r\nHost: a\r\n\r\n`],
    ["trailers", 1000, (size) => `${line}Transfer-Encoding: chunked\r\n\r\n0\r\n${fieldsOf(size, 500)}\r\n`],
    [
      "one long trailer",
      1000,
      (size) => `${line}Transfer-Encoding: chunked\r\n\r\n0\r\nx: ${"v".repeat(size)}\r\n\r\n`,
    ],
    [
      "extensions of chunks",
      1920,
      (size) =>
        `${line}Transfer-Encoding: chunked\r\n\r\n${`1;${"e".repeat(239)}\r\na\r\n`.repeat(size / 240)}0\r\n\r\n`,
    ],
    [
      "chunks of one byte",
      2000,
      (size) => `${line}Transfer-Encoding: chunked\r\n\r\n${"1\r\na\r\n".repeat(size)}0\r\n\r\n`,
    ],
  ])("%s", async (_what, size, textOf) => {
    await holdsLinear(size, textOf, (text) => {
      expect(requestsIn(text)).toMatchObject({ heads: 1, refused: "" });
    });
  });

  test("sent ahead", async () => {
    await holdsLinear(
      2000,
      (size) => `GET / HTTP/1.1\r\nHost: a\r\n\r\n${"GET / HTTP/1.1\r\nHost: a\r\n\r\n".repeat(7)}${"x".repeat(size)}`,
      requestsIn,
    );
  });
});

describe("what never ends", () => {
  test.each([
    ["a line", "x".repeat(70_000), "request-line-too-long"],
    ["a field", `${line}x: ${"v".repeat(70_000)}`, "head-too-large"],
    ["many fields", line + "x:\r\n".repeat(300), "head-too-large"],
    ["trailers", `${line}Transfer-Encoding: chunked\r\n\r\n0\r\nx: ${"v".repeat(mostTrailerBytes)}`, "malformed-body"],
    ["empty lines", "\r\n".repeat(300), "malformed-request"],
    ["what is no field", `${line}x\r\n`, "malformed-request"],
    ["a bare CR", `${line}x: 1\rx`, "malformed-request"],
    ["a CR behind a CR", `${line}x: 1\r\r`, "malformed-request"],
    ["a control byte", `${line}x: 1\x01`, "malformed-request"],
    ["what is no field of a trailer", `${line}Transfer-Encoding: chunked\r\n\r\n0\r\nx\r\n`, "malformed-body"],
  ])("%s is refused where it shows", (_what, text, name) => {
    expect(requestsIn(text).refused).toBe(name);
  });
});

/** How often the user of responses was told something. */
function toldOf(text: string): { readonly told: number; readonly outcome: string } {
  let told = 0;
  let outcome = "reading";
  const tell = (): void => void (told += 1);
  const user: ResponseTaker = { isHead: false, informational: tell, upgraded: tell, head: tell, body: tell, end: tell };
  const owner: ResponseOwner = { user, upgrades: true, answered: () => undefined };
  const reader = new ResponseReader({ responseHead, trailers }, defaultLimits, owner);
  reader.begin();
  byteByByte(text, (bytes, start, end) => {
    if (outcome === "reading") outcome = reader.received(user, bytes, start, end);
  });
  return { told, outcome };
}

describe("responses in pieces of one byte", () => {
  test.each<readonly [string, number, (size: number) => string]>([
    ["one long field", 7000, (size) => `HTTP/1.1 204 No Content\r\nx: ${"v".repeat(size)}\r\n\r\n`],
    ["many fields", 7000, (size) => `HTTP/1.1 204 No Content\r\n${fieldsOf(size, 70)}\r\n`],
    ["a long reason", 7000, (size) => `HTTP/1.1 204 ${"a".repeat(size)}\r\n\r\n`],
    [
      "trailers",
      1000,
      (size) => `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n${fieldsOf(size, 500)}\r\n`,
    ],
    ["a body", 8000, (size) => `HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n${"a".repeat(size)}`],
    [
      "a tunnel",
      8000,
      (size) =>
        `HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\nx: ${"v".repeat(size / 2)}\r\n\r\n${"a".repeat(size)}`,
    ],
  ])("%s", async (what, size, textOf) => {
    await holdsLinear(size, textOf, (text) => {
      expect(toldOf(text).outcome).toBe(what === "a tunnel" ? "reading" : "over");
    });
  });

  test.each([
    ["a head", `HTTP/1.1 200 OK\r\nx: ${"v".repeat(70_000)}`],
    ["what is no field", "HTTP/1.1 200 OK\r\nx\r\n"],
  ])("%s without end is malformed", (_what, text) => {
    expect(toldOf(text).outcome).toBe("malformed");
  });
});
