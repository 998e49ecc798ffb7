// What `sluice watch` shows: the split of one deployment as it moves. Pure: a deployment and a size in, lines out.
import type { Deployment, Predictor } from "../../api/deployments.ts";
import { cell, cut } from "../terminal/cells.ts";
import { msWords, type Size } from "./top-drawn.ts";

const columnsOf: readonly (readonly [heading: string, width: number, wordsOf: (predictor: Predictor) => string])[] = [
  ["SERVED", 8, ({ servedPercent }) => percentWords(servedPercent)],
  ["DECLARED", 8, ({ declaredPercent }) => percentWords(declaredPercent)],
  ["MEASURED", 8, ({ measuredPercent }) => (measuredPercent === null ? "-" : percentWords(measuredPercent))],
  ["READY", 6, ({ endpoints }) => `${endpoints.filter(({ state }) => state === "ready").length}/${endpoints.length}`],
  ["FAILED", 6, ({ lastMinute: { failed } }) => `${failed}`],
  ["P99", 7, ({ lastMinute: { p99Ms } }) => (p99Ms === null ? "-" : msWords(p99Ms))],
];

/** Lines at most `columns` wide. What has no room goes from the right; a bar of the served share stands behind where there is room. */
export function drawWatch(
  deployment: Deployment,
  notes: readonly string[],
  { columns, rows }: Size,
): readonly string[] {
  const { namespace, name, state, sentence, predictors } = deployment;
  const longest = Math.min(
    24,
    predictors.reduce((most, one) => Math.max(most, nameOf(one).length), 9),
  );
  const title = Math.max(1, Math.min(longest, columns - 9));
  const shown: (typeof columnsOf)[number][] = [];
  let left = columns - title;
  for (const column of columnsOf) {
    if (left < column[1] + 1) break;
    shown.push(column);
    left -= column[1] + 1;
  }
  const bar = left >= 12 ? Math.min(40, left - 2) : 0;
  const line = (first: string, words: readonly string[], end: string): string =>
    `${cell(first, title)}${words.map((text, at) => ` ${cell(text, shown[at]![1], "right")}`).join("")}${end}`.trimEnd();
  return [
    ...notes.map((note) => cut(note, columns)),
    cut(`${namespace}/${name} ${state}${sentence === "" ? "" : `: ${sentence}`}`, columns),
    line(
      "PREDICTOR",
      shown.map(([heading]) => heading),
      "",
    ),
    ...predictors.map((one) =>
      line(
        nameOf(one),
        shown.map(([, , wordsOf]) => wordsOf(one)),
        bar === 0 ? "" : `  ${barOf(one.servedPercent, bar)}`,
      ),
    ),
  ].slice(0, rows === Infinity ? undefined : rows);
}

/** The split in one line, for a pipe: a line is printed when it differs from the one before. */
export function splitLine({ namespace, name, state, predictors }: Deployment): string {
  const shares = predictors.map(
    (one) =>
      `${nameOf(one)} ${percentWords(one.servedPercent)}${one.servedPercent === one.declaredPercent ? "" : ` of ${percentWords(one.declaredPercent)}`}`,
  );
  return cut(`${namespace}/${name} ${state}: ${shares.join(", ")}`, 900);
}

function nameOf({ name, role }: Predictor): string {
  return role === "shadow" ? `copy ${name}` : name;
}

function percentWords(percent: number): string {
  return `${Math.round(percent * 10) / 10}%`;
}

function barOf(percent: number, width: number): string {
  const full = Math.max(0, Math.min(width, Math.round((percent * width) / 100)));
  return "#".repeat(full) + ".".repeat(width - full);
}
