// The table of Problem codes: each code is reported somewhere, each example gives its code at its level, and no golden has a level that the table does not know.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { problemEntries, problemGroups } from "../../k8s/problems/all.ts";
import type { ProblemEntry } from "../../k8s/problems/entry.ts";
import type { ProblemCode } from "../../routing/text/problem.ts";
import { root } from "../gateway/packed-form.ts";
import { background, problemsOf, type Written } from "./problem-examples.ts";

const fields = (object: "TLSContext", line: string): Written => ({
  kind: "fields",
  object,
  lines: [line],
  beside: {},
});

const entries = Object.entries(problemEntries) as [ProblemCode, ProblemEntry][];

/** What an example gives beside its own code, because nothing smaller gives the code. */
const companions: Readonly<Record<string, readonly string[]>> = {
  "more-problems": ["bad-value"],
  "shadow-redirect": ["only-shadows"],
  "shadow-slash": ["only-shadows"],
};

const list = (count: number, item: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => item(index)).join(", ");

/** Examples that are too long for the page. */
const long: Readonly<Record<string, Written>> = {
  "more-problems": fields("TLSContext", `spec: { hosts: [${list(102, () => '"?"')}] }`),
  "over-limit": fields("TLSContext", `spec: { hosts: [${list(501, (index) => `h${index}.example.com`)}] }`),
};

test("every code stands in one group", () => {
  const grouped = problemGroups.flatMap((group) => Object.keys(group.entries));
  expect(grouped.toSorted()).toEqual(entries.map(([code]) => code).toSorted());
});

test("every code is reported somewhere", () => {
  const sources = ["gateway", "k8s/source", "k8s/translate", "routing"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .map((name) => readFileSync(join(root, folder, name), "utf8")),
  );
  const text = sources.join("\n");
  expect(entries.map(([code]) => code).filter((code) => !text.includes(`"${code}"`))).toEqual([]);
});

test("every level in a golden is one that the table names", () => {
  const goldens = join(root, "test/golden");
  const found = readdirSync(goldens, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => readFileSync(join(goldens, name, "expected.txt"), "utf8").split("\n"))
    .flatMap((line) => /^(error|warning|info) ([a-z0-9-]+) [A-Z]/.exec(line)?.slice(1).join(" ") ?? []);
  const declared = new Set(entries.flatMap(([code, { levels }]) => levels.map((level) => `${level} ${code}`)));
  expect(new Set(found).size).toBeGreaterThan(60);
  expect([...new Set(found)].filter((one) => !declared.has(one))).toEqual([]);
});

describe("the example of", () => {
  for (const [code, { example, levels }] of entries) {
    const tried = long[code] ?? example;
    if (tried.kind === "situation") continue;
    test(code, async () => {
      const problems = await problemsOf(tried);
      const shown = problems.filter((problem) => problem.code === code || !background.has(problem.code));
      expect(shown.map((problem) => `${problem.level} ${problem.code}`)).toContain(`${levels[0]!} ${code}`);
      expect(new Set(shown.map((problem) => problem.code))).toEqual(new Set([code, ...(companions[code] ?? [])]));
    });
  }
});
