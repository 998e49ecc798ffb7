// The Connection field: how many tokens one head may have, and what they cost.
import { describe, expect, test } from "vitest";
import { mostConnectionTokens } from "../../../../gateway/edge/fields/connection-field.ts";
import { more } from "../../../../gateway/edge/fields/fields.ts";
import { WireRequestHead, readRequestHead, refused } from "../../../../gateway/edge/message/request-head.ts";
import { ResponseHead, readResponseHead } from "../../../../gateway/edge/message/response-head.ts";
import { defaultLimits } from "../../../../gateway/options/limits.ts";

function requestOf(fields: string): string {
  const bytes = Buffer.from(`GET / HTTP/1.1\r\nHost: a\r\n${fields}\r\n`);
  const head = new WireRequestHead();
  const after = readRequestHead(head, bytes, 0, bytes.length, defaultLimits);
  if (after === refused) return head.fault.name;
  return after === more ? "more" : "read";
}

/** So many tokens, in fields of so many. */
function connection(tokens: number, each: number): string {
  return Array.from({ length: Math.ceil(tokens / each) }, (_, field) => {
    const count = Math.min(each, tokens - field * each);
    return `Connection: ${Array.from({ length: count }, (_each, index) => `x-${field}-${index}`).join(", ")}\r\n`;
  }).join("");
}

describe.each([1, 8, 100])("tokens in fields of %i", (each) => {
  test.each([
    [mostConnectionTokens - 1, "read"],
    [mostConnectionTokens, "read"],
    [mostConnectionTokens + 1, "malformed-request"],
    [80, "malformed-request"],
  ])("%i tokens of a request: %s", (tokens, outcome) => {
    expect(requestOf(connection(tokens, each))).toBe(outcome);
  });

  test("of a response as many", () => {
    const outcomes = [mostConnectionTokens - 1, mostConnectionTokens, mostConnectionTokens + 1].map((tokens) => {
      const bytes = Buffer.from(`HTTP/1.1 200 OK\r\n${connection(tokens, each)}Content-Length: 0\r\n\r\n`);
      return readResponseHead(new ResponseHead(), bytes, 0, bytes.length, false, 65_536) > 0;
    });
    expect(outcomes).toEqual([true, true, false]);
  });
});

test("what one field says holds beside what the others say", () => {
  const bytes = Buffer.from(
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nConnection: x-a\r\nConnection: upgrade\r\nUpgrade: websocket\r\nx-a: 1\r\n\r\n",
  );
  const head = new WireRequestHead();
  readRequestHead(head, bytes, 0, bytes.length, defaultLimits);
  expect([head.close, head.websocket]).toEqual([true, true]);
});
