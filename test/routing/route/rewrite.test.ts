import { array, assert, constantFrom, property } from "fast-check";
import { describe, expect, it } from "vitest";
import type { RedirectTarget, Rewrite } from "../../../routing/model/mapping.ts";
import type { PathMatch } from "../../../routing/model/match.ts";
import {
  compileRedirect,
  compileRewrite,
  maxSubstitutionLength,
  redirectPath,
  rewriteFault,
  rewritePath,
  rewriteRefusal,
} from "../../../routing/route/rewrite.ts";
import { exact, prefix, regex } from "../build.ts";

const to = (text: string): Rewrite => ({ kind: "prefix", with: text });
const replace = (pattern: string, substitution: string): Rewrite => ({ kind: "regex", pattern, substitution });

describe("every kind of rewrite", () => {
  it.each<[string, PathMatch, Rewrite, string, string]>([
    [
      "the prefix is replaced by /",
      prefix("/seldon/ns/m/"),
      to("/"),
      "/seldon/ns/m/api/v1.0/predictions",
      "/api/v1.0/predictions",
    ],
    ["/foo default on /foo", prefix("/foo"), to("/"), "/foo", "/"],
    ["/foo default on /foo/bar", prefix("/foo"), to("/"), "/foo/bar", "//bar"],
    ["/foo default on /foobar", prefix("/foo"), to("/"), "/foobar", "/bar"],
    ["no rewrite", prefix("/foo/"), { kind: "none" }, "/foo/x", "/foo/x"],
    ["/v1/", prefix("/foo/"), to("/v1/"), "/foo/x", "/v1/x"],
    ["/v1", prefix("/foo/"), to("/v1"), "/foo/x", "/v1x"],
    // Differs: Ambassador sends a request line without a leading slash.
    ["v1/ gets a slash", prefix("/foo/"), to("v1/"), "/foo/x", "/v1/x"],
    ["the whole path of a regex", regex("/p/.*"), to("/"), "/p/x/y", "/"],
    ["a regex without rewrite", regex("/p/.*"), { kind: "none" }, "/p/x/y", "/p/x/y"],
    ["regex_rewrite", prefix("/a/"), replace("/a/(.*)", "/\\1"), "/a/b/c", "/b/c"],
    ["regex_rewrite is global", prefix("/"), replace("a", "b"), "/a/a/c", "/b/b/c"],
    ["\\0 is the match, \\\\ a backslash, encoded", prefix("/"), replace("x", "\\0\\\\"), "/x", "/x%5C"],
    [
      ".* matches the path once, as in RE2: the empty text behind it is no match",
      prefix("/"),
      replace(".*", "/new"),
      "/a/b",
      "/new",
    ],
    ["an empty match stands between characters", prefix("/"), replace("x*", "-"), "/xa", "/-/-a-"],
    ["an exact path is replaced whole", exact("/foo"), to("/bar"), "/foo", "/bar"],
    ["no match leaves the path", prefix("/"), replace("/q/(.*)", "/\\1"), "/a", "/a"],
    [
      "nothing that ends the request line gets through",
      prefix("/a"),
      to("/b HTTP/1.1\r\nx: y#"),
      "/a",
      "/b%20HTTP/1.1%0D%0Ax:%20y%23",
    ],
    ["a prefix beyond ASCII is cut by its bytes", prefix("/%C3%A9/"), to("/é/"), "/%C3%A9/x", "/%C3%A9/x"],
  ])("%s", (_name, path, rewrite, request, expected) => {
    expect(rewritePath(compileRewrite(path, rewrite), request)).toBe(expected);
  });
});

describe("a rewrite that would make a dot segment of what the client sent is seen", () => {
  it.each<[string, PathMatch, Rewrite, string, boolean]>([
    ["/foo to / with two dots", prefix("/foo"), to("/"), "/foo../x", true],
    ["one dot at the end", prefix("/foo"), to("/"), "/foo.", true],
    ["encoded dots", prefix("/foo"), to("/"), "/foo%2E./x", true],
    ["three dots are a name", prefix("/foo"), to("/"), "/foo.../x", false],
    ["into a deeper path", prefix("/foo"), to("/api/"), "/foo../x", true],
    ["dots of the manifest that the client completes", prefix("/foo/"), to("/."), "/foo/./x", true],
    ["the spelling of a dot that the client completes", prefix("/foo"), to("/%2"), "/fooe%2e/x", true],
    ["a percent sign before what the client sends", prefix("/foo%"), to("/.%"), "/foo%2e/x", true],
    ["segments stay whole", prefix("/foo/"), to("/"), "/foo/..x", false],
    ["a name before the dots", prefix("/foo"), to("/bar"), "/foo../x", false],
    ["regex_rewrite", prefix("/foo"), replace("/foo(.*)", "/\\1"), "/foo../x", true],
    ["regex_rewrite with an honest path", prefix("/foo"), replace("/foo(.*)", "/\\1"), "/foobar/x", false],
    ["no rewrite", prefix("/foo"), { kind: "none" }, "/foo../x", false],
  ])("%s", (_name, path, rewrite, request, expected) => {
    expect(rewriteRefusal(compileRewrite(path, rewrite), request, 8192)).toBe(expected ? "climbs" : null);
  });

  it("whatever the prefix, the rewrite and what the client sends", () => {
    const text = array(constantFrom("/", "/", ".", "%", "2", "e", "E", "%2e", "x"), { maxLength: 5 }).map(
      (parts) => `/${parts.join("")}`,
    );
    const dots = (path: string): boolean =>
      path.split("/").some((segment) => /^\.\.?$/.test(segment.replaceAll(/%2e/gi, ".")));
    // The dot segments of a manifest are its writer's own.
    const own = (written: string): boolean => dots(written.slice(0, written.lastIndexOf("/")));
    assert(
      property(text, text, text, (first, written, rest) => {
        const path = `${first}${rest.slice(1)}`;
        if (dots(path) || own(written)) return;
        const rewrite = compileRewrite(prefix(first), to(written));
        expect([path, rewriteRefusal(rewrite, path, 8192)]).toEqual([
          path,
          dots(rewritePath(rewrite, path)) ? "climbs" : null,
        ]);
      }),
      { numRuns: 5000 },
    );
  });
});

it("the bytes are the text", () => {
  const compiled = compileRewrite(prefix("/foo/"), to("/v1/"));
  expect(compiled).toMatchObject({ kind: "prefix", cut: 5, withBytes: Uint8Array.from([0x2f, 0x76, 0x31, 0x2f]) });
});

describe("a bad rewrite is no rewrite, and says why", () => {
  it.each([
    [replace("(", "x"), /not RE2/],
    [replace("(a)", "\\2"), /group 2/],
    [replace("a", "\\x"), /substitution/],
    [replace("a", "x\\"), /substitution/],
  ])("%j", (rewrite, reason) => {
    expect(rewriteFault(rewrite)).toMatch(reason);
    expect(rewritePath(compileRewrite(prefix("/"), rewrite), "/a")).toBe("/a");
  });
  it("a good one has no fault", () => {
    expect(rewriteFault(replace("(a)", "\\1\\0"))).toBeNull();
    expect(rewriteFault(to("/"))).toBeNull();
  });
});

describe("redirects", () => {
  const target = (path: RedirectTarget["path"]): RedirectTarget => ({ kind: "redirect", host: "h", code: 301, path });
  it.each<[string, RedirectTarget["path"], string]>([
    ["path and query are kept", { kind: "keep" }, "/a/b?q=1"],
    ["path_redirect keeps the query", { kind: "path", path: "/new" }, "/new?q=1"],
    ["unless it has one", { kind: "path", path: "/new?x=y" }, "/new?x=y"],
    ["unless it has an empty one", { kind: "path", path: "/new?" }, "/new?"],
    ["prefix_redirect swaps the prefix", { kind: "prefix", with: "/z/" }, "/z/b?q=1"],
    ["regex_redirect keeps the query", { kind: "regex", pattern: "/a/(.*)", substitution: "/\\1/r" }, "/b/r?q=1"],
  ])("%s", (_name, path, expected) => {
    expect(redirectPath(compileRedirect(target(path), prefix("/a/")), "/a/b", "q=1", 8192)).toEqual({
      kind: "replaced",
      text: expected,
    });
  });
});

describe("a regex rewrite is bounded", () => {
  const attempt = (pattern: string, substitution: string, path: string, most = 8192) => {
    const rewrite = compileRewrite(prefix("/"), replace(pattern, substitution));
    const refusal = rewriteRefusal(rewrite, path, most);
    return refusal ?? rewritePath(rewrite, path);
  };
  it.each([
    [maxSubstitutionLength - 1, null],
    [maxSubstitutionLength, null],
    [maxSubstitutionLength + 1, "the substitution has 1025 characters, more than 1024"],
  ])("a substitution of %i characters", (length, fault) => {
    expect(rewriteFault(replace("a", "x".repeat(length)))).toBe(fault);
  });
  it.each([
    [15, null],
    [16, null],
    [17, "the substitution has 17 references to groups, more than 16"],
  ])("%i references", (count, fault) => {
    expect(rewriteFault(replace("a", "\\0".repeat(count)))).toBe(fault);
  });
  it.each([
    [99, "fits"],
    [100, "fits"],
    [101, "too-long"],
  ])("a result of %i characters where 100 are allowed", (length, outcome) => {
    const made = attempt("/x", `/${"y".repeat(length - 1)}`, "/x", 100);
    expect(made.length > 20 ? "fits" : made).toBe(outcome);
  });
  it("counts the result as it is written, percent-encoded", () => {
    expect(attempt("/x", "/\n\n\n", "/x", 10).length).toBe(10);
    expect(attempt("/x", "/\n\n\n", "/x", 9)).toBe("too-long");
  });
  it.each([
    [1023, "replaced"],
    [1024, "replaced"],
    [1025, "too-much-work"],
  ])("%i matches", (matches, outcome) => {
    const made = attempt("a", "b", `/${"a".repeat(matches)}`);
    expect(made === `/${"b".repeat(matches)}` ? "replaced" : made).toBe(outcome);
  });
  // Quadratic: each of them is settled at the end of the path only.
  it.each(["(a)(.{0,50}.*.*z)?", "a(.*z)?", "(?:a.*b)|a", "a(?:a*c)?", "(a)(b?.*?.*?.*?z)?", "\\Ba(.*\\bz)?"])(
    "%s on 7.9 kB ends by its steps",
    (pattern) => {
      expect(attempt(pattern, "b", `/${"a".repeat(7900)}`)).toBe("too-much-work");
    },
  );
  it("what people write works on paths of any length", () => {
    const long = `/models/${"abc/".repeat(1900)}v1`;
    expect(attempt("/models/(.*)", "/\\1", long)).toBe(long.slice(7));
    expect(attempt("^/models/([^/]+)/(.*)$", "/\\2/\\1", long)).toBe(`${long.slice(11)}/abc`);
    expect(attempt("/v[0-9]+$", "/v2", long)).toBe(long.replace(/v1$/, "v2"));
  });
});
