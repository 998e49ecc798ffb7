// A text within a bound, that keeps nothing else in memory.

/**
 * The beginning of a text, with "…" in place of what is too much. A copy: V8 makes slices that hold on to the whole text, and what is kept
 * for long would keep megabytes alive.
 */
export function cutText(text: string, maxLength: number): string {
  return text.length > maxLength ? Buffer.from(`${text.slice(0, maxLength - 1)}…`).toString() : text;
}
