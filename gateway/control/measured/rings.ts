// Rings: what some counters had come to at earlier moments, so that what was counted since a minute or five can be told. Totals are kept modulo 2³²:
// differences are right as long as fewer are counted in a window.

/** Ticks that are kept one by one: a window of a minute begins at one of them. */
const fineTicks = 8;
/** Of older ticks each third is kept, for more than six minutes. */
const coarseEvery = 3;
const coarseTicks = 13;
/** Without a change for longer than all of them, nothing of the rings is needed. */
export const keptTicks = coarseEvery * coarseTicks;

/** Totals of some counters at the ticks of a clock. */
export class Rings {
  readonly #count: number;
  /** What they had come to before the first tick that is kept. */
  #base: Uint32Array;
  /** null: nothing has changed for so long that the totals are `#base` at every tick. */
  #values: Uint32Array | null = null;
  /** The first tick that is kept. */
  #born = 0;
  #changedTick = 0;

  constructor(base: Uint32Array) {
    this.#count = base.length;
    this.#base = base.slice();
  }

  /** The totals of this tick, called with each in turn. */
  put(tick: number, totals: Uint32Array): void {
    if (this.#values === null) {
      if (isSame(totals, this.#base)) return;
      this.#values = new Uint32Array((fineTicks + coarseTicks) * this.#count);
      this.#born = tick;
      this.#changedTick = tick;
    } else if (!isSame(totals, this.#fine(tick - 1))) this.#changedTick = tick;
    else if (tick - this.#changedTick > keptTicks) {
      this.#base = totals.slice();
      this.#values = null;
      return;
    }
    this.#fine(tick).set(totals);
    if (tick % coarseEvery === 0) this.#coarse(tick).set(totals);
  }

  #fine(tick: number): Uint32Array {
    const at = (tick % fineTicks) * this.#count;
    return this.#values!.subarray(at, at + this.#count);
  }

  #coarse(tick: number): Uint32Array {
    const at = (fineTicks + (Math.floor(tick / coarseEvery) % coarseTicks)) * this.#count;
    return this.#values!.subarray(at, at + this.#count);
  }

  /** The totals at `tick`, or at one of the two before it; `now`: the newest tick. */
  at(tick: number, now: number): Uint32Array {
    if (this.#values === null || tick < this.#born) return this.#base;
    if (now - tick < fineTicks) return this.#fine(tick);
    const kept = tick - (tick % coarseEvery);
    return kept < this.#born ? this.#base : this.#coarse(kept);
  }

  /** Has anything changed lately? */
  get isActive(): boolean {
    return this.#values !== null;
  }
}

function isSame(one: Uint32Array, other: Uint32Array): boolean {
  for (let at = 0; at < one.length; at++) if (one[at] !== other[at]) return false;
  return true;
}
