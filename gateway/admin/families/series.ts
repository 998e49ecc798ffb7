// The per-deployment families of /metrics, written straight from the shared blocks into bytes: no object a series, no pause longer than a
// slice. (prom-client took 2.3 s and 757 MB for 10,000 deployments.)
import { visibleLines } from "../../../routing/text/visible.ts";
import type { Series } from "../../../routing/model/mapping.ts";
import { failureCell, feedbackCell, slotCell, usedSlots, withoutSeries } from "../../shared/memory/counters.ts";
import type { Metric } from "../../shared/metrics/metric.ts";
import { flagNames } from "../../shared/metrics/cells.ts";
import { fixed } from "../../shared/metrics/fixed.ts";
import {
  durationBounds,
  feedbackWays,
  rewardBounds,
  seriesMetrics,
  shadowOutcomes,
} from "../../shared/metrics/series.ts";
import { failureLayout, feedbackLayout, slotLayout } from "../../shared/metrics/slots.ts";
import { grpcColumns, statusColumns, unansweredColumn } from "../../shared/metrics/status-columns.ts";
import type { AnswerReader } from "../sending/answer-reader.ts";
import type { CountedSeries } from "../../api/counted.ts";
import { SampleLines, wordsOf, type Words } from "./sample-lines.ts";
import type { Slices } from "../../shared/slices.ts";
import { StreamedText } from "./streamed-text.ts";

/** Whose lines they are, as labels. */
interface Labelled extends Omit<Series, "role" | "protocol"> {
  readonly role: string;
  readonly protocol: string;
}

interface Family {
  readonly metric: Metric;
  /** Where its cells are: in those that each request writes, or in those that failures or feedback write, which few slots have. */
  readonly bank: keyof typeof cellOf;
  /** The cells of a slot that it shows. */
  readonly first: number;
  readonly count: number;
  /** Slots that no Series has are shown, too. */
  readonly withOthers: boolean;
  /** The lines of one Series; `sums` from `at` on: those cells, over all blocks. None where nothing was counted. */
  write(lines: SampleLines, series: Labelled, sums: Float64Array, at: number): void;
}

const cellOf = { slot: slotCell, failure: failureCell, feedback: feedbackCell } as const;

const { requests, durations, shadows, failures, retries, feedback, rewards } = seriesMetrics;
const labelNames = durations.labels.map((label, at) => wordsOf(`${at === 0 ? "" : '",'}${label}="`));
const plainTail = wordsOf('"} ');

/** Requests that no Series counts: nothing matched, or the head was refused. Empty labels are none to Prometheus. */
const others: readonly CountedSeries<Labelled>[] = (["http", "grpc"] as const).map((protocol) => ({
  slot: withoutSeries[protocol],
  series: { namespace: "", deployment: "", predictor: "", role: "", protocol },
}));

/** Families of one metric stand beside each other. */
const families: readonly Family[] = [
  answered("slot", slotLayout.status, "model"),
  answered("failure", failureLayout.own, "gateway"),
  counted(
    failures,
    "failure",
    failureLayout.flags[flagNames[0]!],
    flagNames.map((flag) => `",flag="${flag}"} `),
  ),
  counted(retries, "failure", failureLayout.retries, ['"} ']),
  histogramOf(durations, durationBounds, "slot", slotLayout.sumSeconds, slotLayout.buckets),
  counted(
    shadows,
    "slot",
    slotLayout.shadow,
    shadowOutcomes.map((outcome) => `",outcome="${outcome}"} `),
  ),
  counted(
    feedback,
    "feedback",
    feedbackLayout.ways,
    feedbackWays.map((way) => `",routed="${way}"} `),
  ),
  histogramOf(rewards, rewardBounds, "feedback", feedbackLayout.rewardSum, feedbackLayout.rewardBuckets),
];

/** sluice_requests_total of one origin. A client that left had no answer. */
function answered(bank: Family["bank"], first: number, origin: string): Family {
  const tails = (columns: readonly string[]): readonly Words[] =>
    columns.map((code, at) => wordsOf(`",origin="${at === unansweredColumn ? "" : origin}",code="${code}"} `));
  const head = wordsOf(`${requests.name}{`);
  const [http, grpc] = [tails(statusColumns), tails(grpcColumns)];
  return {
    metric: requests,
    bank,
    first,
    count: statusColumns.length,
    withOthers: true,
    write: (lines, series, sums, at) =>
      writeCounted(lines, series, head, series.protocol === "grpc" ? grpc : http, sums, at),
  };
}

/** A Family of which each cell is one line. */
function counted(metric: Metric, bank: Family["bank"], first: number, tails: readonly string[]): Family {
  const head = wordsOf(`${metric.name}{`);
  const words = tails.map(wordsOf);
  return {
    metric,
    bank,
    first,
    count: tails.length,
    withOthers: bank === "failure",
    write: (lines, series, sums, at) => writeCounted(lines, series, head, words, sums, at),
  };
}

/** A Family of a histogram: its sum stands in the cell `sum`, and its buckets in those from `buckets` on. */
function histogramOf(
  metric: Metric,
  bounds: readonly number[],
  bank: Family["bank"],
  sum: number,
  buckets: number,
): Family {
  const [bucketHead, sumHead, countHead] = ["bucket", "sum", "count"].map((part) => wordsOf(`${metric.name}_${part}{`));
  const tails = [...bounds, "+Inf"].map((le) => wordsOf(`",le="${le}"} `));
  return {
    metric,
    bank,
    first: sum,
    count: buckets + tails.length - sum,
    withOthers: false,
    write(lines, series, sums, at) {
      const first = at + buckets - sum;
      let total = 0;
      for (let bucket = 0; bucket < tails.length; bucket++) total += sums[first + bucket]!;
      if (total === 0) return;
      lines.of(labelsOf(series));
      let count = 0;
      for (let bucket = 0; bucket < tails.length; bucket++) {
        count += sums[first + bucket]!;
        lines.count(bucketHead!, tails[bucket]!, count);
      }
      lines.seconds(sumHead!, plainTail, sums[at]!);
      lines.count(countHead!, plainTail, total);
    },
  };
}

/** Series summed and written together, less than 0.1 ms with a few blocks. */
const togetherSeries = 32;

/**
 * Writes the families of the Series to a reader, as long as it reads. `slots` is asked once a family. A Series is written from
 * its first request on, and its failures from the first one.
 */
export async function writeSeries(
  reader: AnswerReader,
  blocks: readonly Float64Array[],
  slots: () => Iterable<CountedSeries>,
  slices: Slices,
): Promise<void> {
  const text = new StreamedText((bytes) => reader.send(bytes));
  const lines = new SampleLines(text, labelNames);
  const used = blocks.map((block) => usedSlots(block.buffer));
  const written = { slot: null, failure: used.map((one) => one.failures), feedback: used.map((one) => one.feedback) };
  for (const [at, family] of families.entries()) {
    const { name, help, kind } = family.metric;
    if (families[at - 1]?.metric !== family.metric) text.write(`# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n`);
    if (family.metric === failures) writeOtherFailures(lines, blocks, family);
    const sums = new Float64Array(togetherSeries * family.count);
    for (const together of inGroups(slotsOf(family, slots(), written[family.bank]), togetherSeries)) {
      sumCells(blocks, together, family, sums);
      for (let index = 0; index < together.length; index++)
        family.write(lines, together[index]!.series, sums, index * family.count);
      await text.flush();
      await slices.pause();
      if (reader.isGone) return;
    }
  }
  await text.end();
}

/** Of few slots a failure or feedback was counted, and memory of the others is not looked at. `written`: 1 by slot of those, by block; null: of all. */
function* slotsOf(
  { withOthers }: Family,
  slots: Iterable<CountedSeries>,
  written: readonly Uint8Array[] | null,
): Iterable<CountedSeries<Labelled>> {
  if (withOthers) yield* others;
  for (const one of slots) if (written === null || written.some((used) => used[one.slot] === 1)) yield one;
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

function sumCells(
  blocks: readonly Float64Array[],
  together: readonly CountedSeries<Labelled>[],
  { bank, first, count }: Family,
  sums: Float64Array,
): void {
  for (let index = 0; index < together.length; index++) {
    const from = cellOf[bank](together[index]!.slot, first);
    const to = index * count;
    sums.fill(0, to, to + count);
    for (const block of blocks) for (let cell = 0; cell < count; cell++) sums[to + cell]! += block[from + cell]!;
  }
}

/** One line for each cell that is not 0. */
function writeCounted(
  lines: SampleLines,
  series: Labelled,
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

/** Failures of what is no request: connections, and bytes that are none. */
function writeOtherFailures(lines: SampleLines, blocks: readonly Float64Array[], family: Family): void {
  const sums = new Float64Array(flagNames.length);
  for (const block of blocks) for (let at = 0; at < sums.length; at++) sums[at]! += block[fixed.flags[flagNames[at]!]]!;
  family.write(lines, { ...others[0]!.series, protocol: "" }, sums, 0);
}

/** In the order of `labelNames`. */
function labelsOf({ namespace, deployment, predictor, role, protocol }: Labelled): readonly string[] {
  return [escaped(namespace), escaped(deployment), escaped(predictor), role, protocol];
}

/** Nearly every name. */
const plainName = /^[\w.:-]*$/;

/** A label value in the text format: backslash, quote and line feed are escaped, and nothing in it moves a terminal. */
export function escaped(value: string): string {
  if (plainName.test(value)) return value;
  const shown = visibleLines(value);
  return /[\\"\n]/.test(shown)
    ? shown
        .replaceAll("\\", "\\\\")
        .replaceAll('"', String.raw`\"`)
        .replaceAll("\n", String.raw`\n`)
    : shown;
}
