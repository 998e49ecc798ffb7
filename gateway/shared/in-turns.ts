// Fair order: many things of one owner do not come before another's first.

/** The first of each owner, then the second of each, and so on; those of one owner stay in their order. */
export function inTurns<T>(all: readonly T[], ownerOf: (one: T) => string): readonly T[] {
  const turns = new Map<string, number>();
  return all
    .map((one) => {
      const owner = ownerOf(one);
      const turn = turns.get(owner) ?? 0;
      turns.set(owner, turn + 1);
      return { one, turn };
    })
    .toSorted((a, b) => a.turn - b.turn)
    .map(({ one }) => one);
}
