// What a generator does as a child process of the harness: it gets one plan, runs it and sends its result.
import type { Loading, Measuring } from './measuring.ts';

/** Runs the generator that `make` makes of the plan. A plan that cannot be run ends the process with exit code 1. */
export function runOnePlan(make: (plan: unknown) => Loading & { readonly measuring: Measuring }): void {
  const send = process.send?.bind(process);
  if (send === undefined) throw new Error('the generator runs as a child process of the harness');
  process.once('message', (plan: unknown) => {
    const generator = make(plan);
    generator.measuring.run(generator).then(
      (result) => send(result, () => process.disconnect?.()),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  });
}
