// A sort of a long list beside other work of its thread.
import type { Slices } from "../shared/slices.ts";

/** Sorted between two looks at the clock: some hundredths of a millisecond. */
const together = 64;

/** A merge sort, from runs that are sorted at once. */
export async function sortedInSlices<T>(
  items: readonly T[],
  compare: (a: T, b: T) => number,
  slices: Slices,
): Promise<readonly T[]> {
  let runs: (readonly T[])[] = [];
  for (let from = 0; from < items.length; from += together) {
    runs.push(items.slice(from, from + together).sort(compare));
    await slices.pause();
  }
  while (runs.length > 1) {
    const merged: (readonly T[])[] = [];
    for (let index = 0; index < runs.length; index += 2)
      merged.push(await mergedInSlices(runs[index]!, runs[index + 1] ?? [], compare, slices));
    runs = merged;
  }
  return runs[0] ?? [];
}

async function mergedInSlices<T>(
  one: readonly T[],
  other: readonly T[],
  compare: (a: T, b: T) => number,
  slices: Slices,
): Promise<readonly T[]> {
  const merged: T[] = [];
  let [at, otherAt] = [0, 0];
  while (at < one.length || otherAt < other.length) {
    const isOne = otherAt === other.length || (at < one.length && compare(one[at]!, other[otherAt]!) <= 0);
    merged.push(isOne ? one[at++]! : other[otherAt++]!);
    if (merged.length % together === 0) await slices.pause();
  }
  return merged;
}
