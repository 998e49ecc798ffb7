// Extent: how large a parsed document is once its aliases are written out.

export interface Extent {
  readonly nodes: number;
  readonly height: number;
  readonly characters: number;
}

/** Maps and lists inside each other that an object may have: readers of objects follow them by recursion. */
export const deepestLevels = 100;

const scalarExtent: Extent = Object.freeze({ nodes: 1, height: 0, characters: 8 });

/** Values and nesting of a document with aliases written out, each shared value measured once; null: nested deeper than `deepest`, or inside itself. */
export function extentOf(value: unknown, deepest: number): Extent | null {
  return measure(value, deepest, new Map());
}

function measure(value: unknown, left: number, seen: Map<object, Extent>): Extent | null {
  if (typeof value === "string") return { nodes: 1, height: 0, characters: value.length };
  if (typeof value !== "object" || value === null) return scalarExtent;
  const known = seen.get(value);
  if (known !== undefined) return known;
  if (left <= 0) return null;
  let nodes = 1;
  let height = 1;
  let characters = 0;
  for (const [key, child] of Object.entries(value)) {
    const extent = measure(child, left - 1, seen);
    if (extent === null) return null;
    nodes += extent.nodes;
    characters += key.length + extent.characters;
    height = Math.max(height, extent.height + 1);
  }
  const extent = { nodes, height, characters };
  seen.set(value, extent);
  return extent;
}
