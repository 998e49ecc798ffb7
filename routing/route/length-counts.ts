// LengthCounts: which path lengths a space holds, so that lookup stops hashing after the longest and skips lengths that no Route has.

/** A multiset of numbers. */
export interface LengthCounts {
  /** Distinct, ascending. */
  readonly values: readonly number[];
  readonly counts: readonly number[];
}

export const noLengths: LengthCounts = Object.freeze({ values: Object.freeze([]), counts: Object.freeze([]) });

/** The LengthCounts with one more (`by` 1) or one fewer (`by` −1) of `value`. */
export function withLength(lengths: LengthCounts, value: number, by: 1 | -1): LengthCounts {
  const at = lengths.values.indexOf(value);
  if (at >= 0) {
    const count = lengths.counts[at]! + by;
    return count === 0
      ? frozen(lengths.values.toSpliced(at, 1), lengths.counts.toSpliced(at, 1))
      : frozen(lengths.values, lengths.counts.with(at, count));
  }
  const after = lengths.values.findIndex((other) => other > value);
  const place = after < 0 ? lengths.values.length : after;
  return frozen(lengths.values.toSpliced(place, 0, value), lengths.counts.toSpliced(place, 0, 1));
}

function frozen(values: readonly number[], counts: readonly number[]): LengthCounts {
  return Object.freeze({ values: Object.freeze(values), counts: Object.freeze(counts) });
}
