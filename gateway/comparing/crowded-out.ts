// Whose place among bounded entries is free for another.

/** Of the namespace that has most of them the one that comes first. `entries`: one or more. Linear, and called where one too many came. */
export function crowdedOut<T extends { readonly namespace: string }>(entries: readonly T[]): T {
  const counts = new Map<string, number>();
  for (const { namespace } of entries) counts.set(namespace, (counts.get(namespace) ?? 0) + 1);
  const most = Math.max(...counts.values());
  return entries.find(({ namespace }) => counts.get(namespace) === most)!;
}
