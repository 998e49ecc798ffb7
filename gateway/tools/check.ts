// `sluice check`: the Problems of manifests, as a gateway that serves them would report them.
import type { Problem } from "../../routing/text/problem.ts";
import { command, type Outcome, type Use } from "../options/command.ts";
import { flag } from "../options/option.ts";
import { jsonOption } from "./admin.ts";
import { backProblems } from "./back.ts";
import { linesOfCode, printProblems } from "./problem-list.ts";
import { plural, readWords } from "./read-words.ts";
import { hasOneOrigin, manifestOptions, readServed } from "./manifests.ts";

const text = `Prints each declaration that Sluice does not serve as written, with the file and line of its object. Under "differs from Ambassador" it prints what
Seldon's operator and Ambassador do otherwise. With --policy it also reads the keys of providers. It resolves no names and connects to no model.
For each code it prints ${linesOfCode} lines and the number of the others; --all and --json print all of them. k8s/PROBLEMS.md explains each code. The last line says what it read, and what it did not.
--back lists instead what would be open, or would get another share, if Ambassador served these objects again: Ambassador ignores sluice.io/… and the policy.
Exits 0 when there is no Problem at level error, 1 when there is one, 2 on wrong use.
`;

const options = {
  all: flag("print every line of each code"),
  back: flag("list what would be open if Ambassador served these objects"),
  ...jsonOption,
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
  const problems = values.back ? backProblems(served, settings) : served.problems;
  const { originOf } = served;
  const ofAnotherId = served.translation.ofAnother.length;
  const printed = values.json
    ? `${JSON.stringify({ problems: problems.map((problem) => ({ ...problem, origin: originOf(problem.subject) })), read: { ...served.read, kinds: Object.fromEntries(served.read.kinds), ofAnotherId } }, null, 2)}\n`
    : `${printProblems(problems, { all: values.back || values.all, originOf })}${problems.length === 0 ? "" : codesLine}${values.back ? backSummaryOf(problems) : summaryOf(problems)} in ${readWords(served.read, ofAnotherId)}\n`;
  return { kind: "done", text: printed, form: "plain", code: problems.some(({ level }) => level === "error") ? 1 : 0 };
}

const codesLine = "k8s/PROBLEMS.md explains each code.\n";

function summaryOf(problems: readonly Problem[]): string {
  const count = (level: Problem["level"]): number => problems.filter((problem) => problem.level === level).length;
  return problems.length === 0
    ? "no Problems"
    : `${count("error")} error, ${count("warning")} warning, ${count("info")} info`;
}

function backSummaryOf(problems: readonly Problem[]): string {
  const opened = new Set(
    problems
      .filter(({ code }) => code.startsWith("opens-"))
      .map(({ subject: { kind, namespace, name } }) => `${kind} ${namespace}/${name}`),
  ).size;
  return opened === 0
    ? "nothing that would open was found"
    : `${plural(opened, "object")} would open, or lose limits, with Ambassador,`;
}
