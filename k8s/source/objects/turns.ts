// Turns: long work done a slice of time at a time, one piece of work after the other, so that the thread serves others in between.
import { performance } from "node:perf_hooks";

/** Work in steps: each `yield` is a place where it may pause. */
export type Work<T = void> = Generator<void, T>;

/** Time for one slice, ms: what a reader of the admin port may have to wait. */
const sliceMs = 10;

export class Turns {
  readonly #sliceMs: number;
  #last: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(sliceLimitMs = sliceMs) {
    this.#sliceMs = sliceLimitMs;
  }

  /** Does the work after all that was asked for before. Resolves when it is done, or was left because of `stop`. */
  run(begin: () => Work): Promise<void> {
    this.#last = this.#last.then(() => this.#steps(begin));
    return this.#last;
  }

  /** What has not begun never does, and what is under way goes no step further. */
  stop(): void {
    this.#stopped = true;
  }

  async #steps(begin: () => Work): Promise<void> {
    if (this.#stopped) return;
    const work = begin();
    let endMs = performance.now() + this.#sliceMs;
    while (work.next().done !== true) {
      if (performance.now() < endMs) continue;
      await new Promise((resume) => setImmediate(resume));
      if (this.#stopped) return;
      endMs = performance.now() + this.#sliceMs;
    }
  }
}

/** Does work without a pause: for tools, which nobody waits for beside. */
export function finish<T>(work: Work<T>): T {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
  }
}
