// Comparisons as text for a terminal.
import type { ComparedDeployment, ShownComparison, ShownDisagreement } from "../../api/comparisons.ts";
import { cut, tableOf } from "../terminal/cells.ts";
import {
  numberWords,
  percentWords,
  quantileWords,
  replicasWords,
  rulesWords,
  shareWords,
  titleOf,
} from "./comparison-words.ts";

const maxPaths = 12;
const maxConfusion = 12;
/** Disagreements of the short text. */
const maxShort = 5;
const width = 160;

/** `wide`: all disagreements, with both answers. */
export function printComparison(
  { namespace, deployment, replicas, comparisons, disagreements }: ComparedDeployment,
  wide: boolean,
): string {
  const shown = wide ? disagreements : disagreements.slice(0, maxShort);
  const heading =
    disagreements.length === 0
      ? []
      : [
          `The last disagreements${shown.length < disagreements.length ? ` (${shown.length} of ${disagreements.length}; -o wide prints all)` : ""}`,
        ];
  const lines = [
    cut(`${namespace}/${deployment}`, width),
    ...replicasWords(replicas).map((line) => cut(line, width)),
    ...comparisons.flatMap((one) => ["", ...comparisonLines(one)]),
    ...(disagreements.length === 0 ? [] : ["", ...heading, ...shown.flatMap((one) => disagreementLines(one, wide))]),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

function comparisonLines(one: ShownComparison): readonly string[] {
  const { outcomes, agreement, noise, agreementWithoutNoise, labels, paths, slower, reasons } = one;
  const rows: (readonly [string, string])[] = [
    ["agreement", `${shareWords(agreement)} of ${one.pairs} pairs`],
    ...(noise === null
      ? []
      : ([
          [
            "noise",
            `the primary disagrees with itself in ${percentWords(noise)}; without it ${percentWords(agreementWithoutNoise ?? 0)} agree`,
          ],
        ] as const)),
    ...(labels.rows === 0 ? [] : ([["labels", `${shareWords(labels.agreement)} of ${labels.rows} rows`]] as const)),
    [
      "not compared",
      `${outcomes.incomparable} not comparable, ${outcomes.unanswered} not answered by the shadow${outcomes.unasked > 0 ? `, ${outcomes.unasked} not asked` : ""}`,
    ],
    [
      "shadow slower",
      `p50 ${quantileWords(slower.p50)}, p90 ${quantileWords(slower.p90)}, p99 ${quantileWords(slower.p99)}`,
    ],
    ["rules", rulesWords(one)],
    ["since", new Date(one.sinceMs).toISOString()],
    ...reasons.map(({ reason, count }) => ["", `${count} × ${reason}`] as const),
  ];
  return [
    cut(titleOf(one), width),
    ...tableOf(plain(2), rows).map(indented),
    ...(paths.length === 0 ? [] : pathLines(one)),
    ...(labels.rowsApart === 0 ? [] : confusionLines(one)),
  ];
}

function pathLines({ paths, morePaths }: ShownComparison): readonly string[] {
  const rows = paths
    .slice(0, maxPaths)
    .map(({ path, redacted, numbers, numbersApart, meanDifference, maxDifference, pairsApart }) => [
      path === "" ? "(the whole answer)" : path,
      String(pairsApart),
      redacted ? "redacted" : `${numbersApart} of ${numbers}`,
      numberWords(meanDifference),
      numberWords(maxDifference),
    ]);
  const columns = ["path", "pairs apart", "numbers apart", "mean difference", "largest"].map((heading, at) => ({
    heading,
    align: at === 0 ? ("left" as const) : ("right" as const),
    maxWidth: at === 0 ? 60 : 24,
  }));
  const left = paths.length - maxPaths;
  return [
    ...tableOf(columns, rows).map(indented),
    ...(left > 0 || morePaths ? [indented(`… and ${left > 0 ? left : "further"} paths`)] : []),
  ];
}

function confusionLines({ labels: { confusion } }: ShownComparison): readonly string[] {
  const apart = confusion.filter(({ primary, shadow }) => primary !== shadow).slice(0, maxConfusion);
  return apart.map(({ primary, shadow, count }) =>
    indented(cut(`${count} × the primary says ${primary}, the shadow ${shadow}`, width)),
  );
}

function disagreementLines(one: ShownDisagreement, wide: boolean): readonly string[] {
  const differences = one.differences
    .slice(0, wide ? 20 : 3)
    .map(({ path, primary, shadow }) => `${path}: ${primary ?? "nothing"} | ${shadow ?? "nothing"}`);
  return [
    indented(
      cut(
        `${new Date(one.lastMs).toISOString()}  ${one.count} ×  ${titleOf(one)}  ${one.requestId}  ${one.path}  ${one.reason}`.trimEnd(),
        width,
      ),
    ),
    ...differences.map((line) => indented(indented(cut(line, width)))),
    ...(wide
      ? [
          indented(indented(cut(`primary ${one.primary}`, 1000))),
          indented(indented(cut(`shadow  ${one.shadow}`, 1000))),
        ]
      : []),
  ];
}

function plain(count: number): Parameters<typeof tableOf>[0] {
  return Array.from({ length: count }, () => ({ heading: "", align: "left" as const, maxWidth: width }));
}

function indented(line: string): string {
  return `  ${line}`;
}
