// Counts of one comparison from several places, added up.
import { comparisonOutcomes, type ComparisonCounts, type PathCounts } from "./comparison.ts";

export const noCounts: ComparisonCounts = Object.freeze({
  outcomes: { agreed: 0, disagreed: 0, incomparable: 0, unanswered: 0, unasked: 0 },
  reasons: [],
  paths: [],
  morePaths: false,
  rows: 0,
  rowsApart: 0,
  confusion: [],
  slower: [],
  primaryBytes: 0,
  shadowBytes: 0,
});

export function addedCounts(one: ComparisonCounts, other: ComparisonCounts): ComparisonCounts {
  const outcomes = { ...one.outcomes };
  for (const outcome of comparisonOutcomes) outcomes[outcome] += other.outcomes[outcome];
  return {
    outcomes,
    reasons: addedEntries(one.reasons, other.reasons),
    paths: addedPaths(one.paths, other.paths),
    morePaths: one.morePaths || other.morePaths,
    rows: one.rows + other.rows,
    rowsApart: one.rowsApart + other.rowsApart,
    confusion: addedConfusion(one.confusion, other.confusion),
    slower: addedEntries(one.slower, other.slower),
    primaryBytes: one.primaryBytes + other.primaryBytes,
    shadowBytes: one.shadowBytes + other.shadowBytes,
  };
}

type Entries<Key> = readonly (readonly [key: Key, count: number])[];

function addedEntries<Key>(one: Entries<Key>, other: Entries<Key>): Entries<Key> {
  const sums = new Map(one);
  for (const [key, count] of other) sums.set(key, (sums.get(key) ?? 0) + count);
  return [...sums];
}

function addedPaths(one: readonly PathCounts[], other: readonly PathCounts[]): readonly PathCounts[] {
  const sums = new Map(one.map((counts) => [counts.path, counts]));
  for (const counts of other) {
    const sum = sums.get(counts.path);
    sums.set(counts.path, sum === undefined ? counts : addedPath(sum, counts));
  }
  return [...sums.values()];
}

function addedPath(one: PathCounts, other: PathCounts): PathCounts {
  return {
    path: one.path,
    redacted: one.redacted || other.redacted,
    numbers: one.numbers + other.numbers,
    numbersApart: one.numbersApart + other.numbersApart,
    sumDifference: Math.min(Number.MAX_VALUE, one.sumDifference + other.sumDifference),
    maxDifference: Math.max(one.maxDifference, other.maxDifference),
    pairsApart: one.pairsApart + other.pairsApart,
  };
}

function addedConfusion(
  one: ComparisonCounts["confusion"],
  other: ComparisonCounts["confusion"],
): ComparisonCounts["confusion"] {
  const keyed = (rows: ComparisonCounts["confusion"]): Entries<string> =>
    rows.map(([from, to, count]) => [JSON.stringify([from, to]), count]);
  return addedEntries(keyed(one), keyed(other)).map(([key, count]) => {
    const [from, to] = JSON.parse(key) as [string, string];
    return [from, to, count];
  });
}
