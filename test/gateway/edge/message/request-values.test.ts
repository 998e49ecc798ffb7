// Whose address a request comes from, as text and as bytes.
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { clientFacts } from "../../../../gateway/edge/message/client-facts.ts";
import { WireRequestHead, readRequestHead } from "../../../../gateway/edge/message/request-head.ts";
import { clientAddress, readClientAddress } from "../../../../gateway/edge/message/request-values.ts";
import { parseAddress, printAddress } from "../../../../routing/text/address.ts";
import { frontWith } from "../../fixtures.ts";

function headOf(lists: readonly string[]): WireRequestHead {
  const text = `GET / HTTP/1.1\r\nHost: h\r\n${lists.map((list) => `X: 9.9.9.9\r\nX-Forwarded-For: ${list}\r\n`).join("")}\r\n\0`;
  const head = new WireRequestHead();
  const bytes = Buffer.from(text, "latin1");
  expect(
    readRequestHead(head, bytes, 0, bytes.length - 1, { requestLineBytes: 8192, headBytes: 60_000, headFields: 100 }),
  ).toBeGreaterThan(0);
  return head;
}

const room = new Uint8Array(16);

/** null: nobody's. */
function addressOf(lists: readonly string[], hops: number, peer = "192.0.2.1"): string | null {
  const length = readClientAddress(headOf(lists), clientFacts(peer, null, frontWith(hops)), room);
  return length === 0 ? null : printAddress([...room.subarray(0, length)]);
}

describe("as bytes", () => {
  test.each<readonly [string, readonly string[], number, string | null]>([
    ["the peer, where no proxy is believed", ["198.51.100.7"], 0, "192.0.2.1"],
    ["the peer, where no proxy wrote anything", [], 1, "192.0.2.1"],
    ["the last that one proxy wrote", ["6.6.6.6, 198.51.100.7"], 1, "198.51.100.7"],
    ["the last but one of two", ["6.6.6.6, 198.51.100.7,203.0.113.5"], 2, "198.51.100.7"],
    ["in a line of its own, as some proxies write it", ["6.6.6.6", "198.51.100.7"], 1, "198.51.100.7"],
    ["over several lines", ["6.6.6.6, 198.51.100.7", "203.0.113.5"], 2, "198.51.100.7"],
    ["IPv6", ["2001:DB8::7"], 1, "2001:db8::7"],
    ["IPv6 that maps IPv4", ["::ffff:198.51.100.7"], 1, "198.51.100.7"],
    ["with blanks around", ["6.6.6.6,\t 198.51.100.7 \t, 203.0.113.5"], 2, "198.51.100.7"],
    ["nobody's: a list shorter than the proxies", ["198.51.100.7"], 2, null],
    ["nobody's: not an address", ["unknown"], 1, null],
    ["nobody's: with a port", ["198.51.100.7:4711"], 1, null],
    ["nobody's: in brackets", ["[2001:db8::7]"], 1, null],
    ["nobody's: an empty place", ["198.51.100.7,"], 1, null],
    ["nobody's: an empty line", ["198.51.100.7", ""], 1, null],
    ["nobody's: only what the client says is an address", ["198.51.100.7, x"], 1, null],
  ])("%s", (_what, lists, hops, address) => {
    expect(addressOf(lists, hops)).toBe(address);
  });

  test("a peer that no balancer knows is nobody", () => {
    expect(addressOf([], 0, "unknown")).toBeNull();
  });

  test("it is the address that header variables and stickiness have, wherever it is one", () => {
    const item = fc.constantFrom(
      "198.51.100.7",
      "2001:db8::7",
      "::ffff:1.2.3.4",
      "unknown",
      "",
      " ",
      "\t10.0.0.1 ",
      "1.2.3.4:5",
      "a b",
    );
    fc.assert(
      fc.property(
        fc.array(
          fc.array(item, { minLength: 1, maxLength: 4 }).map((items) => items.join(",")),
          { maxLength: 3 },
        ),
        fc.nat({ max: 5 }),
        (lists, hops) => {
          const read = addressOf(lists, hops);
          const told = clientAddress(headOf(lists), clientFacts("192.0.2.1", null, frontWith(hops)));
          const items = lists.join(",").split(",");
          if (read !== null) expect(printAddress(parseAddress(told)!)).toBe(read);
          else
            expect(lists.length > 0 && (items.length < hops || parseAddress(items.at(-hops)!.trim()) === null)).toBe(
              true,
            );
        },
      ),
      { numRuns: 1000 },
    );
  });
});
