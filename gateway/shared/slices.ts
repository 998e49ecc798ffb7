// Slices: long work of a thread that others share a core with. It works for a moment and rests for as long, so that it takes half of a core at most and
// whoever else waits for this core or this thread, a request or a change, waits for one slice.

/**
 * Longest piece of work between two rests, ms, where whoever works asks often enough. The kernel lets a thread that runs finish its own slice (1.4 ms
 * on two cores) before one that wakes up, whatever their priorities, so that p99 of what shares the core is about that of a slice.
 */
const sliceMs = 0.25;
/** What took longer was not this thread's work alone: a collection of garbage, another program, a reader that was waited for. */
const mostRestMs = 1;

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
    return workedMs < sliceMs ? null : this.#pause(Math.min(workedMs, mostRestMs));
  }

  async #pause(ms: number): Promise<void> {
    await this.#rest(ms);
    this.#startedMs = this.#nowMs();
  }
}

const nothing = new Int32Array(new SharedArrayBuffer(4));

/** With the clock of this thread, which sleeps meanwhile: timers are of a whole millisecond, four times as long as a slice. What it has to do comes before the next slice. */
export function slicesOfThread(): Slices {
  return new Slices(
    () => performance.now(),
    (ms) => {
      Atomics.wait(nothing, 0, 0, ms);
      return new Promise((resolve) => {
        setImmediate(resolve);
      });
    },
  );
}
