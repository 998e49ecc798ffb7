// What "npm run pages" makes is what is committed, so that no generated part of a page can be false.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { generatedFiles, generatedParts } from "../gateway/pages/all.ts";
import { table, withPart, type GeneratedPart } from "../gateway/pages/generated.ts";
import { madeTexts } from "../gateway/pages/made.ts";
import { root } from "./gateway/packed-form.ts";

const read = (path: string): string => readFileSync(join(root, path), "utf8");
const paths = [...generatedParts.map(({ page }) => page), ...generatedFiles.map(({ file }) => file)];

test.each([...new Set(paths)])('%s is as "npm run pages" makes it', (path) => {
  expect(read(path)).toBe(madeTexts(read).get(path));
});

describe("a part of a page", () => {
  const part = (text: string): GeneratedPart => ({ page: "P.md", name: "colours", text: () => text });
  const marked = (text: string): string =>
    `# P\n\n<!-- made by "npm run pages": colours -->${text}<!-- end of colours -->\n\nby hand\n`;

  test("replaces what stands between its marks, and nothing else", () => {
    expect(withPart(marked("\nold\n"), part("new"))).toBe(marked("\n\nnew\n\n"));
    expect(withPart(marked("\n\nnew\n\n"), part("new"))).toBe(marked("\n\nnew\n\n"));
  });

  test("needs its marks, once", () => {
    expect(withPart("# P\n", part("new"))).toBeNull();
    expect(withPart(marked("") + marked(""), part("new"))).toBeNull();
    expect(() => madeTexts(() => "# P\n", [part("new")], [])).toThrow('P.md needs the marks of "colours", once');
  });

  test("a bar in a cell of a table is escaped, once", () => {
    expect(table(["a", "b"], [["x|y", String.raw`z\|`]])).toBe(
      ["| a | b |", "| --- | --- |", String.raw`| x\|y | z\| |`].join("\n"),
    );
  });
});
