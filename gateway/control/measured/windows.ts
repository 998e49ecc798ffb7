// Windows: what each Series has counted in the last minute and the last five.
import type { FailureFlag } from "../../failure-flags.ts";
import { failureCell, slotCell, usedSlots } from "../../shared/memory/counters.ts";
import { flagNames } from "../../shared/metrics/cells.ts";
import { durationBounds } from "../../shared/metrics/series.ts";
import { failureLayout, slotLayout } from "../../shared/metrics/slots.ts";
import { serverErrors } from "../../shared/metrics/status-columns.ts";
import type { Slices } from "../../shared/slices.ts";
import type { CountedSeries } from "../../api/counted.ts";
import { CellWindows, type Counts, type SlotCells, type Windowed } from "./cell-windows.ts";

/** What a Series counted in a window. */
export interface Sums {
  /** By bucket of `durationBounds`: all requests. */
  readonly buckets: readonly number[];
  readonly totalMs: number;
  /** Server errors that the model itself answered. */
  readonly modelErrors: number;
  /** Failures of the gateway's requests by flag; those that there were. */
  readonly flags: ReadonlyMap<FailureFlag, number>;
}

export type WindowSums = Windowed<Sums>;

const bucketCount = durationBounds.length + 1;
/** Behind the buckets. */
const totalMsAt = bucketCount;
const modelErrorsAt = bucketCount + 1;

export class Windows {
  readonly #cells: SeriesCells;
  readonly #windows: CellWindows<CountedSeries>;

  /** `nowMs` never goes back. */
  constructor(blocks: readonly Float64Array[], slots: () => Iterable<CountedSeries>, nowMs: () => number) {
    this.#cells = new SeriesCells(blocks, slots);
    this.#windows = new CellWindows(this.#cells, nowMs);
  }

  /** Looks at all cells, once each `tickMs`. Gives the Series that have counted something lately. */
  look(slices: Slices): Promise<readonly CountedSeries[]> {
    return this.#windows.look(slices);
  }

  /** Has it counted anything? */
  isUsed(slot: number): boolean {
    return this.#cells.isUsed(slot);
  }

  /** What a Series has counted lately. */
  of(series: CountedSeries): WindowSums {
    const { lastMinute, lastFiveMinutes } = this.#windows.of(series);
    return { lastMinute: sumsOf(lastMinute), lastFiveMinutes: sumsOf(lastFiveMinutes) };
  }
}

function sumsOf({ totals, flags }: Counts): Sums {
  return {
    buckets: totals.slice(0, bucketCount),
    totalMs: totals[totalMsAt]!,
    modelErrors: totals[modelErrorsAt]!,
    flags,
  };
}

class SeriesCells implements SlotCells<CountedSeries> {
  readonly blocks: readonly Float64Array[];
  readonly totals = bucketCount + 2;
  readonly flags = flagNames;
  readonly used: () => Iterable<CountedSeries>;
  readonly #usedOf: readonly ReturnType<typeof usedSlots>[];

  constructor(blocks: readonly Float64Array[], used: () => Iterable<CountedSeries>) {
    this.blocks = blocks;
    this.used = used;
    this.#usedOf = blocks.map((block) => usedSlots(block.buffer));
  }

  ownerOf({ series }: CountedSeries): object {
    return series;
  }

  isUsed(slot: number): boolean {
    return this.#usedOf.some(({ series, failures }) => series[slot] === 1 || failures[slot] === 1);
  }

  sum(slot: number, totals: Uint32Array, flags: Uint32Array): void {
    const first = slotCell(slot, 0);
    let seconds = 0;
    for (const block of this.blocks) {
      for (let bucket = 0; bucket < bucketCount; bucket++)
        totals[bucket]! += block[first + slotLayout.buckets + bucket]!;
      seconds += block[first + slotLayout.sumSeconds]!;
      for (let column = 0; column < serverErrors.count; column++)
        totals[modelErrorsAt]! += block[first + slotLayout.status + serverErrors.first + column]!;
    }
    totals[totalMsAt] = Math.floor(seconds * 1000);
    for (const [index, { failures }] of this.#usedOf.entries()) {
      if (failures[slot] === 0) continue;
      const block = this.blocks[index]!;
      for (let at = 0; at < flagNames.length; at++)
        flags[at]! += block[failureCell(slot, failureLayout.flags[flagNames[at]!])]!;
    }
  }
}
