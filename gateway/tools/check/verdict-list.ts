// Verdicts as `sluice check` prints them: their numbers, then a line for each deployment that is not as before.
//
//   41 SeldonDeployments: 34 as before, 6 to look at, 1 not ours
//     to look at  models/iris (iris.yaml:12): 1 error, 2 info (bad-value, differs)
import type { ObjectRef } from "../../../routing/text/problem.ts";
import { visible } from "../../../routing/text/visible.ts";
import { plural } from "../read-words.ts";
import { levelCounts } from "./problem-list.ts";
import type { Verdict } from "./verdicts.ts";

/** Lines of one verdict, unless all are asked for. */
export const linesOfVerdict = 10;

/** Ambassador-ids that a line names. */
const maxIds = 8;

const words: Readonly<Record<Verdict["kind"], string>> = {
  "as-before": "as before",
  "to-look-at": "to look at",
  "not-ours": "not ours",
};

/** `all`: a line for each that is as before, too. "" where there is nothing to judge. */
export function printVerdicts(
  verdicts: readonly Verdict[],
  { all, originOf }: { readonly all: boolean; readonly originOf: (ref: ObjectRef) => string },
): string {
  const lines: string[] = [];
  for (const [kind, some] of Map.groupBy(verdicts, ({ ref }) => ref.kind)) {
    const byVerdict = Map.groupBy(some, (verdict) => verdict.kind);
    const counts = (["as-before", "to-look-at", "not-ours"] as const).flatMap((one) =>
      byVerdict.has(one) ? [`${byVerdict.get(one)!.length} ${words[one]}`] : [],
    );
    lines.push(`${plural(some.length, kind)}: ${counts.join(", ")}`);
    for (const [verdict, group] of byVerdict) {
      const shown = all ? group : verdict === "as-before" ? [] : group.slice(0, linesOfVerdict);
      lines.push(...shown.map((one) => verdictLine(one, originOf(one.ref))));
      const rest = group.length - shown.length;
      if (rest > 0 && verdict !== "as-before")
        lines.push(`  … and ${rest} more ${words[verdict]}: --all prints ${rest === 1 ? "it" : "them"}`);
    }
  }
  return lines.map((line) => `${visible(line)}\n`).join("");
}

function verdictLine({ ref, kind, problems, ids }: Verdict, origin: string): string {
  const place = origin === "" ? "" : ` (${origin})`;
  const counts = levelCounts(problems).flatMap(([level, count]) => (count === 0 ? [] : [`${count} ${level}`]));
  const codes = [...new Set(problems.map(({ code }) => code))].join(", ");
  const why =
    kind === "not-ours"
      ? `: ambassador-id ${ids.slice(0, maxIds).join(", ")}${ids.length > maxIds ? ", …" : ""}`
      : problems.length === 0
        ? ""
        : `: ${counts.join(", ")} (${codes})`;
  return `  ${words[kind].padEnd(10)}  ${ref.namespace}/${ref.name}${place}${why}`;
}
