// How answers of a shadow are compared with those of the primary: the text of the annotation sluice.io/compare, and what it comes to.
import { clausesOf, type Clause } from "../grammar/clauses.ts";

/** Paths of one text, all clauses together. */
const maxPaths = 64;

export interface PathTolerance {
  readonly path: string;
  /** null: as everywhere. */
  readonly absolute: number | null;
  readonly relative: number | null;
}

export interface CompareRules {
  /**
   * Two numbers agree if they differ by no more than this, or by no more than `relative` of the larger one; 0 and up. null: none is written. Whole numbers
   * are equal then, and others agree by `unwrittenTolerance`.
   */
  readonly absolute: number | null;
  readonly relative: number | null;
  /** The last one of a path counts. */
  readonly byPath: readonly PathTolerance[];
  /** Not compared: `meta.puid`. `*` stands for any one name. Indexes of arrays are no part of a path. `a.b` is also the name "a.b". */
  readonly ignored: readonly string[];
  /** Arrays whose order says nothing. */
  readonly unordered: readonly string[];
  /** Values that nothing shows: no kept answer, difference or path. Only how many pairs differ there is counted. `a` is also the name "a.b". */
  readonly redacted: readonly string[];
  /** Disagreements are kept with both answers. */
  readonly keeps: boolean;
}

/** Of numbers that are not both whole, absolute and relative. */
export const unwrittenTolerance = 1e-6;

/** What differs between any two answers: ids, times, and which version of a model gave it. */
export const ignoredByDefault: readonly string[] = [
  "meta.puid",
  "meta.requestPath",
  "meta.routing",
  "meta.metrics",
  "id",
  "model_name",
  "model_version",
  "time",
  "timestamp",
  "created",
];

export const plainRules: CompareRules = Object.freeze({
  absolute: null,
  relative: null,
  byPath: [],
  ignored: ignoredByDefault,
  unordered: [],
  redacted: [],
  keeps: true,
});

export type ReadRules =
  /** null: it is not compared. */
  | { readonly kind: "rules"; readonly rules: CompareRules | null }
  /** Words that follow the quoted text. */
  | { readonly kind: "mistake"; readonly mistake: string };

/** What to write, in the words of a Problem. */
export const compareWords =
  "true, false, or rules with semicolons between them, for example: tolerance 1e-3; ignore meta.tags";

type Draft = { -readonly [Key in keyof CompareRules]: CompareRules[Key] };

/** Reads the text of the annotation. */
export function readCompareRules(text: string): ReadRules {
  const clauses = clausesOf(text);
  if (typeof clauses === "string") return mistake(`cannot be read: ${clauses}`);
  const [only, ...more] = clauses;
  if (only === undefined) return mistake("says no rule");
  if (more.length === 0 && only.words.length === 0) {
    if (only.keyword === "false") return { kind: "rules", rules: null };
    if (only.keyword === "true") return { kind: "rules", rules: plainRules };
  }
  const draft: Draft = { ...plainRules };
  const said = new Set<string>();
  for (const clause of clauses) {
    const wrong = readClause(draft, clause, said);
    if (wrong !== null) return mistake(wrong);
  }
  const { ignored, unordered, redacted, byPath } = draft;
  const paths = ignored.length - ignoredByDefault.length + unordered.length + redacted.length + byPath.length;
  return paths > maxPaths
    ? mistake(`names ${paths} paths, more than ${maxPaths}`)
    : { kind: "rules", rules: Object.freeze(draft) };
}

function mistake(words: string): ReadRules {
  return { kind: "mistake", mistake: words };
}

const lists = new Map([
  ["ignore", "ignored"],
  ["unordered", "unordered"],
  ["redact", "redacted"],
] as const);

const tolerances = new Map([
  ["tolerance", "absolute"],
  ["relative", "relative"],
] as const);

/** null: it was read. */
function readClause(draft: Draft, { keyword, first, words }: Clause, said: Set<string>): string | null {
  const list = lists.get(keyword as "ignore");
  if (list !== undefined) {
    const paths = pathsOf(words);
    if (typeof paths === "string") return `says "${keyword}" with ${paths}`;
    draft[list] = [...draft[list], ...paths];
    return null;
  }
  const tolerance = tolerances.get(keyword as "tolerance");
  if (tolerance !== undefined) return readTolerance(draft, keyword, tolerance, words, said);
  if (keyword === "keep") {
    const [switched, ...rest] = words;
    if (rest.length > 0 || (switched !== "on" && switched !== "off")) return 'says "keep" without "on" or "off"';
    draft.keeps = switched === "on";
    return once(said, keyword);
  }
  return keyword === "true" || keyword === "false"
    ? `says "${keyword}" beside something else`
    : `has the rule "${first}", which Sluice does not know`;
}

function once(said: Set<string>, keyword: string): string | null {
  if (said.has(keyword)) return `says "${keyword}" twice`;
  said.add(keyword);
  return null;
}

/** `1e-6`, everywhere, or `1e-6 at data.ndarray, outputs.score`. */
function readTolerance(
  draft: Draft,
  keyword: string,
  kind: "absolute" | "relative",
  [text = "", at, ...rest]: readonly string[],
  said: Set<string>,
): string | null {
  if (!/^\d{1,15}(?:\.\d{1,15})?(?:e[+-]?\d{1,2})?$/i.test(text) || (at !== undefined && at !== "at"))
    return `says "${keyword}" without a number of 0 or more`;
  const number = Number(text);
  if (at === undefined) {
    draft[kind] = number;
    return once(said, keyword);
  }
  const paths = pathsOf(rest);
  if (typeof paths === "string") return `says "${keyword}" with ${paths}`;
  const none = { absolute: null, relative: null };
  draft.byPath = [...draft.byPath, ...paths.map((path) => ({ path, ...none, [kind]: number }))];
  return null;
}

/** Paths with commas between them; a text: what is wrong. */
function pathsOf(words: readonly string[]): readonly string[] | string {
  const paths = words
    .join(" ")
    .split(",")
    .map((path) => path.trim());
  const wrong = paths.find((path) => !/^[^\s.,;"[\]]+(?:\.[^\s.,;"[\]]+)*$/.test(path));
  if (wrong === undefined) return paths;
  return wrong === "" ? "no path" : `"${wrong}", which is not a path such as data.ndarray`;
}
