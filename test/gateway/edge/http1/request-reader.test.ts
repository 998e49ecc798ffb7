// What is sent ahead of an answer: how much of it waits, and when reading stops.
import { beforeEach, describe, expect, test } from "vitest";
import { WireRequestHead } from "../../../../gateway/edge/message/request-head.ts";
import { RequestReader, type RequestTaker } from "../../../../gateway/edge/http1/request-reader.ts";
import { Trailers } from "../../../../gateway/edge/http1/trailers.ts";
import { defaultLimits } from "../../../../gateway/options/limits.ts";

const request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/** Counts what it is told. */
class Counting implements RequestTaker {
  heads = 0;
  stops = 0;
  head(): void {
    this.heads += 1;
  }
  body(): void {}
  end(): void {}
  flush(): void {}
  refuse(): void {}
  abort(): void {}
  awaitsHead(): void {}
  sentEnough(): void {
    this.stops += 1;
  }
}

test("a taker that reads on behind a malformed body is a fault, not an endless loop", () => {
  const reader = new RequestReader(
    { requestHead: new WireRequestHead(), trailers: new Trailers() },
    defaultLimits,
    new Counting(),
  );
  const bytes = Buffer.from("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nZZ\0");
  expect(() => reader.received(bytes, 0, bytes.length - 1)).toThrow("no progress while reading: chunked");
});

describe("requests sent ahead", () => {
  let taker: Counting;
  let reader: RequestReader;

  beforeEach(() => {
    taker = new Counting();
    reader = new RequestReader(
      { requestHead: new WireRequestHead(), trailers: new Trailers() },
      { ...defaultLimits, pipelinedRequests: 3 },
      taker,
    );
    feed(request);
  });

  function feed(text: string): void {
    const bytes = Buffer.from(`${text}\0`);
    reader.received(bytes, 0, bytes.length - 1);
  }

  test("two wait and reading goes on; the third stops it, and so does a fourth", () => {
    feed(request);
    feed(request);
    expect(taker.stops).toBe(0);
    feed(request);
    expect(taker.stops).toBe(1);
    feed(request);
    expect(taker.stops).toBe(2);
    expect(taker.heads).toBe(1);
  });

  test("they come one by one, each when the one before it is answered", () => {
    feed(request.repeat(4));
    for (let heads = 1; heads <= 5; heads++) {
      expect(taker.heads).toBe(heads);
      reader.next(false);
    }
    expect(reader.carries).toBe(false);
  });

  test("bytes without an end: 16,383 wait and reading goes on, one more stops it", () => {
    feed("x".repeat(16 * 1024 - 1));
    expect(taker.stops).toBe(0);
    feed("x");
    expect(taker.stops).toBe(1);
  });

  test("the next one waits while the client does not take its answers", () => {
    feed(request);
    reader.next(true);
    expect(taker.heads).toBe(1);
    reader.release();
    expect(taker.heads).toBe(2);
  });
});
