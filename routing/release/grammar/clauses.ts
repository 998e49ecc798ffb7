// Texts of clauses: `to canary; steps 5%, 100%`. Keywords and units in any letter case, each clause once but those that add to a list, in any order. Time to read one grows with its length and no faster.
import { nearWord } from "../../text/near-word.ts";
import { visible } from "../../text/visible.ts";

/** Longest text of an annotation for releases, in characters. */
export const maxTextLength = 4096;
const maxClauses = 32;

export interface Clause {
  /** The first word, in lower case. */
  readonly keyword: string;
  /** The words as they were written, the first one too; signs and commas are words of their own, as `≤` (also written `<=`), `≥` (`>=`) and `,`. */
  readonly first: string;
  readonly words: readonly string[];
  /** As it was written, for sentences: escaped, and cut after 80 characters. */
  readonly text: string;
}

/** Puts what a clause says into the draft; a sentence: what is wrong, and what to write. */
export type ClauseReader<Draft> = (draft: Draft, clause: Clause) => string | null;

/** Clauses of this row may stand again and again. */
export interface RepeatedClause<Draft> {
  readonly each: ClauseReader<Draft>;
}

/**
 * Reads each clause of a text into a draft; a sentence: the first mistake. `rows`: readers by keyword, a Map because the words are strangers'. `short`: the keyword that the first clause
 * stands for if it has none, as a name alone does; null: none.
 */
export function readClauses<Draft>(
  text: string,
  rows: ReadonlyMap<string, ClauseReader<Draft> | RepeatedClause<Draft>>,
  draft: Draft,
  short: (clause: Clause) => string | null = () => null,
): string | null {
  const clauses = clausesOf(text);
  if (typeof clauses === "string") return clauses;
  const seen = new Set<string>();
  for (const [at, clause] of clauses.entries()) {
    const alone = at === 0 ? short(clause) : null;
    const keyword = alone ?? clause.keyword;
    const row = rows.get(keyword);
    if (row === undefined) {
      const meant = nearWord(keyword, [...rows.keys()]);
      return `${clause.text} is not understood; ${meant === null ? `a clause begins with ${[...rows.keys()].join(", ")}` : `did you mean "${meant}"?`}`;
    }
    if (typeof row === "function" && seen.has(keyword)) return standsTwice(keyword);
    seen.add(keyword);
    const whole = alone === null ? clause : { ...clause, keyword, words: [clause.first, ...clause.words] };
    const mistake = typeof row === "function" ? row(draft, whole) : row.each(draft, whole);
    if (mistake !== null) return mistake;
  }
  return null;
}

/** The mistake of a clause that may stand once. */
export function standsTwice(keyword: string): string {
  return `"${keyword}" stands twice; write it once`;
}

/** The clauses of a text, empty ones left out; a sentence: it is too long. */
function clausesOf(text: string): readonly Clause[] | string {
  if (text.length > maxTextLength) return `the text has more than ${maxTextLength} characters; write a shorter one`;
  const parts = text.split(";").filter((part) => part.trim() !== "");
  if (parts.length > maxClauses) return `the text has more than ${maxClauses} clauses; write each only once`;
  return parts.map(clauseOf);
}

function clauseOf(part: string): Clause {
  const [first = "", ...words] = part
    .replaceAll("<=", "≤")
    .replaceAll(">=", "≥")
    .replace(/[≤≥,]/g, " $& ")
    .split(/\s+/)
    .filter((word) => word !== "");
  return { keyword: first.toLowerCase(), first, words, text: quoted(part.trim()) };
}

/** A text of a tenant inside a sentence: escaped, in quotes, cut after 80 characters. */
export function quoted(text: string): string {
  return `"${visible(text.length > 80 ? `${text.slice(0, 79)}…` : text)}"`;
}
