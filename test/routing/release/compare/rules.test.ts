import { describe, expect, test } from "vitest";
import { maxTextLength } from "../../../../routing/release/grammar/clauses.ts";
import { ignoredByDefault, plainRules, readCompareRules } from "../../../../routing/release/compare/rules.ts";

describe("the text of sluice.io/compare", () => {
  test("true compares by defaults, false does not compare", () => {
    expect(readCompareRules("true")).toEqual({ kind: "rules", rules: plainRules });
    expect(readCompareRules(" false ")).toEqual({ kind: "rules", rules: null });
  });

  test("each rule is read", () => {
    expect(
      readCompareRules(
        "tolerance 1e-3; relative 0.5; tolerance 2 at data.ndarray, outputs.*.data; relative 0 at a; ignore meta.tags, b; unordered data.names; redact data.ndarray; keep off;",
      ),
    ).toEqual({
      kind: "rules",
      rules: {
        absolute: 1e-3,
        relative: 0.5,
        byPath: [
          { path: "data.ndarray", absolute: 2, relative: null },
          { path: "outputs.*.data", absolute: 2, relative: null },
          { path: "a", absolute: null, relative: 0 },
        ],
        ignored: [...ignoredByDefault, "meta.tags", "b"],
        unordered: ["data.names"],
        redacted: ["data.ndarray"],
        keeps: false,
      },
    });
  });

  test.each([
    ["", "says no rule"],
    [";;", "says no rule"],
    ["true; redact data.names", 'says "true" beside something else'],
    ["maybe", 'has the rule "maybe", which Sluice does not know'],
    ["tolerance", 'says "tolerance" without a number of 0 or more'],
    ["tolerance -1", 'says "tolerance" without a number of 0 or more'],
    ["tolerance 1 2", 'says "tolerance" without a number of 0 or more'],
    ["tolerance 1 at", 'says "tolerance" with no path'],
    ["tolerance 1 at a..b", 'says "tolerance" with "a..b", which is not a path such as data.ndarray'],
    ["relative x", 'says "relative" without a number of 0 or more'],
    ["tolerance 1; tolerance 2", 'says "tolerance" twice'],
    ["ignore", 'says "ignore" with no path'],
    ["ignore a,,b", 'says "ignore" with no path'],
    ["ignore a[0]", 'says "ignore" with "a[0]", which is not a path such as data.ndarray'],
    ["redact a b", 'says "redact" with "a b", which is not a path such as data.ndarray'],
    ["keep", 'says "keep" without "on" or "off"'],
    ["keep on; keep off", 'says "keep" twice'],
    ["noise 1%", 'has the rule "noise", which Sluice does not know'],
    ["constructor 1", 'has the rule "constructor", which Sluice does not know'],
    ["keep constructor", 'says "keep" without "on" or "off"'],
  ])("%j is a mistake", (text, mistake) => {
    expect(readCompareRules(text)).toEqual({ kind: "mistake", mistake });
  });

  test("its length and its paths are bounded", () => {
    const paths = (count: number): string => `ignore ${Array.from({ length: count }, (_, at) => `p${at}`).join()}`;
    expect([63, 64].map((count) => readCompareRules(paths(count)).kind)).toEqual(["rules", "rules"]);
    expect(readCompareRules(paths(65))).toEqual({ kind: "mistake", mistake: "names 65 paths, more than 64" });
    const long = (length: number): string => `keep off${";".repeat(length - 8)}`;
    expect([-1, 0, 1].map((more) => readCompareRules(long(maxTextLength + more)).kind)).toEqual([
      "rules",
      "rules",
      "mistake",
    ]);
  });
});
