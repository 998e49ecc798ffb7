// The report as SARIF 2.1.0, which code scanning and editors read: a rule a code, a result a Problem.
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { problemEntries } from "../../../k8s/problems/all.ts";
import type { ProblemEntry } from "../../../k8s/problems/entry.ts";
import type { Problem, ProblemLevel } from "../../../routing/text/problem.ts";
import { helpOf, placeOf, subjectWords, type Report } from "./report.ts";

const levels: Readonly<Record<ProblemLevel, string>> = { error: "error", warning: "warning", info: "note" };

export function sarifValues(report: Report): object {
  const codes = [...new Set(report.problems.map(({ code }) => code))].sort();
  return {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: { driver: { name: "sluice", rules: codes.map((code) => ruleOf(code, report)) } },
        columnKind: "utf16CodeUnits",
        results: report.problems.map((problem) => resultOf(problem, codes, report)),
      },
    ],
  };
}

function ruleOf(code: Problem["code"], report: Report): object {
  const { levels: ofCode, cause, cure }: ProblemEntry = problemEntries[code];
  const help = `${cause} ${cure} ${helpOf(code, report)}`;
  return {
    id: code,
    shortDescription: { text: /^.*?[.](?=\s|$)/s.exec(cause)?.[0] ?? cause },
    fullDescription: { text: cause },
    help: { text: help, markdown: `${cause}\n\n${cure}\n\n\`${helpOf(code, report)}\`` },
    ...(report.helpUrl === null ? {} : { helpUri: helpOf(code, report) }),
    defaultConfiguration: { level: levels[ofCode[0]!] },
  };
}

function resultOf(problem: Problem, codes: readonly string[], { originOf }: Report): object {
  const { code, level, subject, field, sentence } = problem;
  const place = placeOf(problem, originOf);
  return {
    ruleId: code,
    ruleIndex: codes.indexOf(code),
    level: levels[level],
    message: { text: `${subjectWords(subject)}${field === "" ? "" : ` ${field}`}: ${sentence}` },
    locations: [
      {
        ...(place === null || place.file === "-"
          ? {}
          : {
              physicalLocation: {
                artifactLocation: { uri: uriOf(place.file) },
                region: { startLine: place.line, startColumn: place.column },
              },
            }),
        logicalLocations: [{ name: subject.name, fullyQualifiedName: subjectWords(subject), kind: "object" }],
      },
    ],
  };
}

/** Relative where the path is, so that it names the file in the repository that is checked. */
function uriOf(file: string): string {
  return file.startsWith("/")
    ? pathToFileURL(resolve(file)).href
    : encodeURI(file.toWellFormed()).replaceAll(/[?#]/g, encodeURIComponent);
}
