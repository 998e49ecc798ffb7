// Waiting for what another process tells only when it is asked.

/** A start of several threads on a busy machine takes less, and a test has 60 s: it is to say what it waited for. */
const patienceMs = 50_000;
const betweenMs = 20;

/** Asks again until it holds. Throws after `withinMs`, naming `what`: by default what was asked. */
export async function until(
  holds: () => boolean | Promise<boolean>,
  what = String(holds),
  withinMs = patienceMs,
): Promise<void> {
  const endMs = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`never: ${what}`);
    await new Promise((resolve) => {
      setTimeout(resolve, betweenMs);
    });
  }
}
