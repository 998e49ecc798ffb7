// The record of releases as text (`record-text.ts`): a line for each SeldonDeployment.
import { sameValue } from "../../../routing/text/diff.ts";
import { compareText } from "../../../routing/text/problem.ts";
import type { Sums } from "../../../routing/release/statistics/means.ts";
import { releaseKey, type ReleaseEntry, type ReleaseRecord } from "../../../k8s/translate/model/release.ts";
import {
  namespaceBytes,
  printRecordText,
  readRecordText,
  recordBytes,
} from "../../../k8s/translate/values/record-text.ts";
import { isRecord } from "../../../k8s/translate/values/value.ts";

/** Longest `why` that is kept, characters. */
export const maxWhy = 300;
/** Highest `step`: a bandit that moves each 10 s gets there in 31 years. */
export const maxStep = 99_999_999;

const head = "sluice-releases 1";

export type RecordRead =
  /** `unread`: how many lines no version writes; each costs its own release alone. */
  | { readonly kind: "record"; readonly record: ReleaseRecord; readonly unread: number }
  /** Words that follow "it". */
  | { readonly kind: "bad"; readonly reason: string };

/** The same text for the same record. */
export function printReleases(record: ReleaseRecord): string {
  const entries = [...record].toSorted(([a], [b]) => compareText(a, b));
  return printRecordText(
    head,
    entries.map(([, entry]) => JSON.stringify(entry)),
  );
}

/** An empty text is an empty record. */
export function readReleases(text: string): RecordRead {
  const read = readRecordText(head, text, readEntry);
  if (read.kind === "bad") return read;
  return { ...read, kind: "record", record: new Map(read.lines.map((entry) => [releaseKey(entry), entry])) };
}

/**
 * `wanted`, without what finds no room and what would not be read as it is. Where there is an entry before, that one stays; else the release does not begin. Each has room for the longest `why` from its
 * beginning on, so that a rollout can always be aborted.
 */
export function writable(before: ReleaseRecord, wanted: ReleaseRecord): Writable {
  const record = new Map<string, ReleaseEntry>();
  const over: string[] = [];
  const unreadable: string[] = [];
  const used = new Map<string, number>();
  let total = head.length + 80;
  const inTurn = [...wanted].toSorted(([a], [b]) => Number(before.has(b)) - Number(before.has(a)));
  for (const [key, entry] of inTurn) {
    const old = before.get(key);
    let kept: ReleaseEntry | undefined = entry;
    if (entry !== old && !isReadBack(entry)) {
      unreadable.push(key);
      kept = old;
    }
    if (kept === undefined) continue;
    const of = used.get(kept.namespace) ?? 0;
    const bytes = roomOf(kept);
    if (of + bytes > namespaceBytes || total + bytes > recordBytes) {
      const oldBytes = old === undefined ? 0 : roomOf(old);
      if (bytes > oldBytes) {
        over.push(key);
        kept = old;
      }
    }
    if (kept === undefined) continue;
    const taken = kept === old ? roomOf(old) : bytes;
    used.set(kept.namespace, of + taken);
    total += taken;
    record.set(key, kept);
  }
  return { record, over, unreadable };
}

export interface Writable {
  readonly record: ReleaseRecord;
  /** Keys of those that find no room. */
  readonly over: readonly string[];
  /** Keys of those that would not be read as they are. */
  readonly unreadable: readonly string[];
}

function isReadBack(entry: ReleaseEntry): boolean {
  const read: unknown = JSON.parse(JSON.stringify(entry));
  return isRecord(read) && sameValue(readEntry(read), entry);
}

/** Entries do not change, and most stay for many writes. */
const rooms = new WeakMap<ReleaseEntry, number>();

/** Bytes that are kept for it: as if each of its numbers, its state and its `why` were as long as they may become. */
function roomOf(entry: ReleaseEntry): number {
  const known = rooms.get(entry);
  if (known !== undefined) return known;
  const longest: ReleaseEntry = {
    ...entry,
    shares: mapped(entry.shares, 99.999999),
    state: "promoted",
    step: maxStep,
    sinceMs: 9_999_999_999_999,
    why: "",
    isPromoteUsed: false,
    rewards: mapped(entry.rewards, longestSums),
  };
  const ofWhy = Math.max(maxWhy, Buffer.byteLength(JSON.stringify(entry.why)) - 2);
  const room = Buffer.byteLength(JSON.stringify(longest)) + ofWhy + 1;
  rooms.set(entry, room);
  return room;
}

const longestNumber = -1e-10 / 3;
const longestSums = { count: longestNumber, sum: longestNumber, sumSquares: longestNumber };

function mapped<T>(values: Readonly<Record<string, T>>, value: T): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.keys(values).map((key) => [key, value]));
}

function readEntry(line: Readonly<Record<string, unknown>>): ReleaseEntry | null {
  const { namespace, name, kind, text, models, shares, state, step, sinceMs, why, isPromoteUsed, reward, rewards } =
    line;
  if (typeof namespace !== "string" || typeof name !== "string" || typeof text !== "string") return null;
  if (typeof models !== "string" || typeof why !== "string" || typeof isPromoteUsed !== "boolean") return null;
  if (kind !== "rollout" && kind !== "bandit") return null;
  if (state !== "stepping" && state !== "held" && state !== "promoted" && state !== "aborted") return null;
  if (!isCount(step) || step > maxStep || !isCount(sinceMs) || !isRecord(shares)) return null;
  if (!isRewards(rewards)) return null;
  const percents = Object.entries(shares);
  if (!percents.every(([, percent]) => typeof percent === "number" && percent >= 0 && percent <= 100)) return null;
  return {
    namespace,
    name,
    kind,
    text,
    models,
    shares: Object.fromEntries(percents as [string, number][]),
    state,
    step,
    sinceMs,
    why: why.slice(0, maxWhy),
    isPromoteUsed,
    // Records that had no kind of reward are of before there was one.
    reward: typeof reward === "string" ? reward : "",
    rewards,
  };
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && Number.isSafeInteger(value);
}

/** Of rewards: more than all that replicas may say comes to, so what was written can be read, and far from where numbers end. */
const maxSum = 1e60;

/** Decayed, so no whole numbers. */
function isRewards(value: unknown): value is Readonly<Record<string, Sums>> {
  if (!isRecord(value)) return false;
  const isSum = (sum: unknown): boolean => typeof sum === "number" && Math.abs(sum) <= maxSum;
  return Object.values(value).every(
    (sums) =>
      isRecord(sums) &&
      isSum(sums["count"]) &&
      isSum(sums["sum"]) &&
      isSum(sums["sumSquares"]) &&
      (sums["count"] as number) >= 0 &&
      (sums["sumSquares"] as number) >= 0,
  );
}
