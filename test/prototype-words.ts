// Names that every plain object of JavaScript answers to, put into what people write.

export type Tree = Record<string, unknown>;

export const names = ["constructor", "__proto__", "hasOwnProperty", "toString", "valueOf"];

/** A word of the same length, letters and signs that is nobody's. */
export const wordLike = (name: string): string => name.replaceAll(/[a-z]/g, "q").replaceAll(/[A-Z]/g, "Q");

/** Values as people write them, around a word. */
export const forms: readonly ((word: string) => unknown)[] = [
  (word) => word,
  (word) => [word],
  (word) => own(word, "1"),
  (word) => own(word, own(word, [word])),
  (word) => `1${word}`,
  (word) => `${word} 1`,
  (word) => `every 1${word}`,
  (word) => `p99 ≤ 1${word}`,
  (word) => `${word}: 1${word}`,
  (word) => `by ${word}; ${word}=1, x=${word}`,
];

/** An own property, `__proto__` too. */
function own(key: string, value: unknown): Tree {
  return JSON.parse(`{${JSON.stringify(key)}:${JSON.stringify(value)}}`) as Tree;
}

/** The tree with a value in place of each that stands at `root` or below, and beside each. */
export function* changed(
  tree: Tree,
  root: readonly string[],
  word: string,
  form: (word: string) => unknown,
): Iterable<Tree> {
  const at = (path: readonly string[]): unknown => path.reduce<unknown>((value, step) => (value as Tree)[step], tree);
  for (const path of [root, ...pathsOf(at(root), root)]) {
    yield put(tree, path, form(word));
    const map = at(path);
    if (typeof map === "object" && map !== null && !Array.isArray(map))
      yield put(tree, path, JSON.parse(withKey(JSON.stringify(map), word, form(word))));
  }
}

/** The text of a map with one more key, which is a key also where it is `__proto__`. */
function withKey(map: string, key: string, value: unknown): string {
  return `${map.slice(0, -1)}${map === "{}" ? "" : ","}${JSON.stringify(key)}:${JSON.stringify(value)}}`;
}

function* pathsOf(value: unknown, path: readonly string[] = []): Iterable<readonly string[]> {
  if (typeof value !== "object" || value === null) return;
  for (const [key, below] of Object.entries(value)) {
    yield [...path, key];
    yield* pathsOf(below, [...path, key]);
  }
}

function put(tree: unknown, [step, ...below]: readonly string[], value: unknown): Tree {
  if (step === undefined) return value as Tree;
  const copy = structuredClone(tree) as Tree;
  copy[step] = put(copy[step], below, value);
  return copy;
}
