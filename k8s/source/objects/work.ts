// Work in steps: each `yield` is a place where it may pause, so that its thread serves others in between.

export type Work<T = void> = Generator<void, T>;

/** Does work without a pause: for tools, which nobody waits for beside. */
export function finish<T>(work: Work<T>): T {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
  }
}
