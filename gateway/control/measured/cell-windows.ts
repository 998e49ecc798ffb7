// What some cells of the workers' blocks came to in the last minute and the last five. Workers only count; this looks at their cells now and then, and keeps what
// those had come to that are used.
import type { FailureFlag } from "../../failure-flags.ts";
import type { Slices } from "../../shared/slices.ts";
import { Rings } from "./rings.ts";

/** Between two looks at the cells. */
export const tickMs = 10_000;

export const windowsMs = { lastMinute: 60_000, lastFiveMinutes: 300_000 } as const;

/** What was counted in a window. It may be a tick longer, five minutes three. */
export interface Counts {
  readonly totals: readonly number[];
  /** Failures by flag; those that there were. */
  readonly flags: ReadonlyMap<FailureFlag, number>;
}

export type Windowed<Value> = Readonly<Record<keyof typeof windowsMs, Value>>;

/** What counts in a slot. */
interface Slotted {
  readonly slot: number;
}

/** Slots of one kind, and how they are read. */
export interface SlotCells<One extends Slotted> {
  readonly blocks: readonly Float64Array[];
  /** Numbers that each slot has beside its flags. */
  readonly totals: number;
  readonly flags: readonly FailureFlag[];
  /** Slots in use. */
  used(): Iterable<One>;
  /** The same object as long as the slot is that one's. */
  ownerOf(one: One): object;
  /** Has it counted anything? */
  isUsed(slot: number): boolean;
  /** Adds up what all workers have counted; both arrays are 0 before. */
  sum(slot: number, totals: Uint32Array, flags: Uint32Array): void;
}

/** Slots looked at between two looks at the clock. */
const together = 64;

/** One slot that has counted something. */
interface Counted {
  readonly owner: object;
  readonly totals: Rings;
  /** Of flags that were ever counted. */
  readonly flags: Map<FailureFlag, Rings>;
}

export class CellWindows<One extends Slotted> {
  readonly #cells: SlotCells<One>;
  readonly #nowMs: () => number;
  readonly #counted = new Map<number, Counted>();
  /** Times of the newest ticks, by tick modulo their number. */
  readonly #tickTimes: number[] = [];
  #tick = -1;
  /** The first look: what it finds was counted before anybody looked. */
  #isFirst = true;
  readonly #totals: Uint32Array;
  readonly #flagTotals: Uint32Array;
  readonly #one = new Uint32Array(1);

  /** `nowMs` never goes back. */
  constructor(cells: SlotCells<One>, nowMs: () => number) {
    this.#cells = cells;
    this.#nowMs = nowMs;
    this.#totals = new Uint32Array(cells.totals);
    this.#flagTotals = new Uint32Array(cells.flags.length);
  }

  /** Looks at all cells, once each `tickMs`. Gives those that have counted something lately. */
  async look(slices: Slices): Promise<readonly One[]> {
    const tick = this.#tick + 1;
    const seen = new Set<number>();
    const active: One[] = [];
    let left = together;
    for (const one of this.#cells.used()) {
      if (--left === 0) {
        left = together;
        await slices.pause();
      }
      if (!this.#cells.isUsed(one.slot)) continue;
      seen.add(one.slot);
      if (this.#lookAt(one, tick)) active.push(one);
    }
    for (const slot of this.#counted.keys()) if (!seen.has(slot)) this.#counted.delete(slot);
    this.#tick = tick;
    this.#isFirst = false;
    this.#tickTimes[tick % tickTimesKept] = this.#nowMs();
    return active;
  }

  #lookAt(one: One, tick: number): boolean {
    this.#read(one.slot);
    const owner = this.#cells.ownerOf(one);
    let counted = this.#counted.get(one.slot);
    if (counted?.owner !== owner) {
      const base = this.#isFirst ? this.#totals : new Uint32Array(this.#cells.totals);
      counted = { owner, totals: new Rings(base), flags: new Map() };
      this.#counted.set(one.slot, counted);
    }
    counted.totals.put(tick, this.#totals);
    let isActive = counted.totals.isActive;
    for (const [at, flag] of this.#cells.flags.entries()) {
      const count = this.#flagTotals[at]!;
      let rings = counted.flags.get(flag);
      if (rings === undefined && count === 0) continue;
      this.#one[0] = count;
      if (rings === undefined)
        counted.flags.set(flag, (rings = new Rings(this.#isFirst ? this.#one : new Uint32Array(1))));
      rings.put(tick, this.#one);
      isActive ||= rings.isActive;
    }
    return isActive;
  }

  /** What it has counted lately. */
  of(one: One): Windowed<Counts> {
    this.#read(one.slot);
    const found = this.#counted.get(one.slot);
    const counted = found?.owner === this.#cells.ownerOf(one) ? found : null;
    return {
      lastMinute: this.#since(counted, windowsMs.lastMinute),
      lastFiveMinutes: this.#since(counted, windowsMs.lastFiveMinutes),
    };
  }

  /** `counted` null: all of it since the newest look. */
  #since(counted: Counted | null, windowMs: number): Counts {
    const tick = this.#tickBefore(this.#nowMs() - windowMs);
    const before = counted?.totals.at(tick, this.#tick) ?? new Uint32Array(this.#cells.totals);
    const since = this.#totals.map((total, at) => total - before[at]!);
    const flags = new Map<FailureFlag, number>();
    for (const [at, flag] of this.#cells.flags.entries()) {
      const total = this.#flagTotals[at]!;
      if (total === 0) continue;
      const count = (total - (counted?.flags.get(flag)?.at(tick, this.#tick)[0] ?? 0)) >>> 0;
      if (count > 0) flags.set(flag, count);
    }
    return { totals: [...since], flags };
  }

  /** The newest tick that was no later; −1: none that is kept was. */
  #tickBefore(atMs: number): number {
    for (let tick = this.#tick; tick >= 0 && tick > this.#tick - tickTimesKept; tick--)
      if (this.#tickTimes[tick % tickTimesKept]! <= atMs) return tick;
    return -1;
  }

  #read(slot: number): void {
    this.#totals.fill(0);
    this.#flagTotals.fill(0);
    this.#cells.sum(slot, this.#totals, this.#flagTotals);
  }
}

/** Those of five minutes and a half. */
const tickTimesKept = 40;
