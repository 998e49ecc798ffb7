// Two answers as trees of values, compared by structure.
import { cutText } from "./cut-text.ts";
import { maxPathLength, type PathNode } from "./path-tree.ts";
import { unwrittenTolerance } from "./rules.ts";

/** Differences of one pair that are told one by one. */
export const maxDifferences = 10;
/** Characters of a value in one of them. */
const maxShownLength = 80;

/** Longer arrays are compared in their order. */
export const maxUnordered = 10_000;
/** Characters of a value by which it has its place among others. */
export const maxOrderLength = 512;

/** `primary` and `shadow`: the values, for people; null: it has none there. */
export interface Difference {
  readonly path: string;
  readonly primary: string | null;
  readonly shadow: string | null;
}

/** What becomes of one pair. */
export interface Pair {
  /** Another one for each pair. */
  readonly number: number;
  agrees: boolean;
  readonly differences: Difference[];
}

/** Both are of `readAnswer`. */
export function compareValues(node: PathNode, primary: unknown, shadow: unknown, pair: Pair): void {
  if (node.ignored) return;
  if (isNumber(primary) && isNumber(shadow)) return compareNumbers(node, primary, shadow, pair);
  if (Array.isArray(primary) && Array.isArray(shadow)) {
    const [one, other] = [primary as readonly unknown[], shadow as readonly unknown[]];
    return node.unordered && Math.max(one.length, other.length) <= maxUnordered
      ? compareLists(node, sorted(one), sorted(other), pair)
      : compareLists(node, one, other, pair);
  }
  if (isRecord(primary) && isRecord(shadow)) return compareRecords(node, primary, shadow, pair);
  if (primary !== shadow) differ(node, shown(node, primary), shown(node, shadow), pair);
}

type Values = Readonly<Record<string, unknown>>;

function isNumber(value: unknown): value is number | bigint {
  return typeof value === "number" || typeof value === "bigint";
}

function isRecord(value: unknown): value is Values {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function compareLists(node: PathNode, primary: readonly unknown[], shadow: readonly unknown[], pair: Pair): void {
  if (primary.length !== shadow.length) differ(node, lengthOf(node, primary), lengthOf(node, shadow), pair);
  const length = Math.min(primary.length, shadow.length);
  for (let at = 0; at < length; at++) {
    if (primary[at] !== shadow[at]) compareValues(node, primary[at], shadow[at], pair);
  }
}

function compareRecords(node: PathNode, primary: Values, shadow: Values, pair: Pair): void {
  for (const key in primary) {
    if (!Object.hasOwn(primary, key)) continue;
    const child = node.child(key);
    if (Object.hasOwn(shadow, key)) compareValues(child, primary[key], shadow[key], pair);
    else if (!child.ignored) differ(child, shown(child, primary[key]), null, pair);
  }
  for (const key in shadow) {
    if (!Object.hasOwn(shadow, key) || Object.hasOwn(primary, key)) continue;
    const child = node.child(key);
    if (!child.ignored) differ(child, null, shown(child, shadow[key]), pair);
  }
}

/** Not-a-numbers, which binary tensors have, agree with each other. Whole numbers are equal unless a tolerance is written. */
function compareNumbers(node: PathNode, primary: number | bigint, shadow: number | bigint, pair: Pair): void {
  if (Object.is(primary, shadow)) return;
  const difference =
    typeof primary === "bigint" && typeof shadow === "bigint"
      ? Math.abs(Number(primary - shadow))
      : Math.abs(Number(primary) - Number(shadow));
  const { counted, redacted } = node;
  if (Number.isFinite(difference)) {
    const unwritten = isWhole(primary) && isWhole(shadow) ? 0 : unwrittenTolerance;
    const larger = Math.max(Math.abs(Number(primary)), Math.abs(Number(shadow)));
    if (difference <= (node.absolute ?? unwritten) || difference <= (node.relative ?? unwritten) * larger) return;
    // How far redacted numbers differ may tell what they are.
    if (!redacted) counted.maxDifference = Math.max(counted.maxDifference, difference);
  }
  if (!redacted) counted.numbersApart += 1;
  differ(node, shown(node, primary), shown(node, shadow), pair);
}

function isWhole(value: number | bigint): boolean {
  return typeof value === "bigint" || Number.isInteger(value);
}

function differ(node: PathNode, primary: string | null, shadow: string | null, pair: Pair): void {
  pair.agrees = false;
  // Of a tensor the first number that differs says enough.
  const { counted } = node;
  if (counted.apart(pair.number) && pair.differences.length < maxDifferences)
    pair.differences.push({ path: cutText(counted.path, maxPathLength), primary, shadow });
}

function lengthOf({ redacted }: PathNode, { length }: readonly unknown[]): string {
  return redacted ? "redacted" : `${length} values`;
}

function shown({ redacted }: PathNode, value: unknown): string {
  if (redacted) return "redacted";
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (isRecord(value)) return "an object";
  return cutText(typeof value === "string" ? value : String(value), maxShownLength);
}

/** One order of values for both sides: numbers by size, then everything else by the beginning of its text. Values that begin alike keep their order. */
function sorted(values: readonly unknown[]): readonly unknown[] {
  if (values.length < 2) return values;
  if (values.every(isNumber)) return values.toSorted(bySize);
  return values
    .map((one) => ({ one, text: beginningOf(one) }))
    .toSorted((a, b) => (a.text < b.text ? -1 : a.text > b.text ? 1 : 0))
    .map(({ one }) => one);
}

/** Of the JSON of a value. All of it would be written once more for each level of arrays in each other. */
function beginningOf(value: unknown): string {
  let text = "";
  const write = (one: unknown): void => {
    if (Array.isArray(one)) {
      text += "[";
      for (const child of one as readonly unknown[]) {
        if (text.length >= maxOrderLength) return;
        write(child);
        text += ",";
      }
    } else if (isRecord(one)) {
      text += "{";
      for (const key in one) {
        if (text.length >= maxOrderLength) return;
        text += `${key.slice(0, maxOrderLength)}:`;
        write(one[key]);
        text += ",";
      }
    } else text += typeof one === "string" ? JSON.stringify(one.slice(0, maxOrderLength)) : String(one);
  };
  write(value);
  return text;
}

/** Not-a-numbers last; infinities differ by none from themselves. */
function bySize(one: number | bigint, other: number | bigint): number {
  if (one < other) return -1;
  if (one > other) return 1;
  return Number(Number.isNaN(one)) - Number(Number.isNaN(other));
}
