// Near words: which known word was probably meant. For sentences, and for keys that are no business of ours unless they nearly are.

/** Longest word that is compared. */
const longest = 80;

/** A word as it is compared. */
interface Spelling {
  readonly lower: string;
  /** Without letter case and separators. */
  readonly bare: string;
  /** Which letters it has, a bit for some each: one wrong letter changes at most two. */
  readonly letters: number;
}

/** Of known words that were compared lately: they are few, and compared with every key of every object. */
const spellings = new Map<string, Spelling>();
const mostSpellings = 4096;

/**
 * The known word nearest to an unknown one: equal without letter case and separators (`retryOn`, `Retry-On`), else at most two letters wrong,
 * one where both have less than six; null when none is near. A known word that is not near costs a few comparisons of numbers: tenants write thousands of keys.
 */
export function nearWord(word: string, known: Iterable<string>): string | null {
  if (word.length > longest) return null;
  const spelling = spellingOf(word);
  let best: string | null = null;
  let least = 3;
  for (const candidate of known) {
    if (candidate.length > longest + 2) continue;
    const other = knownSpelling(candidate);
    const most = Math.max(word.length, candidate.length) < 6 ? 1 : least - 1;
    const distance =
      spelling.bare === other.bare
        ? 0
        : mayBeNear(spelling, other, most)
          ? lettersWrong(spelling.lower, other.lower, 0, 0, most)
          : least;
    if (distance < least && (distance <= most || distance === 0)) [best, least] = [candidate, distance];
    if (least === 0) return best;
  }
  return best;
}

function knownSpelling(word: string): Spelling {
  let spelling = spellings.get(word);
  if (spelling !== undefined) return spelling;
  spelling = spellingOf(word);
  if (spellings.size >= mostSpellings) spellings.clear();
  spellings.set(word, spelling);
  return spelling;
}

function spellingOf(word: string): Spelling {
  const lower = word.toLowerCase();
  let letters = 0;
  for (let index = 0; index < lower.length; index++) letters |= 1 << (lower.charCodeAt(index) & 31);
  return { lower, bare: bare(lower), letters };
}

/** Without letter case and separators. */
export function bare(word: string): string {
  return word.replace(/[-_\s]/g, "").toLowerCase();
}

function mayBeNear(a: Spelling, b: Spelling, most: number): boolean {
  return Math.abs(a.lower.length - b.lower.length) <= most && bitCount(a.letters ^ b.letters) <= 2 * most;
}

function bitCount(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count += 1;
  return count;
}

/** Insertions, deletions, replacements and swaps of neighbours between two words from these places on; `most` + 1: more than `most`, which is 2 at most. */
function lettersWrong(a: string, b: string, fromA: number, fromB: number, most: number): number {
  let [i, j] = [fromA, fromB];
  while (i < a.length && j < b.length && a.charCodeAt(i) === b.charCodeAt(j)) {
    i += 1;
    j += 1;
  }
  const [leftOfA, leftOfB] = [a.length - i, b.length - j];
  if (leftOfA === 0 || leftOfB === 0) return Math.min(leftOfA + leftOfB, most + 1);
  if (Math.abs(leftOfA - leftOfB) > most || most === 0) return most + 1;
  const isSwapped = a.charCodeAt(i) === b.charCodeAt(j + 1) && a.charCodeAt(i + 1) === b.charCodeAt(j);
  let least = most;
  least = Math.min(least, lettersWrong(a, b, i + 1, j + 1, least - 1));
  if (least > 0) least = Math.min(least, lettersWrong(a, b, i + 1, j, least - 1));
  if (least > 0) least = Math.min(least, lettersWrong(a, b, i, j + 1, least - 1));
  if (least > 0 && isSwapped) least = Math.min(least, lettersWrong(a, b, i + 2, j + 2, least - 1));
  return least + 1;
}
