// How answers of a shadow are compared with those of the primary: the text of the annotation sluice.io/compare, and what it comes to.
import { type ClauseReader, readClauses, type RepeatedClause, standsTwice } from "../grammar/clauses.ts";

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

/** What to write, in the words of a Problem. */
export const compareWords =
  "true, false, or rules with semicolons between them, for example: tolerance 1e-3; ignore meta.tags";

type Draft = { -readonly [Key in keyof CompareRules]: CompareRules[Key] };

/** Reads the text of the annotation. `rules` null: nothing is compared. `mistake`: one clear sentence, with what to write. */
export function readCompareRules(text: string): { readonly rules: CompareRules | null } | { readonly mistake: string } {
  const word = /^[\s;]*(true|false|)[\s;]*$/i.exec(text)?.[1]?.toLowerCase();
  if (word === "") return { mistake: "there is no rule" };
  if (word !== undefined) return { rules: word === "true" ? plainRules : null };
  const draft: Draft = { ...plainRules };
  const mistake = readClauses(text, readers, draft);
  if (mistake !== null) return { mistake };
  const { ignored, unordered, redacted, byPath } = draft;
  const paths = ignored.length - ignoredByDefault.length + unordered.length + redacted.length + byPath.length;
  return paths > maxPaths
    ? { mistake: `there are ${paths} paths; write at most ${maxPaths}` }
    : { rules: Object.freeze(draft) };
}

const readers: ReadonlyMap<string, ClauseReader<Draft> | RepeatedClause<Draft>> = new Map<
  string,
  ClauseReader<Draft> | RepeatedClause<Draft>
>([
  ["tolerance", readTolerance("absolute")],
  ["relative", readTolerance("relative")],
  ["ignore", readList("ignored")],
  ["unordered", readList("unordered")],
  ["redact", readList("redacted")],
  [
    "keep",
    (draft, { words, text }) => {
      const wanted = words.join(" ").toLowerCase();
      if (wanted !== "on" && wanted !== "off") return `${text} is not understood; write "keep on" or "keep off"`;
      draft.keeps = wanted === "on";
      return null;
    },
  ],
]);

function readList(list: "ignored" | "unordered" | "redacted"): RepeatedClause<Draft> {
  return {
    each: (draft, { keyword, words, text }) => {
      const paths = pathsOf(words);
      if (paths === null) return `${text} has no list of paths; write "${keyword} data.names, meta.tags"`;
      draft[list] = [...draft[list], ...paths];
      return null;
    },
  };
}

/** `1e-6`, everywhere and once, or `1e-6 at data.ndarray, outputs.score`. */
function readTolerance(kind: "absolute" | "relative"): RepeatedClause<Draft> {
  return {
    each: (draft, { keyword, words: [number = "", at, ...rest], text }) => {
      const write = `write "${keyword} 1e-3" or "${keyword} 1e-3 at data.ndarray"`;
      if (!/^\d{1,15}(?:\.\d{1,15})?(?:e[+-]?\d{1,2})?$/i.test(number))
        return `${text} has no number of 0 or more; ${write}`;
      if (at === undefined) {
        if (draft[kind] !== null) return standsTwice(keyword);
        draft[kind] = Number(number);
        return null;
      }
      const paths = at.toLowerCase() === "at" ? pathsOf(rest) : null;
      if (paths === null) return `${text} has no list of paths after its number; ${write}`;
      const none = { absolute: null, relative: null };
      draft.byPath = [...draft.byPath, ...paths.map((path) => ({ path, ...none, [kind]: Number(number) }))];
      return null;
    },
  };
}

/** Paths with commas between them; null: one of them is none. */
function pathsOf(words: readonly string[]): readonly string[] | null {
  const paths = words
    .join(" ")
    .split(",")
    .map((path) => path.trim());
  return paths.every((path) => /^[^\s.,;"[\]]+(?:\.[^\s.,;"[\]]+)*$/.test(path)) ? paths : null;
}
