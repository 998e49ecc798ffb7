// The report as workflow commands of GitHub Actions: an annotation a Problem, at the line of its object.
import { visible } from "../../../routing/text/visible.ts";
import type { ProblemLevel } from "../../../routing/text/problem.ts";
import { helpOf, placeOf, subjectWords, type Report } from "./report.ts";

const commands: Readonly<Record<ProblemLevel, string>> = { error: "error", warning: "warning", info: "notice" };

export function githubText(report: Report): string {
  const lines = report.problems.map((problem) => {
    const { code, level, subject, field, sentence } = problem;
    const place = placeOf(problem, report.originOf);
    const properties = [
      ...(place === null || place.file === "-"
        ? []
        : [`file=${escapedProperty(place.file)}`, `line=${place.line}`, `col=${place.column}`]),
      `title=${escapedProperty(code)}`,
    ];
    const message = `${subjectWords(subject)}${field === "" ? "" : ` ${field}`}: ${sentence} (${helpOf(code, report)})`;
    return `::${commands[level]} ${properties.join(",")}::${escapedMessage(message)}\n`;
  });
  return lines.join("");
}

// As GitHub's own toolkit writes them.
function escapedMessage(text: string): string {
  return visible(text).replaceAll("%", "%25");
}

function escapedProperty(text: string): string {
  return escapedMessage(text).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
