// Every Problem code with its cause, an example and its cure, for PROBLEMS.md.
import { problemGroups } from "../../k8s/problems/all.ts";
import type { Beside, Example, ProblemEntry } from "../../k8s/problems/entry.ts";
import type { GeneratedPart } from "./generated.ts";

export const problemsPart: GeneratedPart = {
  page: "k8s/PROBLEMS.md",
  name: "codes",
  text: () =>
    problemGroups
      .map(({ title, entries }) => [`## ${title}`, ...Object.entries(entries).map(paragraphOf)].join("\n\n"))
      .join("\n\n"),
};

function paragraphOf([code, { levels, cause, example, cure }]: readonly [string, ProblemEntry]): string {
  return `### ${code}\n\n${levels.map((level) => `**${level}**`).join(" or ")}: ${cause}\n\n${exampleText(example)}\n\nCure: ${cure}`;
}

function exampleText(example: Example): string {
  if (example.kind === "situation") return `Example: ${example.words}`;
  const beside = besideText(example.beside);
  if (example.kind === "file") return `Example${beside}:\n\n${block("text", example.text)}`;
  const [line, ...more] = example.lines;
  const place = `Example, in a ${example.object}${beside}:`;
  return more.length === 0 ? `${place} \`${line!}\`` : `${place}\n\n${block("text", example.lines.join("\n"))}`;
}

function besideText({ options, policy, grants }: Beside): string {
  return [
    options === undefined ? "" : `, with the option \`${options}\``,
    policy === undefined ? "" : `, with the policy \`${inline(policy)}\``,
    grants === undefined ? "" : `, with the Grants \`${inline(grants)}\``,
  ].join("");
}

function inline(text: string): string {
  return text.split(/\n\s*/).join(" ");
}

function block(language: string, text: string): string {
  return `\`\`\`${language}\n${text}\n\`\`\``;
}
