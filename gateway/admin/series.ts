// The per-deployment families of /metrics, written straight from the shared blocks in small pieces: no object a series, no pause longer
// than a piece. (prom-client took 2.3 s and 757 MB for 10,000 deployments.)
import { visibleLines } from '../../routing/visible.ts';
import type { Series } from '../../routing/mapping.ts';
import { fixed, shadowOutcomes, slotCell, slotLayout, slotTable, statusColumns } from '../counters.ts';
import type { CountedCells } from '../counters.ts';
import type { Slices } from './slices.ts';

/** A Series and where it is counted. */
export interface CountedSeries {
  readonly slot: number;
  readonly series: Series;
}

/** Series summed and written together, some 0.1 ms. */
const pieceSeries = 32;

const bucketLabels = slotTable.buckets.cells.map(({ le }) => le!);

/**
 * Text of sluice_requests_total, sluice_request_duration_seconds and sluice_shadow_requests_total. `blocks[0]` is the base block. A series
 * is written from its first request on.
 */
export async function* seriesText(blocks: readonly Float64Array[], slots: Iterable<CountedSeries>, slices: Slices): AsyncGenerator<string> {
  const all = [...slots];
  yield headText(slotTable.status, 'counter');
  yield* pieces(blocks, all, writeRequests, slices);
  yield unmatchedText(blocks);
  yield headText(slotTable.buckets, 'histogram');
  yield* pieces(blocks, all, writeDurations, slices);
  yield headText(slotTable.shadow, 'counter');
  yield* pieces(blocks, all.filter(({ series }) => series.role === 'shadow'), writeShadows, slices);
}

function headText({ metric, help }: CountedCells, type: 'counter' | 'histogram'): string {
  return `# HELP ${metric} ${help}\n# TYPE ${metric} ${type}\n`;
}

type Write = (sums: Float64Array, series: Series) => string;

async function* pieces(blocks: readonly Float64Array[], all: readonly CountedSeries[], write: Write, slices: Slices): AsyncGenerator<string> {
  for (let first = 0; first < all.length; first += pieceSeries) {
    const piece = all.slice(first, first + pieceSeries);
    const text = await whole(blocks, () => pieceText(blocks, piece, write));
    if (text !== '') yield text;
    const pause = slices.pause();
    if (pause !== null) await pause;
  }
}

/** Reads again when a dead worker's block was folded meanwhile: a sum over half a fold counts twice. */
async function whole(blocks: readonly Float64Array[], read: () => string): Promise<string> {
  const base = blocks[0]!;
  for (;;) {
    const generation = base[fixed.foldGeneration]!;
    const text = read();
    if (generation % 2 === 0 && base[fixed.foldGeneration] === generation) return text;
    await nextTurn();
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

const sums = new Float64Array(slotLayout.cells);

function pieceText(blocks: readonly Float64Array[], piece: readonly CountedSeries[], write: Write): string {
  let text = '';
  for (const { slot, series } of piece) {
    const first = slotCell(slot, 0);
    sums.fill(0);
    for (const block of blocks) {
      for (let cell = 0; cell < slotLayout.cells; cell++) sums[cell]! += block[first + cell]!;
    }
    text += write(sums, series);
  }
  return text;
}

function writeRequests(cells: Float64Array, series: Series): string {
  let text = '';
  let labels = '';
  for (let column = 0; column < statusColumns.length; column++) {
    const count = cells[slotLayout.status + column]!;
    if (count === 0) continue;
    if (labels === '') labels = labelsOf(series);
    text += `sluice_requests_total{${labels},code="${statusColumns[column]}"} ${count}\n`;
  }
  return text;
}

function writeDurations(cells: Float64Array, series: Series): string {
  let total = 0;
  for (let bucket = 0; bucket < bucketLabels.length; bucket++) total += cells[slotLayout.buckets + bucket]!;
  if (total === 0) return '';
  const labels = labelsOf(series);
  let text = '';
  let count = 0;
  for (let bucket = 0; bucket < bucketLabels.length; bucket++) {
    count += cells[slotLayout.buckets + bucket]!;
    text += `sluice_request_duration_seconds_bucket{${labels},le="${bucketLabels[bucket]}"} ${count}\n`;
  }
  return `${text}sluice_request_duration_seconds_sum{${labels}} ${cells[slotLayout.sumSeconds]}\nsluice_request_duration_seconds_count{${labels}} ${total}\n`;
}

function writeShadows(cells: Float64Array, series: Series): string {
  let text = '';
  const labels = labelsOf(series);
  for (let outcome = 0; outcome < shadowOutcomes.length; outcome++) {
    const count = cells[slotLayout.shadow + outcome]!;
    if (count > 0) text += `sluice_shadow_requests_total{${labels},outcome="${shadowOutcomes[outcome]}"} ${count}\n`;
  }
  return text;
}

/** Requests that no Series counts: nothing matched, or the head was refused. Empty labels are none to Prometheus. */
function unmatchedText(blocks: readonly Float64Array[]): string {
  let text = '';
  for (let column = 0; column < statusColumns.length; column++) {
    let count = 0;
    for (const block of blocks) count += block[fixed.unmatched + column]!;
    if (count > 0) text += `sluice_requests_total{${unmatchedLabels},code="${statusColumns[column]}"} ${count}\n`;
  }
  return text;
}

const unmatchedLabels = 'namespace="",deployment="",predictor="",role="",protocol=""';

function labelsOf({ namespace, deployment, predictor, role, protocol }: Series): string {
  return `namespace="${escaped(namespace)}",deployment="${escaped(deployment)}",predictor="${escaped(predictor)}",role="${role}",protocol="${protocol}"`;
}

/** Nearly every name. */
const plainName = /^[\w.:-]*$/;

/** A label value in the text format: backslash, quote and line feed are escaped, and nothing in it moves a terminal. */
function escaped(value: string): string {
  if (plainName.test(value)) return value;
  const shown = visibleLines(value);
  return /[\\"\n]/.test(shown) ? shown.replaceAll('\\', '\\\\').replaceAll('"', String.raw`\"`).replaceAll('\n', String.raw`\n`) : shown;
}
