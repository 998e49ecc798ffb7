// The load generator's own reader of answers: what it takes for a right answer decides whether a run counts.
import { describe, expect, test } from "vitest";
import { joinChunks, readAnswer, type Answer } from "../../load/peers/answer.ts";

function blank(): Answer {
  return { status: 0, bodyStart: 0, bodyEnd: 0, chunked: false, close: false };
}

function read(text: string, start = 0): { readonly complete: boolean; readonly answer: Answer } {
  const bytes = Buffer.from(text, "latin1");
  const answer = blank();
  return { complete: readAnswer(bytes, start, bytes.length, answer), answer };
}

const one = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc";
const two = "HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

describe("readAnswer", () => {
  test("an answer is complete with its last byte, and not before", () => {
    for (let end = 0; end < one.length; end++) expect(read(one.slice(0, end)).complete, `${end} bytes`).toBe(false);
    expect(read(one)).toMatchObject({ complete: true, answer: { status: 200, bodyEnd: one.length, close: false } });
  });

  test("answers one behind the other are read from where the one before ends", () => {
    const first = read(one + two);
    expect(first).toMatchObject({ complete: true, answer: { status: 200, bodyEnd: one.length } });
    expect(read(one + two, first.answer.bodyEnd)).toMatchObject({
      complete: true,
      answer: { status: 503, close: true, bodyEnd: one.length + two.length },
    });
  });

  test("a chunked answer ends with its last chunk, and its body is put together", () => {
    const head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    const whole = `${head}3\r\nabc\r\na\r\n0123456789\r\n0\r\n\r\n`;
    expect(read(whole.slice(0, -1)).complete).toBe(false);
    const { complete, answer } = read(whole);
    expect(complete).toBe(true);
    expect(joinChunks(Buffer.from(whole), answer.bodyStart, answer.bodyEnd)).toBe("abc0123456789");
  });

  test("an answer without a length, or with one that is no number, is an error", () => {
    expect(() => read("HTTP/1.1 200 OK\r\n\r\nabc")).toThrow("without content-length");
    expect(() => read("HTTP/1.1 200 OK\r\ncontent-length: -3\r\n\r\nabc")).toThrow("without content-length");
  });
});
