// Measuring: at a fixed pace the counters of data workers are looked at, and slots are freed that nobody can count in any more.
import type { ControlPart } from "../part.ts";
import { slicesOfThread, type Slices } from "../../shared/slices.ts";
import { tickMs } from "./cell-windows.ts";

/** Time between two looks for slots that are free. */
const sweepMs = 30_000;

/** What is counted, and where. */
export interface Counters {
  measure(slices: Slices): Promise<void>;
  /** Frees slots whose Series are gone for long enough. */
  sweep(blocks: readonly Float64Array[]): void;
}

export class Measuring implements ControlPart {
  readonly #counters: Counters;
  readonly #blocks: readonly Float64Array[];
  #timers: readonly NodeJS.Timeout[] = [];

  constructor(counters: Counters, blocks: readonly Float64Array[]) {
    this.#counters = counters;
    this.#blocks = blocks;
  }

  open(): void {
    const measure = (): void => void this.#counters.measure(slicesOfThread());
    // Now too: what was counted before the first look is in no window.
    measure();
    this.#timers = [setInterval(measure, tickMs), setInterval(() => this.#counters.sweep(this.#blocks), sweepMs)];
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
  }
}
