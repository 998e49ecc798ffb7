// Waits for a promise, but not for ever.

/** Resolves when the promise does, or `limitMs` later. */
export async function within(promise: Promise<unknown>, limitMs: number): Promise<void> {
  const timer = Promise.withResolvers<void>();
  const timeout = setTimeout(timer.resolve, limitMs);
  await Promise.race([promise, timer.promise]);
  clearTimeout(timeout);
}
