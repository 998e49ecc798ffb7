// The report as XML of JUnit: a case for each deployment, and for each other object that has a Problem.
import { objectKey } from "../../../k8s/translate/model/object.ts";
import { printProblemAt, type ObjectRef, type Problem } from "../../../routing/text/problem.ts";
import { visible } from "../../../routing/text/visible.ts";
import type { Report } from "./report.ts";

interface Case {
  readonly ref: ObjectRef;
  readonly problems: readonly Problem[];
  readonly isOurs: boolean;
}

export function junitText(report: Report): string {
  const ofDeployments = report.verdicts.map(({ ref, kind, problems }): Case => ({
    ref,
    problems,
    isOurs: kind !== "not-ours",
  }));
  const said = new Set(ofDeployments.flatMap(({ problems }) => problems));
  const others = Map.groupBy(
    report.problems.filter((problem) => !said.has(problem)),
    ({ subject }) => objectKey(subject),
  );
  const cases = [
    ...ofDeployments,
    ...Array.from(others.values(), (problems): Case => ({ ref: problems[0]!.subject, problems, isOurs: true })),
  ];
  const isFailing = ({ problems }: Case): boolean => problems.some(({ level }) => report.failing.includes(level));
  const counts = `tests="${cases.length}" failures="${cases.filter(isFailing).length}" errors="0" skipped="${cases.filter((one) => !one.isOurs && !isFailing(one)).length}"`;
  const lines = cases.map((one) => caseText(one, isFailing(one), report));
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="sluice check" ${counts}>\n<testsuite name="sluice check" ${counts}>\n${lines.join("")}</testsuite>\n</testsuites>\n`;
}

function caseText({ ref, problems, isOurs }: Case, isFailing: boolean, { originOf, failing }: Report): string {
  const name = ref.namespace === "" ? ref.name : `${ref.namespace}/${ref.name}`;
  const head = `<testcase classname="${escaped(ref.kind)}" name="${escaped(name)}"`;
  const lines = problems.map((problem) => `${escaped(printProblemAt(problem, originOf(problem.subject)))}\n`).join("");
  const first = problems.find(({ level }) => failing.includes(level));
  if (isFailing && first !== undefined)
    return `${head}><failure type="${escaped(first.code)}" message="${escaped(first.sentence)}">${lines}</failure></testcase>\n`;
  if (!isOurs) return `${head}><skipped message="of another ambassador-id"/></testcase>\n`;
  return lines === "" ? `${head}/>\n` : `${head}><system-out>${lines}</system-out></testcase>\n`;
}

const entities: Readonly<Record<string, string>> = {
  __proto__: null as never,
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
};

/** What XML 1.0 has no character for is written as JSON writes it. */
function escaped(text: string): string {
  return visible(text)
    .replaceAll(/[\ufffe\uffff]/g, "\ufffd")
    .replaceAll(/[&<>"']/g, (sign) => entities[sign]!);
}
