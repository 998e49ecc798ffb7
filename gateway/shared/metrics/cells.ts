// Sizes and parts of blocks of cells.
import { failureFlags, type FailureFlag } from "../../failure-flags.ts";

/** Cells of one cache line. */
export const lineCells = 8;

/** `count` cells, in whole cache lines. */
export function wholeLines(count: number): number {
  return Math.ceil(count / lineCells) * lineCells;
}

export const flagNames = Object.keys(failureFlags) as readonly FailureFlag[];

/** A cell for each failure flag, from `first` on. */
export function cellsByFlag(first: number): Readonly<Record<FailureFlag, number>> {
  return Object.fromEntries(flagNames.map((flag, at) => [flag, first + at])) as Record<FailureFlag, number>;
}
