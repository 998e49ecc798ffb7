// Slips: what a hand, a template or a merge makes of one key of an object: moved one level out, in or beside, misspelt, or with a value of another type.

export type Tree = Readonly<Record<string, unknown>>;

export interface Slip {
  readonly what: string;
  readonly object: Tree;
  /** `emptied`: nothing is left of what was said, as a template leaves it, and at a start nobody can know that anything was. */
  readonly kind: "moved" | "misspelt" | "another" | "emptied";
}

type Path = readonly (string | number)[];

function isMap(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function valueAt(tree: unknown, path: Path): unknown {
  return path.reduce((value, key) => (value as Readonly<Record<string | number, unknown>>)[key], tree);
}

/** The tree with another value at a path. */
function withAt(tree: unknown, path: Path, change: (value: unknown) => unknown): unknown {
  const [first, ...rest] = path;
  if (first === undefined) return change(tree);
  if (Array.isArray(tree))
    return (tree as readonly unknown[]).map((item, index) => (index === first ? withAt(item, rest, change) : item));
  return Object.fromEntries(
    Object.entries(tree as Tree).map(([key, value]) => [key, key === first ? withAt(value, rest, change) : value]),
  );
}

function withoutKey(tree: Tree, path: Path): Tree {
  return withAt(tree, path.slice(0, -1), (map) =>
    Object.fromEntries(Object.entries(map as Tree).filter(([key]) => key !== path.at(-1))),
  ) as Tree;
}

/** Each key of each map. */
function* keyPaths(tree: unknown, path: Path): Generator<Path> {
  if (Array.isArray(tree))
    for (const [index, item] of (tree as readonly unknown[]).entries()) yield* keyPaths(item, [...path, index]);
  if (!isMap(tree)) return;
  for (const [key, value] of Object.entries(tree)) {
    yield [...path, key];
    yield* keyPaths(value, [...path, key]);
  }
}

/** Maps that are one level below a map: its own, and those of its lists. */
function mapsBelow(map: Tree, path: Path): readonly Path[] {
  return Object.entries(map).flatMap(([key, value]): readonly Path[] => {
    if (isMap(value)) return [[...path, key]];
    return Array.isArray(value)
      ? (value as readonly unknown[]).flatMap((item, index) => (isMap(item) ? [[...path, key, index]] : []))
      : [];
  });
}

/** The map that encloses what is at a path. */
function outerOf(tree: Tree, path: Path): Path | null {
  for (let end = path.length - 1; end >= 0; end--)
    if (isMap(valueAt(tree, path.slice(0, end)))) return path.slice(0, end);
  return null;
}

const startsWith = (path: Path, start: Path): boolean => start.every((key, index) => path[index] === key);

function* moves(tree: Tree, path: Path): Generator<Slip> {
  const key = String(path.at(-1));
  const value = valueAt(tree, path);
  const here = path.slice(0, -1);
  const map = valueAt(tree, here) as Tree;
  const without = withoutKey(tree, path);
  const outer = outerOf(tree, here);
  const inner = mapsBelow(map, here).filter((to) => !startsWith(to, path));
  // In another item of the same list it says the same of another.
  const isItem = (to: Path): boolean => typeof to.at(-1) === "number" && startsWith(here, to.slice(0, -1));
  const beside =
    outer === null
      ? []
      : mapsBelow(valueAt(tree, outer) as Tree, outer).filter(
          (to) => JSON.stringify(to) !== JSON.stringify(here) && !isItem(to),
        );
  for (const [how, places] of [
    ["out", outer === null ? [] : [outer]],
    ["in", inner],
    ["beside", beside],
  ] as const) {
    for (const to of places) {
      if (Object.hasOwn(valueAt(tree, to) as Tree, key)) continue;
      yield {
        what: `${path.join(".")} one ${how}, in ${to.join(".")}`,
        object: withAt(without, to, (target) => ({ ...(target as Tree), [key]: value })) as Tree,
        kind: "moved",
      };
    }
  }
  if (isMap(value)) {
    yield {
      what: `${path.join(".")} one too deep`,
      object: withAt(tree, path, (one) => ({ [key]: one })) as Tree,
      kind: "moved",
    };
    yield {
      what: `${path.join(".")} below another`,
      object: withAt(without, here, (target) => ({ ...(target as Tree), [`x-${key}`]: { [key]: value } })) as Tree,
      kind: "moved",
    };
    // Its keys one level out, and nothing left in it.
    yield {
      what: `${path.join(".")} empty, its keys one out`,
      object: withAt(tree, here, (target) => ({ ...value, ...(target as Tree), [key]: null })) as Tree,
      kind: "moved",
    };
  }
}

/** At one and two letters, and in another letter case. */
export function misspellings(key: string): ReadonlySet<string> {
  const wrong = new Set([
    `${key}s`,
    key.toUpperCase(),
    key[0]!.toUpperCase() + key.slice(1),
    key.replaceAll("_", "-"),
    key.replaceAll("-", "_"),
    key.replaceAll(/[-_]([a-z])/g, (_, letter: string) => letter.toUpperCase()),
  ]);
  const middle = Math.floor(key.length / 2);
  for (const index of new Set([0, 1, middle - 1, middle, key.length - 2, key.length - 1])) {
    wrong.add(key.slice(0, index) + key.slice(index + 1));
    wrong.add(key.slice(0, index) + key[index]! + key.slice(index));
    if (index + 1 < key.length) wrong.add(key.slice(0, index) + key[index + 1]! + key[index]! + key.slice(index + 2));
  }
  if (key.length >= 6) {
    wrong.add(key.slice(0, 1) + key.slice(2, middle) + key.slice(middle + 1));
    wrong.add(`${key.slice(0, middle)}x${key.slice(middle + 1, -1)}`);
    wrong.add(`${key}es`);
  }
  wrong.delete(key);
  wrong.delete("");
  return wrong;
}

function* spellings(tree: Tree, path: Path): Generator<Slip> {
  const key = String(path.at(-1));
  const value = valueAt(tree, path);
  const renamed = (to: string, both: boolean): Tree =>
    withAt(tree, path.slice(0, -1), (map) =>
      Object.fromEntries(
        Object.entries(map as Tree).flatMap(([name, one]): [string, unknown][] =>
          name !== key
            ? [[name, one]]
            : both
              ? [
                  [key, value],
                  [to, value],
                ]
              : [[to, value]],
        ),
      ),
    ) as Tree;
  for (const wrong of misspellings(key))
    yield { what: `${path.join(".")} spelt ${wrong}`, object: renamed(wrong, false), kind: "misspelt" };
  yield {
    what: `${path.join(".")} twice, once as ${key.toUpperCase()}`,
    object: renamed(key.toUpperCase(), true),
    kind: "misspelt",
  };
}

const instead: readonly unknown[] = [null, [], {}, "", " ", 7, -1, true, ["x"], { a: "b" }, "nonsense\n"];

function* others(tree: Tree, path: Path): Generator<Slip> {
  const value = valueAt(tree, path);
  const made = [
    ...instead,
    [value],
    { a: value },
    ...(isMap(value) ? [Object.entries(value).map(([key, one]) => ({ [key]: one })), JSON.stringify(value)] : []),
    ...(Array.isArray(value) ? [(value as readonly unknown[])[0], Object.fromEntries(Object.entries(value))] : []),
  ];
  for (const other of made) {
    const text = JSON.stringify(other);
    if (text === JSON.stringify(value)) continue;
    const kind = text === "null" || text === '""' || text === "[]" || text === "{}" ? "emptied" : "another";
    yield { what: `${path.join(".")} = ${text}`, object: withAt(tree, path, () => other) as Tree, kind };
  }
}

/** Every slip of every key of an object but those that `isSkipped` names by their path. */
export function* slipsOf(object: Tree, isSkipped: (path: string) => boolean): Generator<Slip> {
  for (const path of keyPaths(object, [])) {
    if (isSkipped(path.join("."))) continue;
    yield* moves(object, path);
    yield* spellings(object, path);
    yield* others(object, path);
  }
}
