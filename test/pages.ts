// The pages of this project for people who install, run and use it, as text.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./gateway/packed-form.ts";

/** All of them, from the root. */
export const pageNames = [
  "README.md",
  "k8s/INSTALL.md",
  "k8s/MIGRATION.md",
  "k8s/MANIFESTS.md",
  "k8s/RELEASING.md",
  "k8s/PROBLEMS.md",
  "k8s/COMPATIBILITY.md",
  "gateway/ACCESS.md",
  "gateway/TLS.md",
  "gateway/TENANTS.md",
  "gateway/OPTIONS.md",
  "gateway/RUNBOOK.md",
  ".github/SECURITY.md",
  ".github/SUPPORT.md",
  ".github/CONTRIBUTING.md",
] as const;

export type PageName = (typeof pageNames)[number];

export function page(name: PageName): string {
  return readFileSync(join(root, name), "utf8");
}

/** Cells of the tables whose head begins with this text, a row each. */
export function rowsUnder(text: string, head: string): readonly (readonly string[])[] {
  const tables = text.split(/\n\n/).filter((part) => part.startsWith(`| ${head} |`));
  return tables.flatMap((table) =>
    table
      .trim()
      .split("\n")
      .slice(2)
      .map((row) => row.slice(2, -2).split(/(?<!\\) \| ?/)),
  );
}

/** Texts in backticks. */
export function quotedIn(cell: string): readonly string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, text]) => text!);
}

/** The content of the fenced blocks of this language. */
export function fenced(text: string, language: string): readonly string[] {
  return [...text.matchAll(/^```(\w*)\n([^]*?)^```$/gm)]
    .filter(([, written]) => written === language)
    .map(([, , content]) => content!);
}

/** Lines of blocks that are indented, which are commands: those that begin with this word. A line that ends in a backslash goes on in the next. */
export function commandLines(text: string, word: string): readonly string[] {
  return text
    .replace(/ *\\\n +/g, " ")
    .split("\n")
    .filter((line) => line.startsWith("    ") && line.trim().startsWith(`${word} `))
    .map((line) => line.trim().replace(/ {2,}#.*$/, ""));
}
