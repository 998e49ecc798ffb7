// How explanations name Matches: in words for people, in signs for machines and goldens.
import { conditionWords, matchWords } from "../../routing/match-words.ts";
import type { Match } from "../../routing/model/match.ts";
import { printMatch } from "../../routing/print.ts";

/** How an explanation names Routes and conditions. */
export interface Wording {
  /** The whole Match. */
  readonly match: (match: Match) => string;
  /** What it asks beside the path; "" for nothing. */
  readonly conditions: (match: Match) => string;
}

/** As tables are printed for machines and goldens: `^ /seldon/prod/iris/  location: london`. */
export const inSigns: Wording = {
  match: printMatch,
  conditions: (match) =>
    printMatch(match)
      .slice(printMatch({ path: match.path, host: { kind: "any" }, method: null, headers: [], query: [] }).length)
      .trim(),
};

export const inWords: Wording = { match: matchWords, conditions: conditionWords };
