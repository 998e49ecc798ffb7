// What a generator does as a child process of the harness: it gets one plan, runs it and sends its result.
import type { Loading, Measuring } from "./measuring.ts";

/** Runs the one plan. One that cannot be run ends the process with exit code 1. */
export function runOnePlan(run: (plan: unknown) => Promise<unknown>): void {
  const send = process.send?.bind(process);
  if (send === undefined) throw new Error("the generator runs as a child process of the harness");
  process.once("message", (plan: unknown) => {
    run(plan).then(
      (result) => send(result, () => process.disconnect?.()),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  });
}

/** Runs the generator's one window. */
export function measured(generator: Loading & { readonly measuring: Measuring }): Promise<unknown> {
  return generator.measuring.run(generator);
}
