// routing/RULES.md and the golden cases: every case that a rule names is there, and every case is named by one rule at least.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { goldenCases } from "./golden/golden.ts";
import { rulesOf, strayCases } from "./rules.ts";

const root = join(import.meta.dirname, "..");
const page = readFileSync(join(root, "routing/RULES.md"), "utf8");
const cases = goldenCases(join(root, "test/golden"));

test("rules and golden cases name each other", () => {
  expect(cases.length).toBeGreaterThan(100);
  expect(strayCases(page, cases)).toEqual([]);
});

test("rules are numbered from 1 without a gap, and each has a case", () => {
  const rules = rulesOf(page);
  expect(rules.map(({ number }) => number)).toEqual(rules.map((_, index) => index + 1));
  expect(rules.filter((rule) => rule.cases.length === 0)).toEqual([]);
});

test("what does not agree is found", () => {
  const planted = "## 1. Paths\n\nText.\n\nGolden: `01-paths`, `01-gone`\n";
  expect(strayCases(planted, ["01-paths", "01-new"])).toEqual([
    "rule 1 names 01-gone, which is not in test/golden",
    "test/golden/01-new is named by no rule",
  ]);
});
