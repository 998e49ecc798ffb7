// A fair share of Problems for a follower with a bound: a namespace with thousands of Problems does not hide those of others.
import type { Problem } from "../../../routing/text/problem.ts";

/** At most `most` of them, in their order: as many of each namespace as there is room for when all have the same. */
export function fairShare(problems: readonly Problem[], most: number): readonly Problem[] {
  if (problems.length <= most) return problems;
  const counts = new Map<string, number>();
  for (const { subject } of problems) counts.set(spaceOf(subject), (counts.get(spaceOf(subject)) ?? 0) + 1);
  let [room, waiting, share] = [most, counts.size, 0];
  for (const count of [...counts.values()].sort((a, b) => a - b)) {
    share = Math.floor(room / waiting);
    if (count > share) break;
    room -= count;
    waiting -= 1;
  }
  const taken = new Map<string, number>();
  return problems.filter(({ subject }) => {
    const before = taken.get(spaceOf(subject)) ?? 0;
    taken.set(spaceOf(subject), before + 1);
    return before < share;
  });
}

function spaceOf({ namespace, kind, name }: Problem["subject"]): string {
  return kind === "Namespace" ? name : namespace;
}
