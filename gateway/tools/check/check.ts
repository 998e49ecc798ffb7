// `sluice check`: the Problems of manifests, as a gateway that serves them would report them.
import { problemEntries } from "../../../k8s/problems/all.ts";
import { nearWord } from "../../../routing/text/near-word.ts";
import type { Problem } from "../../../routing/text/problem.ts";
import { command, type Outcome, type Use } from "../../options/command.ts";
import { choice, flag, list, text as textOption, wrongValue } from "../../options/option.ts";
import { isNamed } from "../../explain/who.ts";
import { printValue } from "../output.ts";
import { hasOneOrigin, manifestOptions, readServed, type Served } from "../manifests.ts";
import { withoutEcho } from "../nothing-served.ts";
import { plural, readWords } from "../read-words.ts";
import { backProblems } from "./back.ts";
import { githubText } from "./github.ts";
import { reportValues } from "./json.ts";
import { junitText } from "./junit.ts";
import { levelCounts, levels, linesOfCode, printProblems } from "./problem-list.ts";
import type { Report } from "./report.ts";
import { sarifValues } from "./sarif.ts";
import { printVerdicts } from "./verdict-list.ts";
import { verdictsOf } from "./verdicts.ts";

const text = `Says for each deployment first whether Sluice serves it as Ambassador did. Then prints each declaration that Sluice does not serve as written, with the file
and line of its object. Under "differs from Ambassador" it prints what Seldon's operator and Ambassador do otherwise. With --policy it also reads the keys
of providers. It resolves no names and connects to no model.
For each code it prints ${linesOfCode} lines and the number of the others; --all and every other --output print all of them. k8s/PROBLEMS.md explains each code. The last line says what it read, and what it did not.
-o github prints annotations for GitHub Actions, -o sarif SARIF 2.1.0, -o junit JUnit's XML with a case for each deployment.
--back lists instead what would be open, or would get another share, if Ambassador served these objects again: Ambassador ignores sluice.io/… and the policy.
Exits 0 when there is no Problem at level error, 1 when there is one, 2 on wrong use. --fail-on says another level, --ignore which codes do not count.
`;

const options = {
  all: flag("print every line of each code, and every deployment"),
  back: flag("list what would be open if Ambassador served these objects"),
  failOn: choice(["error", "warning", "info"], "exit 1 for a Problem at this level or above"),
  ignore: list("CODE", "leave out the Problems of this code", "", readCode),
  deployment: textOption("[NS/]NAME", "print this deployment only, and the Services that its requests go to"),
  output: { ...choice(["text", "json", "yaml", "github", "sarif", "junit"], "form of the output"), short: "o" },
  helpUrl: textOption(
    "URL",
    "where k8s/PROBLEMS.md can be read, for the links of -o github and -o sarif",
    "",
    readHelpUrl,
  ),
  ...manifestOptions,
};

export const check = command({
  forms: [
    "DIR|FILE… [options]",
    "- [options]                 manifests on standard input",
    "--cluster [options]",
    "--back DIR|FILE…|--cluster [--policy FILE] [options]",
  ],
  text,
  options,
  words: "files",
  run,
});

async function run(use: Use<typeof options>): Promise<Outcome> {
  const { values, positionals } = use;
  if (!hasOneOrigin(values, positionals))
    return {
      kind: "wrong",
      sentence: "it takes either manifests or a cluster: write sluice check DIR|FILE…, or sluice check --cluster",
    };
  const read = await readServed(use, positionals);
  if (read.kind !== "served") return read;
  const { served, settings } = read;
  const all = values.back ? backProblems(served, settings) : withoutEcho(served.problems);
  const report = reportOf(served, all, values);
  if (typeof report === "string") return { kind: "failed", sentence: report };
  const isFailing = report.problems.some(({ level }) => report.failing.includes(level));
  return { kind: "done", text: printed(report, values), form: "plain", code: isFailing ? 1 : 0 };
}

type Values = Use<typeof options>["values"];

function printed(report: Report, values: Values): string {
  switch (values.output) {
    case "text":
      return peopleText(report, values);
    case "json":
    case "yaml":
      return printValue(reportValues(report), values.output);
    case "github":
      return githubText(report);
    case "sarif":
      return printValue(sarifValues(report), "json");
    case "junit":
      return junitText(report);
  }
}

/** A sentence: no deployment has the name. */
function reportOf(
  { objects, translation, read, originOf }: Served,
  all: readonly Problem[],
  values: Values,
): Report | string {
  const { ignore, deployment: named, failOn, helpUrl } = values;
  const counted = ignore.length === 0 ? all : all.filter(({ code }) => !ignore.includes(code));
  const judged = verdictsOf(objects, translation, counted);
  const report = {
    verdicts: judged,
    problems: counted,
    ignored: all.length - counted.length,
    ofOthers: 0,
    read,
    ofAnotherId: translation.ofAnother.length,
    originOf,
    failing: levels.slice(0, levels.indexOf(failOn) + 1),
    helpUrl,
  };
  if (named === null) return report;
  const verdicts = judged.filter(({ ref }) => isNamed(ref, named));
  if (verdicts.length === 0)
    return `no SeldonDeployment and no Mapping is named ${named}: write NAME or NAMESPACE/NAME as its manifest has it, or leave --deployment out for all`;
  const concerning = new Set(verdicts.flatMap(({ problems }) => problems));
  const problems = counted.filter((problem) => concerning.has(problem));
  return { ...report, verdicts, problems, ofOthers: counted.length - problems.length };
}

function peopleText(
  { verdicts, problems, ignored, ofOthers, read, ofAnotherId, originOf }: Report,
  { all, back }: Pick<Values, "all" | "back">,
): string {
  const judged = back ? "" : printVerdicts(verdicts, { all, originOf });
  const beside = [
    ignored === 0 ? "" : `; --ignore leaves out ${plural(ignored, "Problem")}`,
    ofOthers === 0
      ? ""
      : `; ${plural(ofOthers, "Problem")} of other objects ${ofOthers === 1 ? "is" : "are"} not shown`,
  ].join("");
  const summary = back
    ? backSummaryOf(problems)
    : problems.length === 0
      ? "no Problems"
      : levelCounts(problems)
          .map(([level, count]) => `${count} ${level}`)
          .join(", ");
  return [
    judged === "" ? "" : `${judged}\n`,
    printProblems(problems, { all: back || all, originOf }),
    problems.length === 0 ? "" : codesLine,
    `${summary} in ${readWords(read, ofAnotherId)}${beside}\n`,
  ].join("");
}

const codesLine = "k8s/PROBLEMS.md explains each code.\n";

function backSummaryOf(problems: readonly Problem[]): string {
  const opened = new Set(
    problems
      .filter(({ code }) => code === "opens")
      .map(({ subject: { kind, namespace, name } }) => `${kind} ${namespace}/${name}`),
  ).size;
  return opened === 0
    ? "nothing that would open was found"
    : `${plural(opened, "object")} would open, or lose limits, with Ambassador,`;
}

/** A Problem code; throws where it is none. */
function readCode(written: string, from: string): string {
  if (Object.hasOwn(problemEntries, written)) return written;
  const near = nearWord(written, Object.keys(problemEntries));
  return wrongValue(
    `${from} is "${written}", which is no code of a Problem: ${near === null ? "k8s/PROBLEMS.md lists them" : `did you mean ${near}?`}`,
  );
}

function readHelpUrl(written: string, from: string): string {
  return /^https?:\/\/[^\s#]+$/.test(written) && URL.canParse(written)
    ? written
    : wrongValue(
        `${from} is "${written}", which is no address of a page: write for example https://git.example.com/sluice/k8s/PROBLEMS.md`,
      );
}
