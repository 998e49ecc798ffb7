// Copies of a request head with a change made: fields and parameters that go, fields that come.
import { describe, expect, test } from "vitest";
import { copyOfHead, noChange, type HeadChange } from "../../../../gateway/edge/message/head-copy.ts";
import { WireRequestHead, readRequestHead } from "../../../../gateway/edge/message/request-head.ts";
import { fieldNamed, fieldText } from "../../../../routing/request/bytes.ts";

function headOf(target: string, fields = ""): WireRequestHead {
  const text = `GET ${target} HTTP/1.1\r\nHost: h\r\n${fields}\r\n\0`;
  const head = new WireRequestHead();
  const bytes = Buffer.from(text, "latin1");
  expect(
    readRequestHead(head, bytes, 0, bytes.length - 1, { requestLineBytes: 8192, headBytes: 60_000, headFields: 100 }),
  ).toBeGreaterThan(0);
  return head;
}

function pathOf({
  pathBytes,
  pathStart,
  pathEnd,
  queryStart,
  queryEnd,
}: WireRequestHead): readonly [path: string, query: string, whole: string] {
  const text = Buffer.from(pathBytes).toString("latin1");
  return [text.slice(pathStart, pathEnd), text.slice(queryStart, queryEnd), text.slice(pathStart, queryEnd)];
}

const changed = (target: string, change: Partial<HeadChange>): ReturnType<typeof pathOf> =>
  pathOf(copyOfHead(headOf(target), { ...noChange, ...change }));

describe("a parameter that goes", () => {
  test.each([
    ["/p?t=1", "/p", "", "/p"],
    ["/p?t=1&a=2", "/p", "a=2", "/p?a=2"],
    ["/p?a=2&t=1", "/p", "a=2", "/p?a=2"],
    ["/p?a=%20+&t=1&b&&c=", "/p", "a=%20+&b&&c=", "/p?a=%20+&b&&c="],
    ["/p?t=1&t=2&%74=3&T=4", "/p", "T=4", "/p?T=4"],
    ["/p?t", "/p", "", "/p"],
    ["/p?tt=1&at=t=1", "/p", "tt=1&at=t=1", "/p?tt=1&at=t=1"],
    ["/a/../p?t=1", "/p", "", "/p"],
    ["/p?", "/p", "", "/p?"],
    ["/p", "/p", "", "/p"],
  ])("of %s leaves the others byte for byte", (target, path, query, whole) => {
    expect(changed(target, { removeParameters: ["t"] })).toEqual([path, query, whole]);
  });
});

test("without a change the target is as it was", () => {
  expect(changed("/p?t=1&", {})).toEqual(["/p", "t=1&", "/p?t=1&"]);
});

test("a field that goes takes its spellings with _ along, in any case, and leaves its neighbours", () => {
  const copy = copyOfHead(headOf("/p", "X-User: a\r\nx_user: b\r\nX-USER: c\r\nx-users: d\r\n"), {
    ...noChange,
    remove: ["x-user"],
    add: [["x-user", "e"]],
  });
  expect(fieldText(copy, "x-user", fieldNamed(copy, "x-user", 0))).toBe("e");
  expect(fieldNamed(copy, "x_user", 0)).toBe(-1);
  expect(fieldText(copy, "x-users", fieldNamed(copy, "x-users", 0))).toBe("d");
});
