import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RequestHead } from "../../../routing/request/head.ts";
import { canonicalPath } from "../../../routing/request/path.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

interface Canonical {
  readonly path: string;
  readonly query: string;
  /** The head points into the bytes that were sent. */
  readonly asSent: boolean;
}

/** The canonical form of a target that stands inside a larger buffer, or null when it is refused. */
function canonical(target: string): Canonical | null {
  const bytes = encoder.encode(`GET ${target} HTTP/1.1`);
  const head = new RequestHead();
  if (!canonicalPath(bytes, 4, bytes.length - 9, head)) return null;
  const text = (start: number, end: number): string => decoder.decode(head.pathBytes.subarray(start, end));
  return {
    path: text(head.pathStart, head.pathEnd),
    query: text(head.queryStart, head.queryEnd),
    asSent: head.pathBytes === bytes,
  };
}

describe("as sent", () => {
  it.each([
    "/",
    "//",
    "/a//b/",
    "/v1/models/m:predict",
    "/a%2Fb",
    "/a%2fb",
    "/.well-known/x",
    "/a/...",
    "/a/..b",
    "/a/.b/c",
    "/%2e%2e%2e/",
    "/é",
    "/a%20b",
    "/..;/x",
    "/%",
    "/%2",
    "/a/%2eb",
  ])("%s", (path) => {
    expect(canonical(`${path}?q=/../%00\\`)).toEqual({ path, query: "q=/../%00\\", asSent: true });
    expect(canonical(path)).toEqual({ path, query: "", asSent: true });
  });
});

describe("dot segments are removed", () => {
  it.each([
    ["/a/./b", "/a/b"],
    ["/a/../b", "/b"],
    ["/a/%2e/b", "/a/b"],
    ["/a/%2E%2e/b", "/b"],
    ["/a/.%2e/b", "/b"],
    ["/a/%2e./b", "/b"],
    ["/a/..", "/"],
    ["/a/.", "/a/"],
    ["/.", "/"],
    ["/a/b/../..", "/"],
    ["/a//../b", "/a/b"],
    ["//..", "/"],
    ["/need-normalization/../X/", "/X/"],
    ["/seldon/a/m/../../b/m/api", "/seldon/b/m/api"],
  ])("%s is %s", (target, path) => {
    expect(canonical(target)).toMatchObject({ path });
    expect(canonical(`${target}?q=%2e%2e`)).toMatchObject({ path, query: "q=%2e%2e" });
  });
});

describe("refused", () => {
  it.each([
    "",
    "*",
    "a/b",
    "/..",
    "/../a",
    "/a/../..",
    "/%2e%2e/",
    "/a\\b",
    "/a%00",
    "/a#b",
    "/a b",
    "/a\tb",
    "/a\u0000b",
    "/a\u007fb",
    "/a?b#c",
    "/a?b c",
    "/a?b\u0001",
  ])("%j", (target) => {
    expect(canonical(target)).toBeNull();
  });
});

it("is idempotent, leaves no dot segment and keeps the query", () => {
  const piece = fc.constantFrom("/", "/", ".", "..", "%2e", "%2E", "%2F", "a", ":", "%", "2", "e");
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 14 }), fc.constantFrom("", "?", "?a=/../b"), (pieces, query) => {
      const once = canonical(`/${pieces.join("")}${query}`);
      if (once === null) return;
      expect(once.query).toBe(query.slice(1));
      expect(once.path.split("/").some((segment) => /^(\.|%2e){1,2}$/i.test(segment))).toBe(false);
      expect(canonical(once.path)).toEqual({ path: once.path, query: "", asSent: true });
    }),
    { numRuns: 2000 },
  );
});
