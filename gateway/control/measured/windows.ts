// Windows: what each Series has counted in the last minute and the last five. Workers only count; this looks at their cells now and then, and keeps what
// the cells of those Series that are used had come to.
import type { FailureFlag } from "../../failures.ts";
import type { Series } from "../../../routing/model/mapping.ts";
import { failureCell, slotCell, usedSlots } from "../../shared/counters.ts";
import { durationBounds, failureLayout, fixed, flagNames, serverErrors, slotLayout } from "../../shared/metrics.ts";
import type { Slices } from "../../admin/slices.ts";
import type { CountedSeries } from "../../admin/families/series.ts";
import { meaningOf } from "../../explain/measured-words.ts";
import { Rings } from "./rings.ts";

/** Between two looks at the cells. */
export const tickMs = 10_000;

export const windowsMs = { lastMinute: 60_000, lastFiveMinutes: 300_000 } as const;

/** What was counted in a window. It may be a tick longer, five minutes three. */
export interface Sums {
  /** By bucket of `durationBounds`: all requests. */
  readonly buckets: readonly number[];
  readonly totalMs: number;
  /** Server errors that the model itself answered. */
  readonly modelErrors: number;
  /** Failures of the gateway's requests by flag; those that there were. */
  readonly flags: ReadonlyMap<FailureFlag, number>;
}

export type WindowSums = Readonly<Record<keyof typeof windowsMs, Sums>>;

const bucketCount = durationBounds.length + 1;
/** Behind the buckets. */
const totalMsAt = bucketCount;
const modelErrorsAt = bucketCount + 1;
const totalCount = bucketCount + 2;
/** Series looked at between two looks at the clock. */
const together = 64;

/** One Series that has counted something. */
interface Counted {
  readonly series: Series;
  readonly totals: Rings;
  /** Of flags that were ever counted. */
  readonly flags: Map<FailureFlag, Rings>;
}

export class Windows {
  readonly #blocks: readonly Float64Array[];
  readonly #used: readonly ReturnType<typeof usedSlots>[];
  readonly #slots: () => Iterable<CountedSeries>;
  readonly #nowMs: () => number;
  readonly #counted = new Map<number, Counted>();
  /** Times of the newest ticks, by tick modulo their number. */
  readonly #tickTimes: number[] = [];
  #tick = -1;
  /** The first look: what it finds was counted before anybody looked. */
  #isFirst = true;
  readonly #totals = new Uint32Array(totalCount);
  readonly #flagTotals = new Uint32Array(flagNames.length);
  readonly #one = new Uint32Array(1);

  /** `blocks[0]` is the base block; `nowMs` never goes back. */
  constructor(blocks: readonly Float64Array[], slots: () => Iterable<CountedSeries>, nowMs: () => number) {
    this.#blocks = blocks;
    this.#used = blocks.map((block) => usedSlots(block.buffer));
    this.#slots = slots;
    this.#nowMs = nowMs;
  }

  /** Looks at all cells, once each `tickMs`. Gives the Series that have counted something lately. */
  async look(slices: Slices): Promise<readonly CountedSeries[]> {
    const tick = this.#tick + 1;
    const seen = new Set<number>();
    const active: CountedSeries[] = [];
    let left = together;
    for (const one of this.#slots()) {
      if (--left === 0) {
        left = together;
        await slices.pause();
      }
      if (!this.isUsed(one.slot)) continue;
      seen.add(one.slot);
      if (this.#lookAt(one, tick)) active.push(one);
    }
    for (const slot of this.#counted.keys()) if (!seen.has(slot)) this.#counted.delete(slot);
    this.#tick = tick;
    this.#isFirst = false;
    this.#tickTimes[tick % tickTimesKept] = this.#nowMs();
    return active;
  }

  /** Has it counted anything? */
  isUsed(slot: number): boolean {
    return this.#used.some(({ series, failures }) => series[slot] === 1 || failures[slot] === 1);
  }

  #lookAt({ slot, series }: CountedSeries, tick: number): boolean {
    this.#read(slot);
    let counted = this.#counted.get(slot);
    if (counted?.series !== series) {
      counted = { series, totals: new Rings(this.#isFirst ? this.#totals : nothing(totalCount)), flags: new Map() };
      this.#counted.set(slot, counted);
    }
    counted.totals.put(tick, this.#totals);
    let isActive = counted.totals.isActive;
    for (const [at, flag] of flagNames.entries()) {
      const count = this.#flagTotals[at]!;
      let rings = counted.flags.get(flag);
      if (rings === undefined && count === 0) continue;
      this.#one[0] = count;
      if (rings === undefined) counted.flags.set(flag, (rings = new Rings(this.#isFirst ? this.#one : nothing(1))));
      rings.put(tick, this.#one);
      isActive ||= rings.isActive;
    }
    return isActive;
  }

  /** What a Series has counted lately. */
  of({ slot, series }: CountedSeries): WindowSums {
    this.#read(slot);
    const found = this.#counted.get(slot);
    const counted = found?.series === series ? found : null;
    return {
      lastMinute: this.#since(counted, windowsMs.lastMinute),
      lastFiveMinutes: this.#since(counted, windowsMs.lastFiveMinutes),
    };
  }

  /** What a Series has counted ever, and what of it failed; not what was refused for the request itself. Modulo 2³² for each kind. */
  total({ slot }: CountedSeries): { readonly requests: number; readonly failed: number } {
    this.#read(slot);
    let requests = 0;
    let failed = this.#totals[modelErrorsAt]!;
    for (let bucket = 0; bucket < bucketCount; bucket++) requests += this.#totals[bucket]!;
    for (const [at, flag] of flagNames.entries()) {
      const meaning = meaningOf(flag);
      if (meaning === "failed") failed += this.#flagTotals[at]!;
      else if (meaning === "refused") requests -= this.#flagTotals[at]!;
    }
    return { requests, failed };
  }

  /** `counted` null: all of it since the newest look. */
  #since(counted: Counted | null, windowMs: number): Sums {
    const tick = this.#tickBefore(this.#nowMs() - windowMs);
    const before = counted?.totals.at(tick, this.#tick) ?? nothing(totalCount);
    const since = this.#totals.map((total, at) => total - before[at]!);
    const flags = new Map<FailureFlag, number>();
    for (const [at, flag] of flagNames.entries()) {
      const total = this.#flagTotals[at]!;
      if (total === 0) continue;
      const count = (total - (counted?.flags.get(flag)?.at(tick, this.#tick)[0] ?? 0)) >>> 0;
      if (count > 0) flags.set(flag, count);
    }
    return {
      buckets: [...since.subarray(0, bucketCount)],
      totalMs: since[totalMsAt]!,
      modelErrors: since[modelErrorsAt]!,
      flags,
    };
  }

  /** The newest tick that was no later; −1: none that is kept was. */
  #tickBefore(atMs: number): number {
    for (let tick = this.#tick; tick >= 0 && tick > this.#tick - tickTimesKept; tick--)
      if (this.#tickTimes[tick % tickTimesKept]! <= atMs) return tick;
    return -1;
  }

  /** Again, where a dead worker's cells were folded meanwhile: half a fold counts twice. A fold takes some milliseconds, of another thread. */
  #read(slot: number): void {
    const base = this.#blocks[0]!;
    for (let left = foldReads; left > 0; left--) {
      const generation = base[fixed.foldGeneration]!;
      this.#sum(slot);
      if (generation % 2 === 0 && base[fixed.foldGeneration] === generation) return;
    }
  }

  #sum(slot: number): void {
    const totals = this.#totals;
    const first = slotCell(slot, 0);
    let seconds = 0;
    let modelErrors = 0;
    totals.fill(0);
    for (const block of this.#blocks) {
      for (let bucket = 0; bucket < bucketCount; bucket++)
        totals[bucket]! += block[first + slotLayout.buckets + bucket]!;
      seconds += block[first + slotLayout.sumSeconds]!;
      for (let column = 0; column < serverErrors.count; column++)
        modelErrors += block[first + slotLayout.status + serverErrors.first + column]!;
    }
    totals[totalMsAt] = Math.floor(seconds * 1000);
    totals[modelErrorsAt] = modelErrors;
    this.#flagTotals.fill(0);
    for (const [index, { failures }] of this.#used.entries()) {
      if (failures[slot] === 0) continue;
      const block = this.#blocks[index]!;
      for (let at = 0; at < flagNames.length; at++)
        this.#flagTotals[at]! += block[failureCell(slot, failureLayout.flags[flagNames[at]!])]!;
    }
  }
}

const foldReads = 1000;
/** Those of five minutes and a half. */
const tickTimesKept = 40;

function nothing(count: number): Uint32Array {
  return new Uint32Array(count);
}
