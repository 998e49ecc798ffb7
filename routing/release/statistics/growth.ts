// What was counted between two looks, out of the cumulative counts of many processes.
import { type ArmCounts, hasGrown, noCounts, withGrowth } from "./arm-counts.ts";

/** Cumulative counts by the id of the process that counts, and by arm. A process that starts again has another id. */
export type CountsOf<Arms> = Readonly<Record<string, Arms>>;

/** Processes that are remembered, those that answer now first: many more than a gateway has replicas. */
export const maxInstances = 256;

/**
 * The growth of each arm's counts between two looks, summed over processes; an arm without any is left out. A process that was not seen before, or that began to count anew (`hasGrown`), begins here: it
 * adds nothing in this look. So does an arm that its process did not have. A process that does not answer adds nothing now, and all of it once it answers again.
 */
export function growthBetween<Arms extends { readonly [Arm in keyof Arms]: ArmCounts }>(
  seen: CountsOf<Arms>,
  now: CountsOf<Arms>,
): { readonly added: ReadonlyMap<string, ArmCounts>; readonly seen: CountsOf<Arms> } {
  const added = new Map<string, ArmCounts>();
  const next = new Map<string, Arms>();
  for (const [instance, counts] of Object.entries(now)) {
    if (next.size === maxInstances) break;
    next.set(instance, counts);
    const before: Arms | null = Object.hasOwn(seen, instance) ? seen[instance]! : null;
    if (before === null) continue;
    const both = Object.entries<ArmCounts>(counts)
      .filter(([arm]) => Object.hasOwn(before, arm))
      .map(([arm, count]) => [arm, before[arm as keyof Arms], count] as const);
    if (!both.every(([, was, is]) => hasGrown(was, is))) continue;
    for (const [arm, was, is] of both) added.set(arm, withGrowth(added.get(arm) ?? noCounts, was, is));
  }
  for (const [instance, counts] of Object.entries(seen))
    if (next.size < maxInstances && !next.has(instance)) next.set(instance, counts);
  return { added, seen: Object.fromEntries(next) };
}
