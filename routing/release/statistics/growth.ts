// What was counted between two looks, out of the cumulative counts of many processes.
import { ArmCounts, hasGrown } from "./arm-counts.ts";

/** Cumulative counts by the id of the process that counts, and by arm. A process that starts again has another id. */
export type CountsOf<Arms> = Readonly<Record<string, Arms>>;

/** Processes that are remembered, those that answer now first: many more than a gateway has replicas. */
export const maxInstances = 256;

/**
 * The growth of each arm's counts between two looks, summed over processes, in the order of `arms`. A process that was not seen before, or that began to count anew (`hasGrown`), begins here: it
 * adds nothing in this look. So does an arm that its process did not have. A process that does not answer adds nothing now, and all of it once it answers again.
 */
export function growthBetween<Arms extends { readonly [Arm in keyof Arms]: ArmCounts }>(
  arms: readonly (keyof Arms & string)[],
  seen: CountsOf<Arms>,
  now: CountsOf<Arms>,
): { readonly added: readonly ArmCounts[]; readonly seen: CountsOf<Arms> } {
  const added = arms.map(() => new ArmCounts());
  const answering = Object.keys(now).slice(0, maxInstances);
  for (const instance of answering) {
    if (!Object.hasOwn(seen, instance)) continue;
    const [was, is] = [seen[instance]!, now[instance]!];
    const both = (arm: string): boolean => Object.hasOwn(was, arm) && Object.hasOwn(is, arm);
    if (!arms.every((arm) => !both(arm) || hasGrown(was[arm], is[arm]))) continue;
    for (const [at, arm] of arms.entries()) if (both(arm)) added[at]!.grow(is[arm], was[arm]);
  }
  const away = Object.keys(seen).filter((instance) => !Object.hasOwn(now, instance));
  if (away.length === 0 && answering.length === Object.keys(now).length) return { added, seen: now };
  const next = new Map(answering.map((instance) => [instance, now[instance]!]));
  for (const instance of away.slice(0, maxInstances - next.size)) next.set(instance, seen[instance]!);
  return { added, seen: Object.fromEntries(next) };
}
