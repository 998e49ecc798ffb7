// Tally: which path lengths a space holds, so that lookup stops hashing after the longest and skips lengths that nobody declares.

/** A multiset of numbers. */
export interface Tally {
  /** Distinct, ascending. */
  readonly values: readonly number[];
  readonly counts: readonly number[];
}

export const noTally: Tally = Object.freeze({ values: Object.freeze([]), counts: Object.freeze([]) });

/** The Tally with one more (`by` 1) or one fewer (`by` −1) of `value`. */
export function tallied(tally: Tally, value: number, by: 1 | -1): Tally {
  const at = tally.values.indexOf(value);
  if (at >= 0) {
    const count = tally.counts[at]! + by;
    return count === 0
      ? frozen(tally.values.toSpliced(at, 1), tally.counts.toSpliced(at, 1))
      : frozen(tally.values, tally.counts.with(at, count));
  }
  const after = tally.values.findIndex((other) => other > value);
  const place = after < 0 ? tally.values.length : after;
  return frozen(tally.values.toSpliced(place, 0, value), tally.counts.toSpliced(place, 0, 1));
}

function frozen(values: readonly number[], counts: readonly number[]): Tally {
  return Object.freeze({ values: Object.freeze(values), counts: Object.freeze(counts) });
}
