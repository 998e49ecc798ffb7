// `sluice check`: the Problems of manifests, as a gateway that serves them would report them.
import { problemEntries } from "../../../k8s/problems/all.ts";
import { nearWord } from "../../../k8s/translate/values/near-word.ts";
import type { ObjectRef, Problem } from "../../../routing/text/problem.ts";
import { command, type Outcome, type Use } from "../../options/command.ts";
import { choice, flag, list, text as textOption, wrongValue } from "../../options/option.ts";
import { isValue, outputOption, printValue } from "../output.ts";
import { hasOneOrigin, manifestOptions, readServed, type Served } from "../manifests.ts";
import { plural, readWords } from "../read-words.ts";
import { backProblems } from "./back.ts";
import { levelCounts, levels, linesOfCode, printProblems } from "./problem-list.ts";
import { printVerdicts } from "./verdict-list.ts";
import { verdictsOf, type Verdict } from "./verdicts.ts";

const text = `Says for each deployment first whether Sluice serves it as Ambassador did. Then prints each declaration that Sluice does not serve as written, with the file
and line of its object. Under "differs from Ambassador" it prints what Seldon's operator and Ambassador do otherwise. With --policy it also reads the keys
of providers. It resolves no names and connects to no model.
For each code it prints ${linesOfCode} lines and the number of the others; --all and -o json print all of them. k8s/PROBLEMS.md explains each code. The last line says what it read, and what it did not.
--back lists instead what would be open, or would get another share, if Ambassador served these objects again: Ambassador ignores sluice.io/… and the policy.
Exits 0 when there is no Problem at level error, 1 when there is one, 2 on wrong use. --fail-on says another level, --ignore which codes do not count.
`;

const options = {
  all: flag("print every line of each code, and every deployment"),
  back: flag("list what would be open if Ambassador served these objects"),
  failOn: choice(["error", "warning", "info"], "exit 1 for a Problem at this level or above"),
  ignore: list("CODE", "leave out the Problems of this code", "", readCode),
  deployment: textOption("[NS/]NAME", "print this deployment only, and the Services that its requests go to"),
  ...outputOption,
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
  const all = values.back ? backProblems(served, settings) : served.problems;
  const looked = lookedAt(served, all, values.ignore, values.deployment);
  if (typeof looked === "string") return { kind: "failed", sentence: looked };
  const { problems } = looked;
  const printed = isValue(values.output)
    ? printValue(valueOf(served, looked), values.output)
    : peopleText(served, looked, values);
  const failing = levels.slice(0, levels.indexOf(values.failOn) + 1);
  return {
    kind: "done",
    text: printed,
    form: "plain",
    code: problems.some(({ level }) => failing.includes(level)) ? 1 : 0,
  };
}

/** What is printed: all, or what concerns the deployments of one name. */
interface LookedAt {
  readonly verdicts: readonly Verdict[];
  readonly problems: readonly Problem[];
  /** Problems of ignored codes. */
  readonly ignored: number;
  /** Problems that concern none of the named deployments. */
  readonly ofOthers: number;
}

/** A sentence: no deployment has the name. */
function lookedAt(
  { objects, translation }: Served,
  all: readonly Problem[],
  ignore: readonly string[],
  named: string | null,
): LookedAt | string {
  const counted = ignore.length === 0 ? all : all.filter(({ code }) => !ignore.includes(code));
  const ignored = all.length - counted.length;
  const judged = verdictsOf(objects, translation, counted);
  if (named === null) return { verdicts: judged, problems: counted, ignored, ofOthers: 0 };
  const verdicts = judged.filter(({ ref: { namespace, name } }) => named === name || named === `${namespace}/${name}`);
  if (verdicts.length === 0)
    return `no SeldonDeployment and no Mapping is named ${named}: write NAME or NAMESPACE/NAME as its manifest has it, or leave --deployment out for all`;
  const concerning = new Set(verdicts.flatMap(({ problems }) => problems));
  const problems = counted.filter((problem) => concerning.has(problem));
  return { verdicts, problems, ignored, ofOthers: counted.length - problems.length };
}

function peopleText(
  { originOf, read, translation }: Served,
  { verdicts, problems, ignored, ofOthers }: LookedAt,
  { all, back }: { readonly all: boolean; readonly back: boolean },
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
    `${summary} in ${readWords(read, translation.ofAnother.length)}${beside}\n`,
  ].join("");
}

const codesLine = "k8s/PROBLEMS.md explains each code.\n";

function valueOf(
  { originOf, read, translation }: Served,
  { verdicts, problems, ignored, ofOthers }: LookedAt,
): unknown {
  const placed = (ref: ObjectRef): { readonly origin: string } => ({ origin: originOf(ref) });
  return {
    deployments: verdicts.map(({ ref, kind, problems: concerning, ids }) => ({
      ...ref,
      ...placed(ref),
      verdict: kind,
      codes: [...new Set(concerning.map(({ code }) => code))],
      ambassadorIds: ids,
    })),
    problems: problems.map((problem) => ({ ...problem, ...placed(problem.subject) })),
    ignored,
    ofOthers,
    read: { ...read, kinds: Object.fromEntries(read.kinds), ofAnotherId: translation.ofAnother.length },
  };
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

/** A Problem code; throws where it is none. */
function readCode(written: string, from: string): string {
  if (Object.hasOwn(problemEntries, written)) return written;
  const near = nearWord(written, Object.keys(problemEntries));
  return wrongValue(
    `${from} is "${written}", which is no code of a Problem: ${near === null ? "k8s/PROBLEMS.md lists them" : `did you mean ${near}?`}`,
  );
}
