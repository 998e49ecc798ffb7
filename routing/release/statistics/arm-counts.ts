// Counts of one predictor: of a process since it began, or of a time between two looks. Each count is one row below: how it adds, what it grew by, its JSON and its reader follow from the row.
import { latencyBuckets } from "./latency-bounds.ts";

/**
 * Buckets of callers. The bucket of a request is a hash of its sticky key, else of its client's identity or address; of the same caller in each process and in both arms. A request
 * of which no caller is known is in none.
 */
export const callerBuckets = 64;

/** One kind of count. `print`: as JSON, null where it is empty. `read`: of strangers; null: it is not of this shape. */
interface Kind<T> {
  readonly empty: T;
  /** `one`, and what `now` has more than `before`. */
  added(one: T, now: T, before: T): T;
  /** False: it has fallen, as after a restart of what counts. */
  hasGrown(before: T, now: T): boolean;
  print(value: T): unknown;
  read(value: unknown): T | null;
}
type TypeOf<K> = K extends Kind<infer T> ? T : never;
type Kinds = Readonly<Record<string, Kind<never>>>;
type Counts<Rows> = { readonly [Key in keyof Rows]: TypeOf<Rows[Key]> };

/** Only grows, exact. */
const tally = number((value) => value >= 0 && value <= Number.MAX_SAFE_INTEGER);
/** Of rewards or their squares: more than any process counts, and far from where numbers end. One reward may be 1e9, so a square is beyond what counts exactly. */
export const maxSum = 1e30;
const sum: Kind<number> = {
  ...number((value) => Math.abs(value) <= maxSum),
  hasGrown: (before, now) => Number.isFinite(now - before),
};
/** Rounding may leave one a little below 0, which is read as 0. */
const squares: Kind<number> = {
  ...number((value) => value >= 0 && value <= maxSum),
  read: (value) => (typeof value === "number" && Math.abs(value) <= maxSum ? Math.max(0, value) : null),
};

/** Every count of an arm. */
const rows = {
  /** Requests that are evidence, failed and refused ones among them: none that its client can have ended alone. */
  requests: tally,
  /** Of the requests: a server error of the model, or a failure of the gateway that counts against it. */
  failed: tally,
  /** Of the requests: a client error of the model but 401, 403, 408, 413 and 429, and their like in gRPC. They have no latency. */
  refused: tally,
  /** Of the others by bucket of `latencyBoundsMs`, the last for what took longer: `latencyBuckets` numbers, or none where nothing is measured. */
  latency: list(latencyBuckets),
  /** Rewards that came, whenever the request was. */
  rewards: record({ count: tally, sum, sumSquares: squares }),
  /** Answers that were compared with main's, and how many agreed. */
  compared: record({ pairs: tally, agreed: tally }),
  /** Requests of known callers, and those that failed or were refused, by bucket: `callerBuckets` numbers each, or none. */
  callers: record({ requests: list(callerBuckets), failed: list(callerBuckets), refused: list(callerBuckets) }),
};
const kind = record(rows);

/** Counts of one arm, by the names of `rows`. */
export interface ArmCounts extends Counts<typeof rows> {}

export const noCounts: ArmCounts = kind.empty;

export function addedCounts(one: ArmCounts, other: ArmCounts): ArmCounts {
  return kind.added(one, other, noCounts);
}

/** `sum`, and how much of each `now` has more than `before`, which `hasGrown` has seen. */
export function withGrowth(sum: ArmCounts, before: ArmCounts, now: ArmCounts): ArmCounts {
  return kind.added(sum, now, before);
}

/** False where anything that only grows has fallen, or a part grew by more than its whole, as after a restart of the process that counts. */
export function hasGrown(before: ArmCounts, now: ArmCounts): boolean {
  return kind.hasGrown(before, now) && isWhole(now, before);
}

/** As JSON, small: what counts nothing is left out, and so is a bucket that is 0. */
export function printArmCounts(counts: ArmCounts): object {
  return kind.print(counts) ?? {};
}

/**
 * Counts that somebody else made (`printArmCounts`), made safe to calculate with: each number finite and not below zero but sums of rewards, parts not above their whole. null: they are not of
 * this shape.
 */
export function readArmCounts(value: unknown): ArmCounts | null {
  const counts = kind.read(value);
  return counts !== null && isWhole(counts, noCounts) ? counts : null;
}

/** No part of what `now` has more than `before` is above its whole. Buckets are counted beside the requests, so they are not compared with them. */
function isWhole(now: ArmCounts, before: ArmCounts): boolean {
  if (now.failed - before.failed + now.refused - before.refused > now.requests - before.requests) return false;
  if (now.compared.agreed - before.compared.agreed > now.compared.pairs - before.compared.pairs) return false;
  const [is, was] = [now.callers, before.callers];
  for (let at = 0; at < callerBuckets; at += 1) {
    const bad = (is.failed[at] ?? 0) - (was.failed[at] ?? 0) + (is.refused[at] ?? 0) - (was.refused[at] ?? 0);
    if (bad > 0 && bad > (is.requests[at] ?? 0) - (was.requests[at] ?? 0)) return false;
  }
  return true;
}

function number(isSane: (value: number) => boolean): Kind<number> {
  return {
    empty: 0,
    added: (one, now, before) => one + now - before,
    hasGrown: (before, now) => now >= before,
    print: (value) => (value === 0 ? null : value),
    read: (value) => (typeof value === "number" && isSane(value) ? value : null),
  };
}

/** Of so many tallies, or of none. As JSON by index, `{"31": 4}`, also read as a list of all. */
function list(size: number): Kind<readonly number[]> {
  const zeros: readonly number[] = Array.from({ length: size }, () => 0);
  const filled = (counts: readonly number[]): readonly number[] => (counts.length === 0 ? zeros : counts);
  return {
    empty: [],
    added: (one, now, before) => {
      if (now.length === 0 && before.length === 0) return one;
      if (one.length === 0 && before.length === 0) return now;
      const [ofOne, ofNow, ofBefore] = [filled(one), filled(now), filled(before)];
      const sums = zeros.slice();
      for (let at = 0; at < size; at += 1) sums[at] = ofOne[at]! + ofNow[at]! - ofBefore[at]!;
      return sums;
    },
    hasGrown: (before, now) => {
      if (before.length === 0) return true;
      const ofNow = filled(now);
      for (let at = 0; at < size; at += 1) if (!(ofNow[at]! >= before[at]!)) return false;
      return true;
    },
    print: (counts) => {
      const some = counts.flatMap((count, at) => (count === 0 ? [] : [[at, count] as const]));
      return some.length === 0 ? null : Object.fromEntries(some);
    },
    read: (value) => {
      if (typeof value !== "object" || value === null) return null;
      if (Array.isArray(value) && value.length !== 0 && value.length !== size) return null;
      if (Array.isArray(value) && value.length === 0) return [];
      const counts = Array.from({ length: size }, () => 0);
      for (const [key, count] of Object.entries(value)) {
        const read = tally.read(count);
        if (read === null || !/^\d{1,3}$/.test(key) || Number(key) >= size) return null;
        counts[Number(key)] = read;
      }
      return counts;
    },
  };
}

function record<Rows extends { readonly [Key in keyof Rows]: Kind<TypeOf<Rows[Key]>> }>(of: Rows): Kind<Counts<Rows>> {
  const entries = Object.entries(of as unknown as Kinds);
  type Any = Readonly<Record<string, never>>;
  const made = (value: (key: string, row: Kind<never>) => unknown): Counts<Rows> => {
    const all: Record<string, unknown> = {};
    for (const [key, row] of entries) all[key] = value(key, row);
    return all as unknown as Counts<Rows>;
  };
  return {
    empty: made((_, row) => row.empty),
    added: (one, now, before) =>
      made((key, row) => row.added((one as Any)[key]!, (now as Any)[key]!, (before as Any)[key]!)),
    hasGrown: (before, now) => entries.every(([key, row]) => row.hasGrown((before as Any)[key]!, (now as Any)[key]!)),
    print: (value) => {
      const some = entries.flatMap(([key, row]) => {
        const printed = row.print((value as Any)[key]!);
        return printed === null ? [] : [[key, printed] as const];
      });
      return some.length === 0 ? null : Object.fromEntries(some);
    },
    read: (value) => {
      if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
      let isRead = true;
      const read = made((key, row) => {
        const found = Object.hasOwn(value, key) ? row.read((value as Record<string, unknown>)[key]) : row.empty;
        isRead &&= found !== null;
        return found;
      });
      return isRead ? read : null;
    },
  };
}
