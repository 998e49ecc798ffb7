// An explanation for people: what was looked at, then who gets which share, in columns. `printExplanation` writes the whole of it in signs.
import { failures } from "../failures.ts";
import { printShare } from "../../routing/print.ts";
import { visible } from "../../routing/text/visible.ts";
import { Columns, memberColumns, type Column } from "./columns.ts";
import type { Explanation } from "./explanation.ts";
import { failedWords } from "./measured-words.ts";
import type { Way } from "./ways.ts";

const columns: readonly Column[] = [
  ...memberColumns,
  { heading: "PATH THERE", align: "left", most: 64 },
  { heading: "DECLARED IN", align: "left", most: 80 },
];

/** Why nobody healthy answers, by the reason. */
const causes: ReadonlyMap<string, string> = new Map(
  Object.values(failures)
    .filter(({ flag }) => flag === "UH")
    .map(({ name, cause }) => [name, cause]),
);

/** Routes passed over that are named. */
const mostPassed = 10;
const labelWidth = 14;

/** The text of `sluice explain`, indented by two; ends with a newline. */
export function printExplanationText({
  space,
  host,
  before,
  passed,
  route,
  ways,
  sticky,
  reject,
  hints,
}: Explanation): string {
  const lines = [labelled("looked up in", space)];
  if (host !== null) lines.push(labelled("host", host));
  if (before.length > 0) lines.push(labelled("first steps", before.join(", ")));
  for (const { route: other, because } of passed.slice(0, mostPassed))
    lines.push(labelled("passed over", `${other} (${because})`));
  if (passed.length > mostPassed)
    lines.push(labelled("", `and ${passed.length - mostPassed} more: -o wide lists them`));
  if (route !== null) lines.push(labelled("route", route));
  if (sticky !== null) lines.push(labelled("sticky", sticky));
  if (reject !== null) lines.push(labelled("answers", `${reject.answer}: ${reject.sentence}`));
  // Envoy's words, which clients know, do not say why.
  const cause = reject === null ? "" : (causes.get(reject.reason) ?? "");
  if (cause !== "") lines.push(labelled("because", cause));
  for (const hint of hints) lines.push(labelled("hint", hint));
  if (ways.length === 0) return joined(lines);
  const rows = ways
    .toSorted((a, b) => Number(a.role === "shadow") - Number(b.role === "shadow") || b.declared - a.declared)
    .map(cellsOf);
  const layout = new Columns(columns, rows, 2);
  lines.push("", layout.headings(), ...rows.map((row) => layout.row(row)));
  const notes = notesOf(ways);
  return joined(notes.length === 0 ? lines : [...lines, "", ...notes]);
}

function joined(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}

function labelled(label: string, text: string): string {
  return `  ${label.padEnd(labelWidth)}${visible(text)}`;
}

function cellsOf({ share, declared, role, ready, predictor, to, decision, source }: Way): string[] {
  return [
    `${role === "shadow" ? "copy " : ""}${printShare(share)}`,
    role === "shadow" ? "" : printShare(declared),
    ready ? "yes" : "no",
    predictor === "" ? "-" : predictor,
    decision.kind === "redirect" ? `redirect ${decision.code}` : to,
    decision.kind === "forward" ? decision.path : decision.kind === "redirect" ? decision.location : "",
    `${source.kind} ${source.namespace}/${source.name}`,
  ];
}

/** Steps, limits and Services that are not there: once for all, or with the predictors that they are of. */
function notesOf(ways: readonly Way[]): readonly string[] {
  const live = ways.filter(({ role }) => role === "live");
  return [
    ...grouped(live, "callers", ({ callers }) => callers),
    ...grouped(live, "steps", ({ steps }) => (steps.length === 0 ? [] : [steps.join(", ")])),
    ...grouped(live, "limits", ({ limits }) => limits.map((limit) => limit.replace(/^limits: /, ""))),
    ...grouped(live, "in use now", ({ usage }) => usage),
    ...grouped(live, "would refuse", ({ refuses }) =>
      refuses === null ? [] : [`${refuses.step}: ${refuses.sentence}`],
    ),
    ...grouped(ways, "last minute", ({ lastMinute }) => {
      const failed = lastMinute === null ? "" : failedWords(lastMinute);
      return failed === "" ? [] : [failed.replace(" in the last minute", "")];
    }),
    ...grouped(ways, "Service", ({ service }) =>
      service === null || service.exists
        ? []
        : [`${service.chosen} is not there; tried ${service.candidates.join(", ")}`],
    ),
  ];
}

function grouped(ways: readonly Way[], label: string, textsOf: (way: Way) => readonly string[]): readonly string[] {
  const ofText = new Map<string, string[]>();
  for (const way of ways)
    for (const text of textsOf(way))
      ofText.set(text, [...(ofText.get(text) ?? []), way.predictor === "" ? way.source.name : way.predictor]);
  return Array.from(ofText, ([text, names]) =>
    labelled(label, names.length === ways.length ? text : `${text} (${names.join(", ")})`),
  );
}
