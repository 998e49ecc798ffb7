// Diff: what differs between two sets of Mappings or Upstreams. Structural: equal content is equal, whatever the order of its keys.

/** Deep equality of plain values: primitives, arrays, objects. An absent key is not the same as one that holds undefined. */
export function sameValue(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false;
    for (let at = 0; at < a.length; at++) if (!sameValue(a[at], b[at])) return false;
    return true;
  }
  if (Array.isArray(b)) return false;
  const left = a as Readonly<Record<string, unknown>>;
  const right = b as Readonly<Record<string, unknown>>;
  let count = 0;
  for (const key in left) {
    if (!Object.hasOwn(right, key) || !sameValue(left[key], right[key])) return false;
    count++;
  }
  for (const _key in right) count--;
  return count === 0;
}

export interface Difference<V> {
  /** New or different, in the order of `after`. */
  readonly changed: readonly V[];
  /** Keys that are gone, in the order of `before`. */
  readonly removed: readonly string[];
}

/** What leads from `before` to `after`, both by id (Mappings) or key (Upstreams, Endpoints). */
export function differenceOf<V>(before: ReadonlyMap<string, V>, after: ReadonlyMap<string, V>): Difference<V> {
  const changed: V[] = [];
  const removed: string[] = [];
  for (const [key, value] of after) if (!sameValue(value, before.get(key))) changed.push(value);
  for (const key of before.keys()) if (!after.has(key)) removed.push(key);
  return { changed, removed };
}
