import * as fc from "fast-check";
import { RE2JS } from "re2js";
import { describe, expect, it } from "vitest";
import { matchesGrpcPattern } from "../../../routing/request/grpc.ts";
import { GRPC_PATTERN } from "../../../routing/model/match.ts";
import { compileRegex } from "../../../routing/regex/regex.ts";

function matches(pattern: string, text: string): boolean {
  const result = compileRegex(pattern);
  return result.ok && result.regex.matches(text);
}

describe("regexes of tenants", () => {
  it("are full matches, as if between ^(?: and )$", () => {
    expect(matches("lond.*", "xlondon")).toBe(false);
    expect(matches("a|ab", "ab")).toBe(true);
    expect(matches("a|b", "ac")).toBe(false);
    expect(matches("(?m)^a$", "a\nb")).toBe(false);
  });

  it("agree with the wrapped pattern", () => {
    const patterns = ["a|ab", "a*", "(a|b)*c?", "^a", "b$", "[ab]+?", "", "(?i)AB", "a.b"];
    fc.assert(
      fc.property(
        fc.constantFrom(...patterns),
        fc.string({ unit: fc.constantFrom("a", "b", "c", "A", "\n"), maxLength: 6 }),
        (pattern, text) => {
          expect(matches(pattern, text)).toBe(RE2JS.compile(`^(?:${pattern})$`).test(text));
        },
      ),
    );
  });

  it.each([
    ["a lookahead", "(?=a)b"],
    ["a back reference", "(a)\\1"],
    ["unbalanced", "a)(b"],
    ["too long", "a".repeat(513)],
    ["too large", "(abc|def){90}"],
    ["a repeat over 1000", "a{1001}"],
  ])("%s is refused with a reason", (_name, pattern) => {
    const result = compileRegex(pattern);
    expect(result.ok ? "" : result.reason).toMatch(/is not RE2|characters|steps|repeats/);
  });

  it("any text compiles or is refused", () => {
    fc.assert(
      fc.property(fc.string(), (pattern) => {
        expect(typeof compileRegex(pattern).ok).toBe("boolean");
      }),
    );
  });
});

it("the check by hand of gRPC paths is the regex", () => {
  const program = RE2JS.compile(`^(?:${GRPC_PATTERN})$`);
  const piece = fc.constantFrom(
    "/",
    "seldon.protos",
    "seldonxprotos",
    "seldon",
    ".protos",
    "tensorflow.serving",
    "tensorflow",
    "inference",
    ".",
    "Seldon",
    "x",
    "/Predict",
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join("")),
        fc.array(piece, { maxLength: 5 }).map((pieces) => `/${pieces.join("")}`),
      ),
      (path) => {
        const bytes = new TextEncoder().encode(`x${path}y`);
        expect(matchesGrpcPattern(bytes, 1, bytes.length - 1)).toBe(program.test(path));
      },
    ),
    { numRuns: 5000 },
  );
});

describe("the work of matching is bounded", () => {
  // No two stretches of it are the same, so that an automaton meets a new state at nearly every character.
  const restless = Array.from({ length: 4096 }, (_, at) => "ab"[(Math.imul(at, at * 40503 + 17) >>> 11) & 1]).join("");

  it("a pattern whose automaton outgrows its memory costs the steps of its program from then on, and matches as before", () => {
    const result = compileRegex("(?:.*a.{90}b)?.");
    if (!result.ok) throw new Error(result.reason);
    const { regex } = result;
    expect([regex.wide, regex.stepsFor(99)]).toEqual([false, 100]);
    expect(regex.matches(restless)).toBe(false);
    expect([regex.wide, regex.stepsFor(99)]).toEqual([true, RE2JS.compile("(?:.*a.{90}b)?.").programSize() * 100]);
    const again = RE2JS.compile("^(?:(?:.*a.{90}b)?.)$");
    for (const text of [restless, restless.slice(0, 500), `${restless.slice(0, 200)}a${"x".repeat(90)}b.`, "", "x"])
      expect(regex.matches(text)).toBe(again.test(text));
  });

  it.each([
    "lond.*",
    "(?i).*(iphone|android|mobile|tablet|ipad|windows phone).*",
    ".*session=[0-9a-f]{32};.*",
    "/api/v[0-9]+/.*",
    "[^@]+@(example|corp)\\.com",
  ])("%s never does", (pattern) => {
    const result = compileRegex(pattern);
    if (!result.ok) throw new Error(result.reason);
    for (const text of [
      restless,
      restless.replaceAll("b", "; session=0"),
      "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Mobile ".repeat(40),
    ])
      result.regex.matches(text);
    expect(result.regex.wide).toBe(false);
  });
});

it("every text that matches begins with the prefix", () => {
  const patterns = [
    "abc?",
    "(?i)ab",
    "^ab",
    "a|ab",
    "(ab)+c*",
    "ab{2}",
    "(?:a)b",
    "a\\b.*",
    "",
    "[a]b",
    "(?i:a)b",
    "ab(?i)c",
    "\\Qab\\E*",
  ];
  fc.assert(
    fc.property(
      fc.constantFrom(...patterns),
      fc.string({ unit: fc.constantFrom("a", "b", "c", "A", "B", " "), maxLength: 6 }),
      (pattern, text) => {
        const result = compileRegex(pattern);
        if (result.ok && result.regex.matches(text)) expect(text.startsWith(result.regex.prefix)).toBe(true);
      },
    ),
    { numRuns: 2000 },
  );
});
