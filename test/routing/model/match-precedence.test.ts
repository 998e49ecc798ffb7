import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GRPC_PATTERN, type Match, type NamedMatch } from "../../../routing/model/match.ts";
import { comparePrecedence } from "../../../routing/model/match-precedence.ts";
import { printMatch } from "../../../routing/print.ts";
import { anyMapping } from "../arbitrary.ts";
import { exact, hostOf, is, mapping, match, named, prefix, regex, tableOf } from "../build.ts";

const headers = (...pairs: readonly (readonly [string, string])[]): { headers: readonly NamedMatch[] } => ({
  headers: pairs.map(([name, value]) => named(name, is(value))),
});
const re = (name: string, pattern: string): NamedMatch => named(name, { kind: "regex", pattern });
const slash = prefix("/x/");

/** The Matches in the order tried, whatever the order they are given in. */
function tried(matches: readonly (Match | readonly [Match, number])[]): readonly Match[] {
  const mappings = matches.map((one, index) => {
    const [given, precedence] = "path" in one ? [one, 0] : one;
    return mapping(`m${index}`, given, { precedence });
  });
  const forwards = tableOf(mappings)
    .routesInOrder()
    .map((route) => route.match);
  const backwards = tableOf(mappings.toReversed())
    .routesInOrder()
    .map((route) => route.match);
  expect(backwards).toEqual(forwards);
  return forwards;
}

describe("the examples of Ambassador's order", () => {
  // Each case lists its Matches in the order that is expected.
  it.each<[string, (Match | readonly [Match, number])[]]>([
    [
      "/, /foo, /foo/, /foo/bar/: the longest first",
      [match(prefix("/foo/bar/")), match(prefix("/foo/")), match(prefix("/foo")), match(prefix("/"))],
    ],
    [
      "length beats headers",
      [match(prefix("/foo/b/")), match(prefix("/foo/"), headers(["x-a", "1"])), match(prefix("/foo/"))],
    ],
    [
      "characters count, not the number of headers",
      [match(slash, headers(["x-long-header", "value"])), match(slash, headers(["a", "1"], ["b", "2"]))],
    ],
    [
      "a regex header before an exact one",
      [match(slash, { headers: [re("x-a", "a.c")] }), match(slash, headers(["x-a", "abc"]))],
    ],
    ["DELETE, GET, none", [match(slash, { method: is("DELETE") }), match(slash, { method: is("GET") }), match(slash)]],
    [
      "foo.example.com, *.example.com, *",
      [
        match(slash, { host: hostOf("foo.example.com") }),
        match(slash, { host: hostOf("*.example.com") }),
        match(slash),
      ],
    ],
    [
      "a long header beats a host",
      [
        match(slash, headers(["x-very-long-header-name", "with-long-value"])),
        match(slash, { host: hostOf("foo.example.com") }),
      ],
    ],
    [
      '"/" with precedence 1 before everything',
      [
        [match(prefix("/")), 1],
        [match(prefix("/foo/bar/")), 0],
      ],
    ],
    [
      '"/" before precedence −1',
      [
        [match(prefix("/")), 0],
        [match(prefix("/foo/bar/")), -1],
      ],
    ],
    ["headers before query", [match(slash, headers(["x", "1"])), match(slash, { query: [named("x", is("1"))] })]],
    ["/bbb/ before /aaa/", [match(prefix("/bbb/")), match(prefix("/aaa/"))]],
    [
      "the text of the gRPC regex counts",
      [match(regex(GRPC_PATTERN)), match(prefix("/seldon.protos.Seldon/")), match(prefix("/seldon/default/iris/"))],
    ],
  ])("%s", (_name, expected) => {
    expect(tried(expected).map((one) => printMatch(one))).toEqual(
      expected.map((one) => printMatch("path" in one ? one : one[0])),
    );
  });

  it("a gRPC path counts as its regex", () => {
    const grpc = match({ kind: "grpc" }, headers(["seldon", "a"]));
    expect(tried([match(prefix("/seldon/default/iris/")), grpc])[0]).toEqual(grpc);
  });
});

describe("Matches that Ambassador takes for one are Routes of their own", () => {
  it.each<[string, Match[]]>([
    ["exact and prefix", [match(exact("/foo")), match(prefix("/foo"))]],
    ["prefix and regex of one text", [match(prefix("/foo")), match(regex("/foo"))]],
    ["exact and regex header", [match(slash, headers(["x", "a"])), match(slash, { headers: [re("x", "a")] })]],
    ["{ab: c} and {a: bc}", [match(slash, headers(["ab", "c"])), match(slash, headers(["a", "bc"]))]],
  ])("%s", (_name, matches) => {
    expect(tried(matches)).toHaveLength(2);
  });
});

it("a granted Route is tried before every other in shared space", () => {
  const table = tableOf([mapping("long", prefix("/api/v1/")), mapping("granted", prefix("/api/"), { granted: true })]);
  expect(table.routesInOrder().map((route) => route.mappings[0]!.id)).toEqual([
    "Mapping ns/granted",
    "Mapping ns/long",
  ]);
});

describe("properties", () => {
  it("is a total order: antisymmetric, transitive, and 0 only for the same Route", () => {
    fc.assert(
      fc.property(fc.array(anyMapping, { minLength: 3, maxLength: 12 }), (mappings) => {
        const spread = mappings.map((one, index) => ({ ...one, id: String(index), space: null }));
        const routes = tableOf(spread).routesInOrder();
        routes.forEach((a, i) => {
          routes.forEach((b, j) => {
            expect(Math.sign(comparePrecedence(a.matchPrecedence, b.matchPrecedence))).toBe(Math.sign(i - j));
          });
        });
      }),
    );
  });
});
