import { describe, expect, test } from "vitest";
import { maxTextLength } from "../../../../routing/release/grammar/clauses.ts";
import { ignoredByDefault, plainRules, readCompareRules } from "../../../../routing/release/compare/rules.ts";

const begins = "a clause begins with tolerance, relative, ignore, unordered, redact, keep";
const tolerance = 'write "tolerance 1e-3" or "tolerance 1e-3 at data.ndarray"';
const ignore = 'write "ignore data.names, meta.tags"';

describe("the text of sluice.io/compare", () => {
  test("true compares by defaults, false does not compare", () => {
    expect(readCompareRules("true")).toEqual({ rules: plainRules });
    expect(readCompareRules(" false ")).toEqual({ rules: null });
  });

  test("each rule is read", () => {
    expect(
      readCompareRules(
        "tolerance 1e-3; relative 0.5; tolerance 2 at data.ndarray, outputs.*.data; relative 0 at a; ignore meta.tags, b; unordered data.names; redact data.ndarray; keep off;",
      ),
    ).toEqual({
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
    ["", "there is no rule"],
    [";;", "there is no rule"],
    ["true; redact data.names", `"true" is not understood; ${begins}`],
    ["maybe", `"maybe" is not understood; ${begins}`],
    ["ignroe a", '"ignroe a" is not understood; did you mean "ignore"?'],
    ["tolerance", `"tolerance" has no number of 0 or more; ${tolerance}`],
    ["tolerance -1", `"tolerance -1" has no number of 0 or more; ${tolerance}`],
    ["tolerance 1 2", `"tolerance 1 2" has no list of paths after its number; ${tolerance}`],
    ["tolerance 1 at", `"tolerance 1 at" has no list of paths after its number; ${tolerance}`],
    ["tolerance 1 at a..b", `"tolerance 1 at a..b" has no list of paths after its number; ${tolerance}`],
    ["relative x", `"relative x" has no number of 0 or more; ${tolerance.replaceAll("tolerance", "relative")}`],
    ["tolerance 1; tolerance 2", '"tolerance" stands twice; write it once'],
    ["ignore", `"ignore" has no list of paths; ${ignore}`],
    ["ignore a,,b", `"ignore a,,b" has no list of paths; ${ignore}`],
    ["ignore a[0]", `"ignore a[0]" has no list of paths; ${ignore}`],
    ["redact a b", `"redact a b" has no list of paths; ${ignore.replace("ignore", "redact")}`],
    ["keep", '"keep" is not understood; write "keep on" or "keep off"'],
    ["keep on; keep off", '"keep" stands twice; write it once'],
    ["noise 1%", `"noise 1%" is not understood; ${begins}`],
    ["constructor 1", `"constructor 1" is not understood; ${begins}`],
    ["keep constructor", '"keep constructor" is not understood; write "keep on" or "keep off"'],
  ])("%j is a mistake", (text, mistake) => {
    expect(readCompareRules(text)).toEqual({ mistake });
  });

  test("its length and its paths are bounded", () => {
    const paths = (count: number): string => `ignore ${Array.from({ length: count }, (_, at) => `p${at}`).join()}`;
    for (const count of [63, 64]) expect(readCompareRules(paths(count))).toHaveProperty("rules");
    expect(readCompareRules(paths(65))).toEqual({ mistake: "there are 65 paths; write at most 64" });
    const long = (length: number): string => `keep off${";".repeat(length - 8)}`;
    for (const more of [-1, 0]) expect(readCompareRules(long(maxTextLength + more))).toHaveProperty("rules");
    expect(readCompareRules(long(maxTextLength + 1))).toHaveProperty("mistake");
  });
});
