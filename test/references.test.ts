// What comments and documents cite is here: files, what stands in them, rules. Public documents (RFCs) are cited by name and section.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { commentsOf, deadCitations, deadPaths, type Named } from "./references.ts";
import { rulesOf } from "./rules.ts";

const root = join(import.meta.dirname, "..");
const paths = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
  cwd: root,
  encoding: "utf8",
})
  .split("\n")
  .filter((path) => path !== "" && existsSync(join(root, path)));
const files = new Map(paths.map((path) => [path, readFileSync(join(root, path), "utf8")]));
const named: Named = { files, rules: new Set(rulesOf(files.get("routing/RULES.md")!).map(({ number }) => number)) };

/** They plant what they find. */
const planted = ["test/references.test.ts", "test/references.ts", "test/fence.test.ts"];
/** Written by tools, or by the authors of a licence. */
const foreign = /^(?:LICENSE|package-lock\.json|.*go\.(?:mod|sum))$/;

/** Documents, and comments of sources and golden cases; strings of sources name files of tests. */
function proseOf(path: string, text: string): string {
  if (path.endsWith(".md")) return text;
  return /\.(?:ts|mjs)$/.test(path) || (path.startsWith("test/golden/") && path.endsWith(".yaml"))
    ? commentsOf(path, text)
    : "";
}

test("no comment, message, document or test names what is not there", () => {
  expect(files.size).toBeGreaterThan(500);
  const read = [...files].filter(([path]) => !planted.includes(path) && !foreign.test(path));
  expect(
    read.flatMap(([path, text]) => [
      ...deadPaths(path, proseOf(path, text), named),
      ...deadCitations(path, text, named),
    ]),
  ).toEqual([]);
});

const deadReferences = (from: string, text: string, some: Named): string[] => [
  ...deadPaths(from, text, some),
  ...deadCitations(from, text, some),
];

describe("what leads nowhere is found", () => {
  const some: Named = {
    files: new Map([
      ["gateway/shared/log.ts", "export function postedLog() {}"],
      ["gateway/DECISIONS.md", ""],
    ]),
    rules: new Set([1, 2]),
  };
  test.each([
    ["a file", "See gateway/logs.ts.", "names gateway/logs.ts, which is not there"],
    ["a file beside it", "As `loog.ts` says.", "names loog.ts, which is not there"],
    ["a folder", "All of gateway/nothing/ is pure.", "names gateway/nothing/, which is not there"],
    ["a function", "`gateway/shared/log.ts:lostLog` posts.", "names lostLog, which is not in gateway/shared/log.ts"],
    ["a rule", "Shares (routing rules 2 and 7).", "names routing rule 7, which routing/RULES.md has not"],
    ["a page", "Tenancy (design §4.4).", 'cites "design §", which is not in the repository'],
    [
      "another page",
      "Measured (reference http2-engine).",
      'cites "reference http2-engine", which is not in the repository',
    ],
    ["an issue", "The floods of issue 5.", 'cites "issue 5", which is not in the repository'],
    ["a section of nothing", "As §8.1 says.", "has a § without the public document that it is in"],
  ])("%s", (_name, text, found) => {
    expect(deadReferences("gateway/worker/worker.ts", text, some)).toContain(`gateway/worker/worker.ts:1 ${found}`);
  });

  test.each([
    "As gateway/shared/log.ts says, and log.ts, ./log.ts and gateway/*: `gateway/shared/log.ts:postedLog` (routing rule 1; routing rules 1 and 2).",
    "RFC 9113 §8.1, RFC 9110 §7.6.1, §10.1.1 and YAML 1.2 §9.1.2; https://example.com/test/page.md is not ours.",
  ])("and nothing else: %s", (text) => {
    expect(deadReferences("gateway/worker/worker.ts", text, some)).toEqual([]);
  });

  test("comments alone are read in sources", () => {
    const source =
      "const text = 'gateway/none.ts // gateway/none.ts';\n/* gateway/nil.ts\n * nil.ts */\n// https://example.com";
    expect(commentsOf("a.ts", source)).toBe("\n/* gateway/nil.ts\n * nil.ts */\n// https://example.com");
  });
});
