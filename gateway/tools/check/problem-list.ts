// Problems as `sluice check` prints them: first what is wrong, then under one heading what is served, but not as Ambassador would. Of one code
// and one key a few lines and the number of the others, so that one mistake that is made often hides nothing else.
import {
  isDifference,
  printProblemAt,
  type ObjectRef,
  type Problem,
  type ProblemLevel,
} from "../../../routing/text/problem.ts";
import { visible } from "../../../routing/text/visible.ts";

/** The worst first. */
export const levels: readonly ProblemLevel[] = ["error", "warning", "info"];

/** Lines of one level, code and key, unless all are asked for. */
export const linesOfCode = 5;
/** Keys of one level and code that have lines of their own. The others share theirs. */
export const keysOfCode = 40;

export interface ProblemListing {
  /** Every line is printed. */
  readonly all: boolean;
  /** Where an object was read; "" where nothing is known of that. */
  readonly originOf: (ref: ObjectRef) => string;
}

/** A line each, in the order given; "" when there are none. */
export function printProblems(problems: readonly Problem[], listing: ProblemListing): string {
  const differences = problems.filter(isDifference);
  const others = printSome(
    problems.filter((problem) => !isDifference(problem)),
    listing,
  );
  if (differences.length === 0) return others;
  return `${others}${others === "" ? "" : "\n"}differs from Ambassador:\n${printSome(differences, listing)}\n`;
}

function printSome(problems: readonly Problem[], { all, originOf }: ProblemListing): string {
  const byKey = byCodeAndKey(problems);
  const shown = new Set(all ? problems : [...byKey.values()].flatMap(firstOf));
  const lines = problems
    .filter((problem) => shown.has(problem))
    .map((problem) => printProblemAt(problem, originOf(problem.subject)));
  for (const [kind, some] of byKey) {
    const rest = some.filter((problem) => !shown.has(problem));
    if (rest.length === 0) continue;
    const objects = new Set(rest.map(keyOf)).size;
    lines.push(
      visible(
        `… and ${rest.length} more of ${kind}, on ${objects} ${objects === 1 ? "object" : "objects"}: --all prints ${rest.length === 1 ? "it" : "them"}`,
      ),
    );
  }
  return lines.map((line) => `${line}\n`).join("");
}

function byCodeAndKey(problems: readonly Problem[]): ReadonlyMap<string, readonly Problem[]> {
  const keys = new Map<string, Set<string>>();
  return Map.groupBy(problems, ({ level, code, field }) => {
    const kind = `${level} ${code}`;
    const known = keys.get(kind) ?? new Set();
    keys.set(kind, known);
    // The last key of the field: `traffic` of spec.predictors[1].traffic.
    const key = /([^\s.[\]"]+|"[^"]*")[\]\d[]*$/.exec(field)?.[1]?.replaceAll('"', "") ?? "";
    if (known.size < keysOfCode) known.add(key);
    return key !== "" && known.has(key) ? `${kind} in ${key}` : kind;
  });
}

/** Those of one code and key that are shown: of as many objects as there is room for. */
function firstOf(problems: readonly Problem[]): readonly Problem[] {
  if (problems.length <= linesOfCode) return problems;
  const objects = new Set<string>();
  const first = problems.filter(
    (problem) => objects.size < linesOfCode && !objects.has(keyOf(problem)) && objects.add(keyOf(problem)),
  );
  const others = problems.filter((problem) => !first.includes(problem));
  return [...first, ...others.slice(0, linesOfCode - first.length)];
}

function keyOf({ subject: { kind, namespace, name } }: Problem): string {
  return `${kind} ${namespace}/${name}`;
}

/** How many there are at each level. */
export function levelCounts(problems: readonly Problem[]): readonly (readonly [level: ProblemLevel, count: number])[] {
  return levels.map((level) => [level, problems.filter((problem) => problem.level === level).length]);
}
