// Comparisons as text for a terminal.
import type { ComparedDeployment, ShownComparison, ShownDisagreement, ShownReplica } from "../../api/comparisons.ts";
import { cut, tableOf } from "../terminal/cells.ts";

const maxPaths = 12;
/** Disagreements of the short text. */
const maxShort = 5;
const width = 160;

/** `wide`: all disagreements, with both answers. */
export function printComparison(
  { namespace, deployment, replicas, comparisons, disagreements }: ComparedDeployment,
  wide: boolean,
): string {
  const shown = wide ? disagreements : disagreements.slice(0, maxShort);
  const more =
    shown.length < disagreements.length ? ` (${shown.length} of ${disagreements.length}; -o wide prints all)` : "";
  const lines = [
    `${namespace}/${deployment}`,
    ...replicaLines(replicas),
    ...comparisons.flatMap((one) => ["", ...comparisonLines(one)]),
    ...(shown.length === 0 ? [] : ["", `The last disagreements${more}`]),
    ...shown.flatMap((one) => disagreementLines(one, wide)),
  ];
  return lines.map((line) => `${cut(line, wide ? 1000 : width)}\n`).join("");
}

/** How many replicas these counts are of, and a line for each whose counts are not in them; nothing of one alone. */
function replicaLines(replicas: readonly ShownReplica[]): readonly string[] {
  const away = replicas.flatMap(({ replica, sentence }) => (sentence === null ? [] : [`${replica}: ${sentence}`]));
  if (replicas.length < 2) return [];
  return [
    `of ${replicas.length - away.length} of ${replicas.length} replicas`,
    ...away.map((line) => `  not in these counts: ${line}`),
  ];
}

function comparisonLines(one: ShownComparison): readonly string[] {
  const { predictor, against, agreement, pairs, rules, sinceMs, incomparable, leftOut, paths } = one;
  const of =
    agreement === null
      ? "nothing was compared"
      : `${percentWords(agreement.share)} (${percentWords(agreement.low)} to ${percentWords(agreement.high)}) of ${pairs} pairs`;
  const reasons = (name: string, all: ShownComparison["leftOut"]): readonly (readonly [string, string])[] =>
    all.map(({ reason, count }, at) => [at === 0 ? name : "", `${count} × ${reason}`]);
  const rows: readonly (readonly [string, string])[] = [
    ["agreement", of],
    ...reasons("not compared", incomparable),
    ...reasons("left out", leftOut),
    ["rules", rules.trim() === "true" ? "default rules" : rules],
    ["since", new Date(sinceMs).toISOString()],
  ];
  const plain = ["", ""].map((heading) => ({ heading, align: "left" as const, maxWidth: width }));
  return [
    `${predictor} beside ${against}`,
    ...tableOf(plain, rows).map((line) => `  ${line}`),
    ...(paths.length === 0 ? [] : pathLines(one)),
  ];
}

function pathLines({ paths, morePaths }: ShownComparison): readonly string[] {
  const rows = paths
    .slice(0, maxPaths)
    .map(({ path, redacted, numbersApart, maxDifference, pairsApart }) => [
      path === "" ? "(the whole answer)" : path,
      String(pairsApart),
      redacted ? "redacted" : String(numbersApart),
      redacted ? "redacted" : numberWords(maxDifference),
    ]);
  const columns = ["path", "pairs apart", "numbers apart", "largest"].map((heading, at) => ({
    heading,
    align: at === 0 ? ("left" as const) : ("right" as const),
    maxWidth: at === 0 ? 60 : 24,
  }));
  const left = paths.length - maxPaths;
  return [
    ...tableOf(columns, rows).map((line) => `  ${line}`),
    ...(left > 0 || morePaths ? [`  … and ${left > 0 ? left : "further"} paths`] : []),
  ];
}

function disagreementLines(one: ShownDisagreement, wide: boolean): readonly string[] {
  const { atMs, predictor, against, requestId, path, primary, shadow } = one;
  const differences = (wide ? one.differences : one.differences.slice(0, 3)).map(
    (each) => `    ${each.path}: ${each.primary ?? "nothing"} | ${each.shadow ?? "nothing"}`,
  );
  return [
    `  ${new Date(atMs).toISOString()}  ${predictor} beside ${against}  ${requestId}  ${path}`,
    ...differences,
    ...(wide ? [`    primary ${primary}`, `    shadow  ${shadow}`] : []),
  ];
}

/** 0.98765 is `98.77 %`; what is nearly all is never all. */
export function percentWords(share: number): string {
  const percent = 100 * share;
  const digits = percent > 0 && percent < 100 ? 2 : 0;
  const rounded = percent.toFixed(digits);
  if (Number(rounded) === 100 && percent < 100) return "99.99 %";
  return `${Number(rounded) === 0 && percent > 0 ? "0.01" : rounded} %`;
}

function numberWords(value: number): string {
  return value === 0 || (Math.abs(value) >= 1e-3 && Math.abs(value) < 1e6)
    ? String(Number(value.toPrecision(4)))
    : value.toExponential(2);
}
