// How answers of a shadow are compared with those of the primary: the text of the annotation sluice.io/compare, and what it comes to.

/** Longest text of a rule, characters. */
const maxTextLength = 1024;
/** Paths of one text, all clauses together. */
const maxPaths = 64;

export interface PathTolerance {
  readonly path: string;
  /** null: as everywhere. */
  readonly absolute: number | null;
  readonly relative: number | null;
}

export interface CompareRules {
  /** Two numbers agree if they differ by no more than this, or by no more than `relative` of the larger one. 0 and up. */
  readonly absolute: number;
  readonly relative: number;
  /** The last one of a path counts. */
  readonly byPath: readonly PathTolerance[];
  /** Not compared: `meta.puid`. `*` stands for any one name. Indexes of arrays are no part of a path. `a.b` is also the name "a.b". */
  readonly ignored: readonly string[];
  /** Arrays whose order says nothing. */
  readonly unordered: readonly string[];
  /** Values that nothing shows: no kept answer, difference, path or label. Only how many pairs differ there is counted. `a` is also the name "a.b". */
  readonly redacted: readonly string[];
  /** Disagreements are kept with both answers. */
  readonly keeps: boolean;
  /** Share of requests that are copied to the first live predictor, 0 to 1: how far it agrees with itself (at another Endpoint), and with a canary that answered. */
  readonly noise: number;
}

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
  absolute: 1e-6,
  relative: 1e-6,
  byPath: [],
  ignored: ignoredByDefault,
  unordered: [],
  redacted: [],
  keeps: true,
  noise: 0,
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
  const written = text.trim();
  if (written === "false") return { kind: "rules", rules: null };
  if (written === "true") return { kind: "rules", rules: plainRules };
  if (text.length > maxTextLength) return mistake(`is longer than ${maxTextLength} characters`);
  const draft: Draft = { ...plainRules };
  const said = new Set<string>();
  for (const clause of written.split(/[;\n]/)) {
    const [word = "", ...rest] = clause.trim().split(/\s+/);
    if (word === "") continue;
    const wrong = readClause(draft, word, rest.join(" "), said);
    if (wrong !== null) return mistake(wrong);
  }
  if (said.size === 0) return mistake("says no rule");
  const { ignored, unordered, redacted, byPath } = draft;
  const paths = ignored.length - ignoredByDefault.length + unordered.length + redacted.length + byPath.length;
  return paths > maxPaths
    ? mistake(`names ${paths} paths, more than ${maxPaths}`)
    : { kind: "rules", rules: Object.freeze(draft) };
}

function mistake(words: string): ReadRules {
  return { kind: "mistake", mistake: words };
}

/** null: it was read. */
function readClause(draft: Draft, word: string, rest: string, said: Set<string>): string | null {
  switch (word) {
    case "tolerance":
    case "relative":
      return readTolerance(draft, word, rest, said);
    case "ignore":
    case "unordered":
    case "redact": {
      const paths = pathsOf(rest);
      if (typeof paths === "string") return `says "${word}" with ${paths}`;
      said.add(word);
      if (word === "ignore") draft.ignored = [...draft.ignored, ...paths];
      else if (word === "unordered") draft.unordered = [...draft.unordered, ...paths];
      else draft.redacted = [...draft.redacted, ...paths];
      return null;
    }
    case "keep":
      if (rest !== "on" && rest !== "off") return 'says "keep" without "on" or "off"';
      draft.keeps = rest === "on";
      return once(said, word);
    case "noise": {
      const percent = /^(\d{1,3}(?:\.\d{1,6})?)%$/.exec(rest)?.[1];
      if (percent === undefined || Number(percent) > 100) return 'says "noise" without a percentage from 0% to 100%';
      draft.noise = Number(percent) / 100;
      return once(said, word);
    }
    case "true":
    case "false":
      return `says "${word}" beside something else`;
    default:
      return `has the rule "${word}", which Sluice does not know`;
  }
}

function once(said: Set<string>, word: string): string | null {
  if (said.has(word)) return `says "${word}" twice`;
  said.add(word);
  return null;
}

/** `1e-6`, everywhere, or `1e-6 at data.ndarray, outputs.score`. */
function readTolerance(draft: Draft, word: "tolerance" | "relative", rest: string, said: Set<string>): string | null {
  const [, text = "", at] = /^(\S+)(?: at (.+))?$/.exec(rest) ?? [];
  const number = /^\d{1,15}(?:\.\d{1,15})?(?:e[+-]?\d{1,2})?$/i.test(text) ? Number(text) : null;
  if (number === null) return `says "${word}" without a number of 0 or more`;
  if (at === undefined) {
    if (word === "tolerance") draft.absolute = number;
    else draft.relative = number;
    return once(said, word);
  }
  const paths = pathsOf(at);
  if (typeof paths === "string") return `says "${word}" with ${paths}`;
  said.add(`${word} at`);
  const [absolute, relative] = word === "tolerance" ? [number, null] : [null, number];
  draft.byPath = [...draft.byPath, ...paths.map((path) => ({ path, absolute, relative }))];
  return null;
}

/** Paths with commas between them; a text: what is wrong. */
function pathsOf(text: string): readonly string[] | string {
  const paths = text.split(",").map((path) => path.trim());
  const wrong = paths.find((path) => !/^[^\s.,;"[\]]+(?:\.[^\s.,;"[\]]+)*$/.test(path));
  return wrong === undefined
    ? paths
    : wrong === ""
      ? "no path"
      : `"${wrong}", which is not a path such as data.ndarray`;
}
