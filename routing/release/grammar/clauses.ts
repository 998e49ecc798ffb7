// Texts of clauses: `to canary; steps 5%, 100%`. Time to read one grows with its length and no faster.
import { visible } from "../../text/visible.ts";

/** Longest text of an annotation for releases, in characters. */
export const maxTextLength = 4096;
const maxClauses = 32;

export interface Clause {
  /** The first word, in lower case. */
  readonly keyword: string;
  /** The first word as it was written. */
  readonly first: string;
  /** The words after it; signs and commas are words of their own, as `≤` (also written `<=`), `≥` (`>=`) and `,`. */
  readonly words: readonly string[];
  /** As it was written, for sentences: escaped, and cut after 80 characters. */
  readonly text: string;
}

/** The clauses of a text, empty ones left out; a sentence where it is too long. */
export function readClauses(text: string): readonly Clause[] | string {
  if (text.length > maxTextLength) return `the text has more than ${maxTextLength} characters; write a shorter one`;
  const parts = text.split(";").filter((part) => part.trim() !== "");
  if (parts.length > maxClauses) return `the text has more than ${maxClauses} clauses; write each only once`;
  return parts.map((part) => {
    const [first = "", ...words] = part
      .replaceAll("<=", "≤")
      .replaceAll(">=", "≥")
      .replace(/[≤≥,]/g, " $& ")
      .split(/\s+/)
      .filter((word) => word !== "");
    return { keyword: first.toLowerCase(), first, words, text: quoted(part.trim()) };
  });
}

/** A text of a tenant inside a sentence: escaped, in quotes, cut after 80 characters. */
export function quoted(text: string): string {
  return `"${visible(text.length > 80 ? `${text.slice(0, 79)}…` : text)}"`;
}
