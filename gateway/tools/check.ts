// `sluice check`: the Problems of manifests, as a gateway that serves them would report them.
import type { Problem } from "../../routing/text/problem.ts";
import type { Option } from "../options/options.ts";
import { backProblems } from "./back.ts";
import { linesOfCode, printProblems } from "./problem-list.ts";
import { plural, readWords } from "./read-words.ts";
import { runTool, valueOf, type ToolOutcome, type ToolUse } from "./command.ts";
import { hasOneOrigin, jsonOption, manifestOptions, readSettings, serveManifests } from "./manifests.ts";

const usage = `Use: sluice check DIR|FILE… [options]
     sluice check - [options]                 manifests on standard input
     sluice check --cluster [options]
     sluice check --back DIR|FILE…|--cluster [--policy FILE] [options]

Prints each declaration that Sluice does not serve as written, with the file and line of its object. Under "differs from Ambassador" it prints what
Seldon's operator and Ambassador do otherwise. With --policy it also reads the keys of providers. It resolves no names and connects to no model.
For each code it prints ${linesOfCode} lines and the number of the others; --all and --json print all of them. k8s/PROBLEMS.md explains each code. The last line says what it read, and what it did not.
--back lists instead what would be open, or would get another share, if Ambassador served these objects again: Ambassador ignores sluice.io/… and the policy.
Exits 0 when there is no Problem at level error, 1 when there is one, 2 on wrong use.
`;

const allOption: Option = {
  name: "all",
  kind: "flag",
  placeholder: "",
  help: "print every line of each code",
};

const backOption: Option = {
  name: "back",
  kind: "flag",
  placeholder: "",
  help: "list what would be open if Ambassador served these objects",
};

export function check(argv: readonly string[]): Promise<number> {
  return runTool({ name: "check", usage, options: [allOption, backOption, jsonOption, ...manifestOptions], run }, argv);
}

async function run(use: ToolUse): Promise<ToolOutcome> {
  if (!hasOneOrigin(use, use.positionals))
    return {
      kind: "wrong",
      sentence: "it takes either manifests or a cluster: write sluice check DIR|FILE…, or sluice check --cluster",
    };
  const read = await readSettings(use.options);
  if (read.kind !== "settings") return read;
  const served = await serveManifests(use.positionals, read.settings, valueOf(use, "object-namespace"));
  if (typeof served === "string") return { kind: "failed", sentence: served };
  const isBack = use.options.has("back");
  const problems = isBack ? backProblems(served, read.settings) : served.problems;
  const { originOf } = served;
  const ofAnotherId = served.translation.ofAnother.length;
  const text = use.options.has("json")
    ? `${JSON.stringify({ problems: problems.map((problem) => ({ ...problem, origin: originOf(problem.subject) })), read: { ...served.read, kinds: Object.fromEntries(served.read.kinds), ofAnotherId } }, null, 2)}\n`
    : `${printProblems(problems, { all: isBack || use.options.has("all"), originOf })}${problems.length === 0 ? "" : codesLine}${isBack ? backSummaryOf(problems) : summaryOf(problems)} in ${readWords(served.read, ofAnotherId)}\n`;
  return { kind: "done", text, form: "plain", code: problems.some(({ level }) => level === "error") ? 1 : 0 };
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
