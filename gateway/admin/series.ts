// The per-deployment families of /metrics, written straight from the shared blocks into bytes: no object a series, no pause longer than a
// slice. (prom-client took 2.3 s and 757 MB for 10,000 deployments.)
import { visibleLines } from "../../routing/text/visible.ts";
import type { Series } from "../../routing/model/mapping.ts";
import { slotCell } from "../shared/counters.ts";
import type { Metric } from "../shared/metric.ts";
import { durationBounds, fixed, seriesMetrics, shadowOutcomes, slotLayout, statusColumns } from "../shared/metrics.ts";
import type { AnswerReader } from "./answer-reader.ts";
import { SampleLines, wordsOf, type Words } from "./sample-lines.ts";
import type { Slices } from "./slices.ts";
import { StreamedText } from "./streamed-text.ts";

/** A Series and where it is counted. */
export interface CountedSeries {
  readonly slot: number;
  readonly series: Series;
}

interface Family {
  readonly metric: Metric;
  /** The cells of a slot that it shows. */
  readonly first: number;
  readonly count: number;
  /** The lines of one Series; `sums` from `at` on: those cells, over all blocks. None where nothing was counted. */
  write(lines: SampleLines, series: Series, sums: Float64Array, at: number): void;
}

const { requests: requestsMetric, durations: durationsMetric, shadows: shadowsMetric } = seriesMetrics;
const labelNames = durationsMetric.labels.map((label, at) => wordsOf(`${at === 0 ? "" : '",'}${label}="`));
const requestsHead = wordsOf(`${requestsMetric.name}{`);
const codeTails = statusColumns.map((code) => wordsOf(`",code="${code}"} `));
const bucketHead = wordsOf(`${durationsMetric.name}_bucket{`);
const bucketTails = [...durationBounds, "+Inf"].map((le) => wordsOf(`",le="${le}"} `));
const sumHead = wordsOf(`${durationsMetric.name}_sum{`);
const countHead = wordsOf(`${durationsMetric.name}_count{`);
const plainTail = wordsOf('"} ');
const shadowsHead = wordsOf(`${shadowsMetric.name}{`);
const outcomeTails = shadowOutcomes.map((outcome) => wordsOf(`",outcome="${outcome}"} `));

const requests = counted(requestsMetric, slotLayout.status, requestsHead, codeTails);

const durations: Family = {
  metric: durationsMetric,
  first: slotLayout.sumSeconds,
  count: slotLayout.buckets + bucketTails.length - slotLayout.sumSeconds,
  write: writeDurations,
};

const shadows = counted(shadowsMetric, slotLayout.shadow, shadowsHead, outcomeTails);

/** A Family of which each cell is one line. */
function counted(metric: Metric, first: number, head: Words, tails: readonly Words[]): Family {
  return {
    metric,
    first,
    count: tails.length,
    write: (lines, series, sums, at) => writeCounted(lines, series, head, tails, sums, at),
  };
}

/** Series summed and written together, less than 0.1 ms with a few blocks. */
const togetherSeries = 32;

/**
 * Writes sluice_requests_total, sluice_request_duration_seconds and sluice_shadow_requests_total to a reader, as long as it reads. `blocks[0]` is the
 * base block. `slots` is asked once a family. A series is written from its first request on.
 */
export async function writeSeries(
  reader: AnswerReader,
  blocks: readonly Float64Array[],
  slots: () => Iterable<CountedSeries>,
  slices: Slices,
): Promise<void> {
  const text = new StreamedText((bytes) => reader.send(bytes));
  const lines = new SampleLines(text, labelNames);
  for (const family of [requests, durations, shadows]) {
    const { name, help, kind } = family.metric;
    text.write(`# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n`);
    if (family === requests) writeUnmatched(lines, blocks);
    const sums = new Float64Array(togetherSeries * family.count);
    for (const together of inGroups(slots(), togetherSeries)) {
      while (!sumWhole(blocks, together, family, sums)) await nextTurn();
      for (let index = 0; index < together.length; index++)
        family.write(lines, together[index]!.series, sums, index * family.count);
      await text.flush();
      await slices.pause();
      if (reader.isGone) return;
    }
  }
  await text.end();
}

/** The same list each time. */
function* inGroups<One>(all: Iterable<One>, size: number): Iterable<readonly One[]> {
  const group: One[] = [];
  for (const one of all) {
    if (group.push(one) < size) continue;
    yield group;
    group.length = 0;
  }
  if (group.length > 0) yield group;
}

/** false: a dead worker's block was folded meanwhile. A sum over half a fold counts twice. */
function sumWhole(
  blocks: readonly Float64Array[],
  together: readonly CountedSeries[],
  { first, count }: Family,
  sums: Float64Array,
): boolean {
  const base = blocks[0]!;
  const generation = base[fixed.foldGeneration]!;
  for (let index = 0; index < together.length; index++) {
    const from = slotCell(together[index]!.slot, first);
    const to = index * count;
    for (let cell = 0; cell < count; cell++) sums[to + cell] = base[from + cell]!;
    for (let one = 1; one < blocks.length; one++) {
      const block = blocks[one]!;
      for (let cell = 0; cell < count; cell++) sums[to + cell]! += block[from + cell]!;
    }
  }
  return generation % 2 === 0 && base[fixed.foldGeneration] === generation;
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

/** One line for each cell that is not 0. `series` null: of requests that no Series counts. */
function writeCounted(
  lines: SampleLines,
  series: Series | null,
  head: Words,
  tails: readonly Words[],
  sums: Float64Array,
  at: number,
): void {
  let isBegun = false;
  for (let column = 0; column < tails.length; column++) {
    const count = sums[at + column]!;
    if (count === 0) continue;
    if (!isBegun) lines.of(labelsOf(series));
    isBegun = true;
    lines.count(head, tails[column]!, count);
  }
}

function writeDurations(lines: SampleLines, series: Series, sums: Float64Array, at: number): void {
  const buckets = at + slotLayout.buckets - slotLayout.sumSeconds;
  let total = 0;
  for (let bucket = 0; bucket < bucketTails.length; bucket++) total += sums[buckets + bucket]!;
  if (total === 0) return;
  lines.of(labelsOf(series));
  let count = 0;
  for (let bucket = 0; bucket < bucketTails.length; bucket++) {
    count += sums[buckets + bucket]!;
    lines.count(bucketHead, bucketTails[bucket]!, count);
  }
  lines.seconds(sumHead, plainTail, sums[at]!);
  lines.count(countHead, plainTail, total);
}

/** Requests that no Series counts: nothing matched, or the head was refused. */
function writeUnmatched(lines: SampleLines, blocks: readonly Float64Array[]): void {
  const sums = new Float64Array(codeTails.length);
  for (const block of blocks)
    for (let column = 0; column < sums.length; column++) sums[column]! += block[fixed.unmatched + column]!;
  writeCounted(lines, null, requestsHead, codeTails, sums, 0);
}

/** Empty labels are none to Prometheus. */
const nobody: readonly string[] = ["", "", "", "", ""];

/** In the order of `labelNames`. */
function labelsOf(series: Series | null): readonly string[] {
  if (series === null) return nobody;
  const { namespace, deployment, predictor, role, protocol } = series;
  return [escaped(namespace), escaped(deployment), escaped(predictor), role, protocol];
}

/** Nearly every name. */
const plainName = /^[\w.:-]*$/;

/** A label value in the text format: backslash, quote and line feed are escaped, and nothing in it moves a terminal. */
function escaped(value: string): string {
  if (plainName.test(value)) return value;
  const shown = visibleLines(value);
  return /[\\"\n]/.test(shown)
    ? shown
        .replaceAll("\\", "\\\\")
        .replaceAll('"', String.raw`\"`)
        .replaceAll("\n", String.raw`\n`)
    : shown;
}
