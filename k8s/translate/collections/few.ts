// Few: a list that mostly holds none or one. At 10,000 SDs an array for each of these lists is megabytes.

/** null: none. One value stands for itself. */
export type Few<V extends object | string> = V | V[] | null;

/** With one value more, which is not in it. */
export function withOne<V extends object | string>(few: Few<V>, value: V): Few<V> {
  if (few === null) return value;
  if (!Array.isArray(few)) return [few, value];
  few.push(value);
  return few;
}

/** Without the value; the order of the others does not count. */
export function withoutOne<V extends object | string>(few: Few<V>, value: V): Few<V> {
  if (few === null || few === value) return null;
  if (!Array.isArray(few)) return few;
  const index = few.indexOf(value);
  if (index < 0) return few;
  const last = few.pop()!;
  if (index < few.length) few[index] = last;
  return few.length > 1 ? few : (few[0] ?? null);
}

/** All values, as a list to read. */
export function listOf<V extends object | string>(few: Few<V>): readonly V[] {
  if (few === null) return none;
  return Array.isArray(few) ? few : [few];
}

/** The values as Few. */
export function fewOf<V extends object | string>(list: readonly V[]): Few<V> {
  return list.length > 1 ? Array.from(list) : (list[0] ?? null);
}

const none: readonly never[] = Object.freeze([]);
