// Counts of one predictor: of a process since it began, or of a time between two looks. Each count is one column below: how it adds, what it grew by, its JSON and its reader follow from the column.
import { latencyBuckets } from "./latency-bounds.ts";
import type { Sums } from "./means.ts";

/**
 * Buckets of callers. The bucket of a request is a hash of its sticky key, else of its client's identity or address; of the same caller in each process and in both arms. A request
 * of which no caller is known is in none.
 */
export const callerBuckets = 64;

/** A number that somebody else made, as it is kept; NaN: it is no such number. */
type Kind = (value: number) => number;

/** Only grows, exact. */
const tally: Kind = (value) => (value >= 0 && value <= Number.MAX_SAFE_INTEGER ? value : Number.NaN);
/** Of rewards or their squares: more than any process counts, and far from where numbers end. One reward may be 1e9, so a square is beyond what counts exactly. */
export const maxSum = 1e30;
const sum: Kind = (value) => (Math.abs(value) <= maxSum ? value : Number.NaN);
/** Rounding may leave one a little below 0, which is read as 0. */
const squares: Kind = (value) => Math.max(0, sum(value));

/** Every count of an arm, in the order in which the numbers are kept: how many numbers it is, and of what kind. The part of a name before the dot is a group in JSON. */
const columns = {
  requests: [1, tally],
  failed: [1, tally],
  refused: [1, tally],
  denied: [1, tally],
  latency: [latencyBuckets, tally],
  "rewards.count": [1, tally],
  "rewards.sum": [1, sum],
  "rewards.sumSquares": [1, squares],
  "compared.pairs": [1, tally],
  "compared.agreed": [1, tally],
  "callers.requests": [callerBuckets, tally],
  "callers.failed": [callerBuckets, tally],
  "callers.refused": [callerBuckets, tally],
} as const satisfies Readonly<Record<string, readonly [size: number, kind: Kind]>>;
type Name = keyof typeof columns;

let size = 0;
const placed = Object.entries(columns).map(([name, [numbers, kind]]) => {
  const at = size;
  size += numbers;
  return { name: name as Name, path: name.split("."), at, size: numbers, kind };
});
const at = Object.fromEntries(placed.map((column) => [column.name, column.at])) as Readonly<Record<Name, number>>;

/** Counts of one arm. */
export class ArmCounts {
  /** By `columns`. */
  readonly numbers: Float64Array;

  constructor(numbers = new Float64Array(size)) {
    this.numbers = numbers;
  }

  /** Requests that are evidence, failed and refused ones among them: none that its client can have ended alone. */
  get requests(): number {
    return this.numbers[at.requests]!;
  }

  /** Of the requests: a server error of the model, or a failure of the gateway that counts against it. */
  get failed(): number {
    return this.numbers[at.failed]!;
  }

  /** Of the requests: a client error of the model that is not `denied`. They have no latency. */
  get refused(): number {
    return this.numbers[at.refused]!;
  }

  /** Beside the requests, as they are about the client: answers of the model with 401, 403, 408, 413 or 429, and their like in gRPC. */
  get denied(): number {
    return this.numbers[at.denied]!;
  }

  /** Of the requests that are not refused, by bucket of `latencyBoundsMs`, the last for what took longer: `latencyBuckets` numbers. */
  get latency(): Float64Array {
    return listOf(this.numbers, "latency");
  }

  /** Rewards that came, whenever the request was. */
  get rewards(): Sums {
    return {
      count: this.numbers[at["rewards.count"]]!,
      sum: this.numbers[at["rewards.sum"]]!,
      sumSquares: this.numbers[at["rewards.sumSquares"]]!,
    };
  }

  /** Answers that were compared with main's, and how many agreed. */
  get compared(): { readonly pairs: number; readonly agreed: number } {
    return { pairs: this.numbers[at["compared.pairs"]]!, agreed: this.numbers[at["compared.agreed"]]! };
  }

  /** Requests of known callers, and those that failed or were refused, by bucket: `callerBuckets` numbers each. */
  get callers(): { readonly requests: Float64Array; readonly failed: Float64Array; readonly refused: Float64Array } {
    return {
      requests: listOf(this.numbers, "callers.requests"),
      failed: listOf(this.numbers, "callers.failed"),
      refused: listOf(this.numbers, "callers.refused"),
    };
  }

  /** Adds what `now` has more than `before`, here: only where nobody else has these counts yet. */
  grow(now: ArmCounts, before: ArmCounts = noCounts): void {
    const [sums, is, was] = [this.numbers, now.numbers, before.numbers];
    for (let index = 0; index < size; index += 1) sums[index]! += is[index]! - was[index]!;
  }
}

function listOf(numbers: Float64Array, name: Name): Float64Array {
  return numbers.subarray(at[name], at[name] + columns[name][0]);
}

type Some<T> = T extends number
  ? T
  : T extends Float64Array
    ? ArrayLike<number>
    : { readonly [Key in keyof T]?: Some<T[Key]> };

/** The counts that people know by name. */
export type NamedCounts = Omit<ArmCounts, "numbers" | "grow">;

/** These counts in place of those of `others`. */
export function armCounts(given: Some<NamedCounts>, others = noCounts): ArmCounts {
  const numbers = others.numbers.slice();
  for (const { path, at: from } of placed) {
    let value: unknown = given;
    for (const key of path) value = (value as Readonly<Record<string, unknown>> | undefined)?.[key];
    if (typeof value === "number") numbers[from] = value;
    else if (value !== undefined) numbers.set(value as ArrayLike<number>, from);
  }
  return new ArmCounts(numbers);
}

export const noCounts = new ArmCounts();

export function addedCounts(one: ArmCounts, other: ArmCounts): ArmCounts {
  if (one === noCounts || other === noCounts) return one === noCounts ? other : one;
  const both = new ArmCounts(one.numbers.slice());
  both.grow(other);
  return both;
}

/** False where anything that only grows has fallen, or a part grew by more than its whole, as after a restart of the process that counts. */
export function hasGrown(before: ArmCounts, now: ArmCounts): boolean {
  const [was, is] = [before.numbers, now.numbers];
  for (let index = 0; index < size; index += 1)
    if (!(is[index]! >= was[index]!) && (index !== at["rewards.sum"] || !Number.isFinite(is[index]! - was[index]!)))
      return false;
  return isWhole(is, was);
}

/** As JSON, small: what counts nothing is left out, and so is a bucket that is 0. */
export function printArmCounts({ numbers }: ArmCounts): object {
  const printed = new Map<string, unknown>();
  for (const { path, at: from, size: count } of placed) {
    const some = numbers.subarray(from, from + count);
    if (some.every((value) => value === 0)) continue;
    const value =
      count === 1 ? some[0] : Object.fromEntries(Array.from(some.entries()).filter(([, bucket]) => bucket !== 0));
    const [group, part] = path as [string, string?];
    printed.set(group, part === undefined ? value : { ...(printed.get(group) as object | undefined), [part]: value });
  }
  return Object.fromEntries(printed);
}

/**
 * Counts that somebody else made (`printArmCounts`), made safe to calculate with: each number finite and not below zero but sums of rewards, parts not above their whole. null: they are not of
 * this shape.
 */
export function readArmCounts(value: unknown): ArmCounts | null {
  const read = new ArmCounts();
  const { numbers } = read;
  for (const { path, at: from, size: count, kind } of placed) {
    let found = value;
    for (const key of path) {
      if (found === undefined) break;
      if (!isRecord(found)) return null;
      found = Object.hasOwn(found, key) ? found[key] : undefined;
    }
    if (found === undefined) continue;
    if (count > 1 && !isRecord(found)) return null;
    for (const [key, one] of Object.entries(count > 1 ? (found as object) : [found])) {
      if (typeof one !== "number" || Number.isNaN(kind(one)) || !/^\d{1,3}$/.test(key) || Number(key) >= count)
        return null;
      numbers[from + Number(key)] = kind(one);
    }
  }
  return isWhole(numbers, noCounts.numbers) ? read : null;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** No part of what `now` has more than `before` is above its whole. Buckets are counted beside the requests, so they are not compared with them. */
function isWhole(now: Float64Array, before: Float64Array): boolean {
  const grown = (index: number): number => now[index]! - before[index]!;
  if (grown(at.failed) + grown(at.refused) > grown(at.requests)) return false;
  if (grown(at["compared.agreed"]) > grown(at["compared.pairs"])) return false;
  const [all, failed, refused] = [at["callers.requests"], at["callers.failed"], at["callers.refused"]];
  for (let bucket = 0; bucket < callerBuckets; bucket += 1)
    if (grown(failed + bucket) + grown(refused + bucket) > grown(all + bucket)) return false;
  return true;
}
