// A comparison for people: as text, and as Markdown for a merge request.
import { visible } from "../../../routing/text/visible.ts";
import type { Change, Comparison, Difference } from "./compare.ts";

/** Requests of one change that are named. */
const maxNamed = 2;

/** Characters of one value. */
const maxCharacters = 200;

function summaryOf({ differences, same }: Comparison): string {
  const count = (kind: Difference["kind"], one: string, many: string): string => {
    const found = differences.filter((difference) => difference.kind === kind).length;
    return found === 0 ? "" : `${found} ${found === 1 ? one : many}`;
  };
  const counts = [
    count("appears", "appears", "appear"),
    count("vanishes", "vanishes", "vanish"),
    count("changes", "changes", "change"),
  ].filter((part) => part !== "");
  return `${counts.length === 0 ? "no request would go elsewhere" : counts.join(", ")}; ${same} the same`;
}

/** Ends with a newline. */
export function printComparison(comparison: Comparison, warnings: readonly string[]): string {
  const blocks = comparison.differences.map(({ title, kind, changes }) => {
    const lines = changes.map(
      ({ aspect, before, after, requests }) =>
        `  ${aspect.padEnd(16)}  ${kind === "appears" ? short(after) : `${short(before)} → ${short(after)}`}${requestWords(requests)}`,
    );
    return [`${title} ${kind}`, ...lines].map((line) => `${visible(line)}\n`).join("");
  });
  const said = warnings.map((line) => `${visible(line)}\n`).join("");
  return [...(said === "" ? [] : [said]), ...blocks, `${summaryOf(comparison)}\n`].join("\n");
}

/** A table; what a tenant wrote is text in it and nothing else. */
export function markdownComparison(comparison: Comparison, warnings: readonly string[]): string {
  const rows = comparison.differences.flatMap(({ title, kind, changes }) =>
    changes.map((change) => markdownRow(title, kind, change)),
  );
  const table =
    rows.length === 0
      ? ""
      : `| deployment | | what | before | after | requests |\n| --- | --- | --- | --- | --- | --- |\n${rows.join("")}\n`;
  const said = warnings.map((line) => `> ${markdownText(line)}\n\n`).join("");
  return `**sluice diff**: ${summaryOf(comparison)}\n\n${said}${table}`;
}

function markdownRow(title: string, kind: string, { aspect, before, after, requests }: Change): string {
  const cells = [title, kind, aspect, short(before), short(after), namedRequests(requests)];
  return `| ${cells.map(markdownText).join(" | ")} |\n`;
}

/** Every sign that Markdown, HTML or a forge might read (`@name`, `#1`, `https://`) is written as an entity. */
function markdownText(text: string): string {
  return visible(text).replaceAll(/[^\p{L}\p{N} .,;/…→%=+-]/gu, (sign) => `&#${sign.codePointAt(0)!};`);
}

function requestWords(requests: readonly string[]): string {
  return requests.length === 0 ? "" : `  (${namedRequests(requests)})`;
}

function namedRequests(requests: readonly string[]): string {
  const more = requests.length > maxNamed ? ` and ${requests.length - maxNamed} more` : "";
  return `${requests.slice(0, maxNamed).map(short).join("; ")}${more}`;
}

function short(text: string): string {
  return text.length > maxCharacters ? `${text.slice(0, maxCharacters)}…` : text;
}
