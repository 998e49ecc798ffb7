// Charts of a report as SVG.
import type { ShownComparison } from "../../api/comparisons.ts";
import { numberWords } from "./comparison-words.ts";
import { html, type Html } from "./html.ts";

const width = 720;
const rowHeight = 26;
const nameWidth = 200;
const barWidth = width - nameWidth - 110;
const colours = { good: "#2e9e5b", bad: "#c8432f", other: "#8a8a8a" };

export interface Bar {
  readonly name: string;
  readonly value: number;
  readonly kind: keyof typeof colours;
}

export function barChart(bars: readonly Bar[]): Html {
  const most = Math.max(1, ...bars.map(({ value }) => value));
  return svg(
    bars.length * rowHeight,
    bars.map(({ name, value, kind }, at) => {
      const length = String((barWidth * value) / most);
      const y = at * rowHeight;
      return html`<text x="0" y="${String(y + 17)}">${name}</text
        ><rect
          x="${String(nameWidth)}"
          y="${String(y + 4)}"
          width="${length}"
          height="${String(rowHeight - 8)}"
          fill="${colours[kind]}"
        /><text x="${String(nameWidth + Number(length) + 6)}" y="${String(y + 17)}">${String(value)}</text>`;
    }),
  );
}

interface Range {
  readonly name: string;
  readonly value: ShownComparison["slower"]["p50"];
}

/** A point with its bounds, on one scale. */
export function rangeChart(ranges: readonly Range[]): Html {
  const known = ranges.flatMap(({ name, value }) => (value === null ? [] : [{ name, ...value }]));
  if (known.length === 0) return html`<p>Nothing was measured.</p>`;
  const least = Math.min(0, ...known.map(({ low }) => low));
  const most = Math.max(0, ...known.map(({ high }) => high));
  const x = (ms: number): number => nameWidth + (barWidth * (ms - least)) / (most - least || 1);
  const height = known.length * rowHeight;
  return svg(height, [
    html`<line
      x1="${String(x(0))}"
      x2="${String(x(0))}"
      y1="0"
      y2="${String(height)}"
      stroke="currentColor"
      stroke-dasharray="3"
    />`,
    ...known.map(({ name, ms, low, high }, at) => {
      const y = String(at * rowHeight + 13);
      return html`<text x="0" y="${String(at * rowHeight + 17)}">${name}: ${numberWords(ms)}</text
        ><line
          x1="${String(x(low))}"
          x2="${String(x(high))}"
          y1="${y}"
          y2="${y}"
          stroke="${colours.other}"
          stroke-width="4"
        /><circle cx="${String(x(ms))}" cy="${y}" r="5" fill="${ms > 0 ? colours.bad : colours.good}" />`;
    }),
  ]);
}

const maxLabels = 16;
const cellSize = 44;

/** The most frequent labels; what agrees is on the diagonal. */
export function confusionChart(confusion: ShownComparison["labels"]["confusion"]): Html {
  const counts = new Map<string, number>();
  for (const { primary, shadow, count } of confusion)
    for (const label of [primary, shadow]) counts.set(label, (counts.get(label) ?? 0) + count);
  const labels = [...counts]
    .toSorted(([, one], [, other]) => other - one)
    .slice(0, maxLabels)
    .map(([label]) => label)
    .toSorted();
  const most = Math.max(1, ...confusion.map(({ count }) => count));
  const cells = confusion.flatMap(({ primary, shadow, count }) => {
    const [row, column] = [labels.indexOf(primary), labels.indexOf(shadow)];
    if (row < 0 || column < 0) return [];
    const [x, y] = [nameWidth + column * cellSize, (row + 1) * rowHeight];
    const colour = row === column ? colours.good : colours.bad;
    return [
      html`<rect
          x="${String(x)}"
          y="${String(y)}"
          width="${String(cellSize - 2)}"
          height="${String(rowHeight - 2)}"
          fill="${colour}"
          fill-opacity="${String(0.15 + (0.75 * count) / most)}"
        /><text x="${String(x + 4)}" y="${String(y + 17)}">${String(count)}</text>`,
    ];
  });
  const short = (label: string, length: number): string =>
    label.length > length ? `${label.slice(0, length - 1)}…` : label;
  return svg((labels.length + 1) * rowHeight, [
    ...labels.map(
      (label, at) =>
        html`<text x="${String(nameWidth + at * cellSize)}" y="17">${short(label, 6)}</text
          ><text x="0" y="${String((at + 1) * rowHeight + 17)}">${short(label, 28)}</text>`,
    ),
    ...cells,
  ]);
}

function svg(height: number, parts: readonly Html[]): Html {
  return html`<svg
    role="img"
    viewBox="0 0 ${String(width)} ${String(height)}"
    width="${String(width)}"
    height="${String(height)}"
  >
    ${parts}
  </svg>`;
}
