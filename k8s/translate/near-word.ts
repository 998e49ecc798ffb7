// Near words: which known word somebody probably meant. For sentences, and for keys that are no business of ours unless they nearly are.

/** Longest word that is compared. */
const longest = 80;

/**
 * The known word nearest to an unknown one: equal without letter case and separators (`retryOn`, `Retry-On`), else at most two letters wrong,
 * one in a word of less than six; null when none is near.
 */
export function nearWord(word: string, known: Iterable<string>): string | null {
  if (word.length > longest) return null;
  let best: string | null = null;
  let least = word.length < 6 ? 2 : 3;
  for (const candidate of known) {
    const distance = bare(word) === bare(candidate) ? 0 : Math.abs(word.length - candidate.length) >= least ? least : lettersWrong(word.toLowerCase(), candidate.toLowerCase());
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best;
}

/** Without letter case and separators. */
export function bare(word: string): string {
  return word.replace(/[-_\s]/g, '').toLowerCase();
}

/** Insertions, deletions, replacements and swaps of neighbours between two short words. */
function lettersWrong(a: string, b: string): number {
  let [older, row] = [[] as number[], Array.from({ length: b.length + 1 }, (_, index) => index)];
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? older[j - 2]! + 1 : Infinity;
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, replaced, swapped));
    }
    [older, row] = [row, next];
  }
  return row[b.length]!;
}
