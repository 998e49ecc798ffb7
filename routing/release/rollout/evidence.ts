// Evidence: what canary and main did at the same time, out of the cumulative counts of many processes.
import { addedCounts, type ArmCounts, noCounts } from "../statistics/arm-counts.ts";
import { type CountsOf, growthBetween } from "../statistics/growth.ts";

/** Counts of the predictor that is released, and of all other live ones together, of the same time. */
export interface Evidence {
  readonly canary: ArmCounts;
  readonly main: ArmCounts;
}

/** Cumulative counts by the id of the process that counts. A process that starts again has another id. */
export type CountsByInstance = CountsOf<Evidence>;

export const noEvidence: Evidence = { canary: noCounts, main: noCounts };

export function addedEvidence(one: Evidence, other: Evidence): Evidence {
  return { canary: addedCounts(one.canary, other.canary), main: addedCounts(one.main, other.main) };
}

/** `growthBetween` of canary and main. */
export function evidenceBetween(
  before: CountsByInstance,
  now: CountsByInstance,
): { readonly added: Evidence; readonly seen: CountsByInstance } {
  const { added, seen } = growthBetween(["canary", "main"], before, now);
  return { added: { canary: added[0]!, main: added[1]! }, seen };
}
