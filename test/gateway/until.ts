// Waiting for what another process tells only when it is asked.

/** A start of several threads on a busy machine. */
const patienceMs = 60_000;
const betweenMs = 20;

/** Asks again until it holds. Throws after a minute, naming `what`: by default what was asked. */
export async function until(holds: () => boolean | Promise<boolean>, what = String(holds)): Promise<void> {
  const endMs = performance.now() + patienceMs;
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`never: ${what}`);
    await new Promise((resolve) => {
      setTimeout(resolve, betweenMs);
    });
  }
}
