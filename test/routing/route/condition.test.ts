import { describe, expect, it } from "vitest";
import { decide } from "../../../routing/decide.ts";
import type { RequestHead } from "../../../routing/request/head.ts";
import type { HeadText } from "../../../routing/request/head-text.ts";
import type { Match, ValueMatch } from "../../../routing/model/match.ts";
import { hostOf, is, mapping, match, named, prefix, request, tableOf } from "../build.ts";

function matches(conditions: Partial<Match>, head: Partial<HeadText>, path = "/"): boolean {
  return decide(tableOf([mapping("m", match(prefix("/"), conditions))]), request(path, head), 0).kind === "forward";
}

const re = (pattern: string): ValueMatch => ({ kind: "regex", pattern });
const present: ValueMatch = { kind: "present" };

describe("headers", () => {
  it.each<[string, ValueMatch, [string, string][], boolean]>([
    ["exact", is("london"), [["location", "london"]], true],
    ["names in any case", is("london"), [["Location", "london"]], true],
    ["values in their case", is("london"), [["location", "London"]], false],
    ["the whole value", is("lond"), [["location", "london"]], false],
    ["absent", is("london"), [], false],
    [
      "several lines are joined with a comma",
      is("a,b"),
      [
        ["location", "a"],
        ["x", "y"],
        ["LOCATION", "b"],
      ],
      true,
    ],
    [
      "and one of them alone is not the value",
      is("a"),
      [
        ["location", "a"],
        ["location", "b"],
      ],
      false,
    ],
    ['"*" is no wildcard', is("*"), [["location", "x"]], false],
    ["presence, also of an empty value", present, [["location", ""]], true],
    ["presence of an absent one", present, [], false],
    ["a regex is a full match", re("lond.*"), [["location", "xlondon"]], false],
    ["a regex that matches", re("lond.*"), [["location", "london"]], true],
    [
      "a regex over joined lines",
      re("a,.*"),
      [
        ["location", "a"],
        ["location", "b"],
      ],
      true,
    ],
    ["text beyond ASCII is its UTF-8 bytes", is("zürich"), [["location", "zürich"]], true],
    ["however long it is", is("€".repeat(65_000)), [["location", "€"]], false],
    ["a regex reads UTF-8", re("z.rich"), [["location", "zürich"]], true],
  ])("%s", (_name, value, headers, expected) => {
    expect(matches({ headers: [named("location", value)] }, { headers })).toBe(expected);
  });

  it("all must hold", () => {
    const conditions = { headers: [named("a", is("1")), named("a", re("[0-9]")), named("b", is("2"))] };
    expect(
      matches(conditions, {
        headers: [
          ["b", "2"],
          ["a", "1"],
        ],
      }),
    ).toBe(true);
    expect(matches(conditions, { headers: [["a", "1"]] })).toBe(false);
  });
});

describe("query", () => {
  it.each<[string, string, ValueMatch, boolean]>([
    ["exact", "/?v=1", is("1"), true],
    ["any position", "/?a=b&v=1", is("1"), true],
    ["the first occurrence", "/?v=2&v=1", is("1"), false],
    ["the raw value, not decoded", "/?v=%31", is("1"), false],
    ["raw as written", "/?v=%31", is("%31"), true],
    ["names in their case", "/?V=1", is("1"), false],
    ["without a value it is empty", "/?v", is(""), true],
    ["a value may hold =", "/?v=a=b", is("a=b"), true],
    ["presence", "/?v", present, true],
    ["absent", "/?w=1", present, false],
    ["no query", "/", present, false],
    ["a regex is a full match", "/?v=12", re("[0-9]"), false],
  ])("%s", (_name, path, value, expected) => {
    expect(matches({ query: [named("v", value)] }, {}, path)).toBe(expected);
  });
});

describe("method", () => {
  it("is exact", () => {
    expect(matches({ method: is("GET") }, { method: "GET" })).toBe(true);
    expect(matches({ method: is("GET") }, { method: "get" })).toBe(false);
  });
  it("or a regex", () => {
    expect(matches({ method: re("GET|PUT") }, { method: "PUT" })).toBe(true);
    expect(matches({ method: re("GET|PUT") }, { method: "PUTS" })).toBe(false);
  });
});

describe("host", () => {
  it.each([
    ["foo.com", "foo.com", true],
    ["foo.com", "FOO.com", true],
    ["foo.com", "foo.com:8080", true],
    ["foo.com", "xfoo.com", false],
    ["foo.com", "", false],
    ["*", "", true],
    ["*.foo.com", "a.foo.com:80", true],
    ["*.foo.com", ".foo.com", false],
    ["*-x.com", "a-x.com", true],
    ["foo.*", "foo.com", true],
    ["foo.*", "foo.", false],
    ["[::1]", "[::1]", true],
    ["[::1]", "[::1]:8003", true],
  ])("%s against %s", (glob, host, expected) => {
    expect(matches({ host: hostOf(glob) }, { host })).toBe(expected);
  });
  it("a regex sees the host in lower case and without its port", () => {
    expect(matches({ host: { kind: "regex", pattern: "f.o" } }, { host: "FOO:80" })).toBe(true);
  });
});

describe("what regexes may cost one request", () => {
  const headed = (bytes: number): [RequestHead, boolean] => {
    const head = request("/", { headers: [["x", "a".repeat(bytes)]] });
    return [
      head,
      decide(tableOf([mapping("m", match(prefix("/"), { headers: [named("x", re("a*"))] }))]), head, 0).kind ===
        "forward",
    ];
  };
  it.each([
    [4095, true, 0],
    [4096, true, 0],
    [4097, false, 1],
  ])("a header of %i bytes", (bytes, expected, unmatched) => {
    const [head, holds] = headed(bytes);
    expect([holds, head.unmatchedTexts]).toEqual([expected, unmatched]);
  });
  it("several lines of one name count together", () => {
    const table = tableOf([mapping("m", match(prefix("/"), { headers: [named("x", re("[a,]*"))] }))]);
    const lines = (last: number): RequestHead =>
      request("/", {
        headers: [
          ["x", "a".repeat(2047)],
          ["x", "a".repeat(last)],
        ],
      });
    expect(decide(table, lines(2048), 0).kind).toBe("forward");
    expect(decide(table, lines(2049), 0).kind).toBe("reject");
  });
  it.each<[string, Partial<Match>, (length: number) => Partial<HeadText>, string]>([
    ["a host", { host: { kind: "regex", pattern: "a*" } }, (length) => ({ host: "a".repeat(length) }), "/"],
    ["a method", { method: re("a*") }, (length) => ({ method: "a".repeat(length) }), "/"],
  ])("%s of 4096 bytes matches, and a longer one does not", (_name, conditions, head, path) => {
    expect([4096, 4097].map((length) => matches(conditions, head(length), path))).toEqual([true, false]);
  });
  it("a query parameter of 4096 bytes matches, and a longer one does not", () => {
    expect(
      [4096, 4097].map((length) => matches({ query: [named("v", re("a*"))] }, {}, `/?v=${"a".repeat(length)}`)),
    ).toEqual([true, false]);
  });
  it("50 regexes on a header of 4096 bytes are 204,850 steps, also of Routes that are not tried any more", () => {
    const table = tableOf(
      Array.from({ length: 50 }, (_, index) =>
        mapping(`m${index}`, match(prefix("/"), { headers: [named("x", re(`a*${index}`))] })),
      ),
    );
    const head = request("/", { headers: [["x", "a".repeat(4096)]] });
    expect(decide(table, head, 0)).toMatchObject({ kind: "reject", reason: "no-route" });
    expect(head.regexSteps).toBe(50 * 4097);
    decide(table, head, 0);
    expect(head.regexSteps).toBe(50 * 4097);
  });
  it("a request that would need more is refused, and no wider Route gets it", () => {
    const costly = Array.from({ length: 16 }, (_, index) =>
      mapping(`m${index}`, match(prefix("/a/"), { headers: [named("x", re(`(?:.*a.{90}b)?${index}`))] })),
    );
    const table = tableOf([...costly, mapping("wide", match(prefix("/")))]);
    const restless = Array.from({ length: 4096 }, (_, at) => "ab"[(Math.imul(at, at * 40503 + 17) >>> 11) & 1]).join(
      "",
    );
    expect(decide(table, request("/a/", { headers: [["x", restless]] }), 0)).toMatchObject({
      kind: "reject",
      reason: "regex-work",
    });
    expect(decide(table, request("/a/", { headers: [["x", "plain"]] }), 0)).toMatchObject({ kind: "forward" });
    expect(decide(table, request("/a/"), 0)).toMatchObject({ kind: "forward" });
  });
  it("a path regex costs nothing to paths that do not begin as it does", () => {
    const path = { kind: "regex", pattern: "/b/(?:.*a.{90}b)?" } as const;
    const table = tableOf([mapping("m", { ...match(prefix("/")), path }), mapping("other", match(prefix("/a/")))]);
    const head = request(`/a/${"ab".repeat(3000)}`);
    expect(decide(table, head, 0).kind).toBe("forward");
    expect(head.regexSteps).toBe(0);
    expect(decide(table, request("/b/"), 0).kind).toBe("forward");
  });
  it("regexes come when everything else holds", () => {
    const table = tableOf([
      mapping(
        "m",
        match(prefix("/"), { host: hostOf("foo.com"), headers: [named("x", re("a*")), named("y", is("1"))] }),
      ),
    ]);
    const head = request("/", {
      host: "bar.com",
      headers: [
        ["x", "aaa"],
        ["y", "1"],
      ],
    });
    decide(table, head, 0);
    expect(head.regexSteps).toBe(0);
    const other = request("/", {
      host: "foo.com",
      headers: [
        ["x", "aaa"],
        ["y", "2"],
      ],
    });
    decide(table, other, 0);
    expect(other.regexSteps).toBe(0);
  });
});
