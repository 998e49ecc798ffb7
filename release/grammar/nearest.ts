// The word that was probably meant.

/** The one of `words` nearest to `word` by edits (a letter added, lost, changed), at most 2 and fewer than half of its letters; null: none is near. Words over 32 characters are near none. */
export function nearest(word: string, words: readonly string[]): string | null {
  if (word.length > 32) return null;
  let best: string | null = null;
  let fewest = 3;
  for (const candidate of words) {
    const edits = editsBetween(word.toLowerCase(), candidate);
    if (edits < fewest && edits * 2 < candidate.length) [best, fewest] = [candidate, edits];
  }
  return best;
}

function editsBetween(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, at) => at);
  for (let line = 1; line <= from.length; line += 1) {
    const next = [line];
    for (let at = 1; at <= to.length; at += 1) {
      const changed = row[at - 1]! + (from[line - 1] === to[at - 1] ? 0 : 1);
      next.push(Math.min(changed, row[at]! + 1, next[at - 1]! + 1));
    }
    row = next;
  }
  return row[to.length]!;
}
