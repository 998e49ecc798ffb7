// Evidence: what canary and main did at the same time, out of the cumulative counts of many processes.
import { addedCounts, type ArmCounts, countsSince, noCounts } from "../statistics/arm-counts.ts";

/** Counts of the predictor that is released, and of all other live ones together, of the same time. */
export interface Evidence {
  readonly canary: ArmCounts;
  readonly main: ArmCounts;
}

/** Cumulative counts by the id of the process that counts. A process that starts again has another id. */
export type CountsByInstance = Readonly<Record<string, Evidence>>;

export const noEvidence: Evidence = { canary: noCounts, main: noCounts };

/** Processes that are remembered, those that answer now first: many more than a gateway has replicas. */
export const maxInstances = 256;

export function addedEvidence(one: Evidence, other: Evidence): Evidence {
  return { canary: addedCounts(one.canary, other.canary), main: addedCounts(one.main, other.main) };
}

/**
 * What was counted between two looks, summed over processes. A process that was not seen before, or whose counts fell, begins here: it adds nothing in this look. One that does not answer
 * adds nothing now, and all of it once it answers again.
 */
export function evidenceBetween(
  seen: CountsByInstance,
  now: CountsByInstance,
): { readonly added: Evidence; readonly seen: CountsByInstance } {
  let added = noEvidence;
  const next = new Map<string, Evidence>();
  for (const [instance, counts] of Object.entries(now)) {
    if (next.size === maxInstances) break;
    next.set(instance, counts);
    const before = Object.hasOwn(seen, instance) ? seen[instance]! : null;
    if (before === null) continue;
    const canary = countsSince(before.canary, counts.canary);
    const main = countsSince(before.main, counts.main);
    if (canary !== null && main !== null) added = addedEvidence(added, { canary, main });
  }
  for (const [instance, counts] of Object.entries(seen))
    if (next.size < maxInstances && !next.has(instance)) next.set(instance, counts);
  return { added, seen: Object.fromEntries(next) };
}
