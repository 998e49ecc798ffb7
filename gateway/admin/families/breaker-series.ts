// sluice_breaker_use and sluice_breakers_open: lines of the predictors whose breakers have something in use, straight into bytes.
import type { Series } from "../../../routing/model/mapping.ts";
import { breakerResources, seriesMetrics } from "../../shared/metrics/series.ts";
import type { AnswerReader } from "../sending/answer-reader.ts";
import { usedBreakers } from "../view/breakers.ts";
import { SampleLines, wordsOf } from "./sample-lines.ts";
import { escaped } from "./series.ts";
import type { Slices } from "../../shared/slices.ts";
import { StreamedText } from "./streamed-text.ts";
import type { CountedView } from "../../api/counted.ts";

const labelNames = seriesMetrics.breakerUse.labels
  .slice(0, -1)
  .map((label, at) => wordsOf(`${at === 0 ? "" : '",'}${label}="`));
const tails = breakerResources.map((resource) => wordsOf(`",resource="${resource}"} `));
/** Series that are read between two looks at the clock. */
const together = 256;

export async function writeBreakers(
  reader: AnswerReader,
  blocks: readonly Float64Array[],
  counted: Pick<CountedView, "breakers" | "breakerSeries">,
  slices: Slices,
): Promise<void> {
  const text = new StreamedText((bytes) => reader.send(bytes));
  const lines = new SampleLines(text, labelNames);
  // By name: two breakers of one predictor are one line.
  const sums = new Map<
    string,
    { readonly labels: readonly string[]; readonly inUse: number[]; readonly open: number[] }
  >();
  const series: Series[] = [];
  let read = 0;
  for (const [slot, one] of counted.breakerSeries) {
    if (slot >= 0) series[slot] ??= one;
    read += 1;
    if (read % together === 0) await slices.pause();
  }
  for await (const { slot, inUse, open } of usedBreakers(blocks, () => counted.breakers, slices)) {
    const labels = labelsOf(series[slot]);
    const key = labels.join('"');
    const sum = sums.get(key);
    if (sum === undefined) sums.set(key, { labels, inUse: [...inUse], open: [...open] });
    else
      for (const at of breakerResources.keys()) {
        sum.inUse[at]! += inUse[at]!;
        sum.open[at]! += open[at]!;
      }
  }
  for (const [metric, what] of [
    [seriesMetrics.breakerUse, "inUse"],
    [seriesMetrics.breakersOpen, "open"],
  ] as const) {
    const head = wordsOf(`${metric.name}{`);
    text.write(`# HELP ${metric.name} ${metric.help}\n# TYPE ${metric.name} ${metric.kind}\n`);
    for (const sum of sums.values()) {
      lines.of(sum.labels);
      for (const [at, tail] of tails.entries()) if (sum[what][at]! > 0) lines.count(head, tail, sum[what][at]!);
      await text.flush();
      await slices.pause();
      if (reader.isGone) return;
    }
  }
  await text.end();
}

function labelsOf(series: Series | undefined): readonly string[] {
  if (series === undefined) return ["", "", "", ""];
  const { namespace, deployment, predictor, role } = series;
  return [escaped(namespace), escaped(deployment), escaped(predictor), role];
}
