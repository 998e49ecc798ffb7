// What `sluice top` shows: deployments by rate, failures or p99. Pure: deployments and a size in, lines out.
import { compareText } from "../../../routing/text/problem.ts";
import type { Deployment } from "../../api/deployments.ts";
import { cell, cut } from "../terminal/cells.ts";

export const topOrders = ["failures", "rate", "p99"] as const;
export type TopOrder = (typeof topOrders)[number];

export interface Size {
  readonly columns: number;
  /** Infinity: as many as there are. */
  readonly rows: number;
}

const windowSeconds = 60;

interface Figure {
  readonly heading: string;
  readonly width: number;
  readonly wordsOf: (deployment: Deployment) => string;
}

const figures: Readonly<Record<TopOrder | "failing", Figure>> = {
  failures: { heading: "FAILED", width: 7, wordsOf: ({ lastMinute: { failed } }) => shortCount(failed) },
  failing: {
    heading: "%",
    width: 4,
    wordsOf: ({ lastMinute: { failed, requests } }) =>
      requests === 0 ? "-" : `${Math.round((100 * failed) / requests)}`,
  },
  rate: { heading: "RATE/S", width: 7, wordsOf: ({ lastMinute }) => rateWords(lastMinute.requests / windowSeconds) },
  p99: { heading: "P99", width: 7, wordsOf: ({ lastMinute: { p99Ms } }) => (p99Ms === null ? "-" : msWords(p99Ms)) },
};

/** Of the last minute, the most first; then by name. */
export function orderedBy(deployments: readonly Deployment[], order: TopOrder): readonly Deployment[] {
  const of = ({ lastMinute }: Deployment): number =>
    order === "failures" ? lastMinute.failed : order === "rate" ? lastMinute.requests : (lastMinute.p99Ms ?? -1);
  return deployments.toSorted(
    (a, b) =>
      of(b) - of(a) ||
      b.lastMinute.requests - a.lastMinute.requests ||
      compareText(`${a.namespace}/${a.name}`, `${b.namespace}/${b.name}`),
  );
}

/** Lines at most `columns` wide, at most `rows` of them. Where all figures have no room the one that it is ordered by stays, and names are cut. `notes`: lines above. */
export function drawTop(
  deployments: readonly Deployment[],
  order: TopOrder,
  notes: readonly string[],
  { columns, rows }: Size,
): readonly string[] {
  const [own, ...others] = [
    figures[order],
    ...(["failures", "failing", "rate", "p99"] as const).map((name) => figures[name]),
  ];
  const minName = Math.min(24, Math.max(8, columns - own.width - 1));
  const shown: Figure[] = [own];
  let left = columns - minName - own.width - 1;
  for (const figure of others) {
    if (figure === own || left < figure.width + 1) continue;
    shown.push(figure);
    left -= figure.width + 1;
  }
  const name = Math.max(0, columns - shown.reduce((width, figure) => width + figure.width + 1, 0));
  const state = name >= 40 ? 8 : 0;
  const line = (title: string, word: string, words: readonly string[]): string =>
    `${cell(title, name - state)}${state === 0 ? "" : cell(word, state)}${words.map((text, at) => ` ${cell(text, shown[at]!.width, "right")}`).join("")}`
      .slice(0, columns)
      .trimEnd();
  const failing = deployments.filter((one) => one.state !== "ready").length;
  const head = [
    ...notes.map((note) => cut(note, columns)),
    cut(
      `${deployments.length} ${deployments.length === 1 ? "deployment" : "deployments"}, ${failing} not ready or failing, last minute`,
      columns,
    ),
    line(
      "DEPLOYMENT",
      state === 0 ? "" : "STATE",
      shown.map(({ heading }) => heading),
    ),
  ];
  const room = Math.max(0, rows - head.length);
  const ordered = orderedBy(deployments, order);
  const fits = ordered.length <= room ? ordered : ordered.slice(0, Math.max(0, room - 1));
  const lines = fits.map((one) =>
    line(
      `${one.namespace}/${one.name}`,
      one.state,
      shown.map(({ wordsOf }) => wordsOf(one)),
    ),
  );
  if (fits.length < ordered.length) lines.push(cut(`${ordered.length - fits.length} more`, columns));
  return [...head, ...lines].slice(0, rows === Infinity ? undefined : rows);
}

/** `999`, `12.3k`, `4.5M`. */
function shortCount(count: number): string {
  if (count < 10_000) return `${Math.round(count)}`;
  return count < 1e6 ? `${(count / 1e3).toFixed(1)}k` : `${(count / 1e6).toFixed(1)}M`;
}

function rateWords(rate: number): string {
  return rate > 0 && rate < 10 ? rate.toFixed(2) : shortCount(rate);
}

/** `3.2ms`, `250ms`, `1.5s`. */
export function msWords(ms: number): string {
  if (ms < 10) return `${ms.toFixed(1)}ms`;
  return ms < 1000 ? `${Math.round(ms)}ms` : `${(ms / 1000).toFixed(1)}s`;
}
