// Slices: long work of a thread that others share a core with. It works for a moment and rests for as long, so that it takes half of a core at most and
// whoever else waits for this thread, a change or a request, waits for one slice.

/** Longest piece of work between two rests, ms, where whoever works asks often enough. */
const sliceMs = 1;

export class Slices {
  readonly #nowMs: () => number;
  readonly #rest: (ms: number) => Promise<void>;
  #startedMs: number;

  /** `rest` resolves after so many ms. */
  constructor(nowMs: () => number, rest: (ms: number) => Promise<void>) {
    this.#nowMs = nowMs;
    this.#rest = rest;
    this.#startedMs = nowMs();
  }

  /** null: go on; else a rest is due, and work goes on when it is over. */
  pause(): Promise<void> | null {
    const workedMs = this.#nowMs() - this.#startedMs;
    return workedMs < sliceMs ? null : this.#pause(workedMs);
  }

  async #pause(ms: number): Promise<void> {
    await this.#rest(ms);
    this.#startedMs = this.#nowMs();
  }
}

/** With the clock of this thread. */
export function slicesOfThread(): Slices {
  return new Slices(
    () => performance.now(),
    (ms) =>
      new Promise((resolve) => {
        setTimeout(resolve, ms);
      }),
  );
}
