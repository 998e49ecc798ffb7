// The record of releases as text (`record-text.ts`): a line for each SeldonDeployment.
import { compareText } from "../../../routing/text/problem.ts";
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

/** Of rewards: more than all that peers may say comes to, so what was written can be read, and far from where numbers end. */
const maxSum = 1e60;

const head = "sluice-releases 1";

export type RecordRead =
  | { readonly kind: "record"; readonly record: ReleaseRecord }
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
  return { kind: "record", record: new Map(read.lines.map((entry) => [releaseKey(entry), entry])) };
}

/**
 * `wanted`, without what finds no room. `over`: the keys of that. One that is new does not begin, and one that grew stays as it was. Each has room for the
 * longest `why` from its beginning on, so that a rollout can always be aborted.
 */
export function withinRoom(
  before: ReleaseRecord,
  wanted: ReleaseRecord,
): { readonly record: ReleaseRecord; readonly over: readonly string[] } {
  const record = new Map<string, ReleaseEntry>();
  const over: string[] = [];
  const used = new Map<string, number>();
  let total = head.length + 80;
  const inTurn = [...wanted].toSorted(([a], [b]) => Number(before.has(b)) - Number(before.has(a)));
  for (const [key, entry] of inTurn) {
    const old = before.get(key);
    const isRoomFor = (bytes: number): boolean =>
      (used.get(entry.namespace) ?? 0) + bytes <= namespaceBytes && total + bytes <= recordBytes;
    let bytes = roomOf(entry);
    let kept = entry;
    if (!isRoomFor(bytes)) {
      const oldBytes = old === undefined ? 0 : roomOf(old);
      if (old === undefined || bytes > oldBytes) over.push(key);
      if (old === undefined) continue;
      if (bytes > oldBytes) [kept, bytes] = [old, oldBytes];
    }
    used.set(entry.namespace, (used.get(entry.namespace) ?? 0) + bytes);
    total += bytes;
    record.set(key, kept);
  }
  return { record, over };
}

/** Bytes that are kept for it: as if each of its numbers, its state and its `why` were as long as they may become. */
function roomOf(entry: ReleaseEntry): number {
  const longest: ReleaseEntry = {
    ...entry,
    shares: mapped(entry.shares, 99.999999),
    state: "promoted",
    step: 99_999_999,
    sinceMs: 9_999_999_999_999,
    why: "",
    isPromoteUsed: false,
    rewards: mapped(entry.rewards, longestSums),
  };
  return (
    Buffer.byteLength(JSON.stringify(longest)) + Math.max(maxWhy, Buffer.byteLength(JSON.stringify(entry.why)) - 2) + 1
  );
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
  if (!isCount(step) || !isCount(sinceMs) || !isRecord(shares)) return null;
  if (!isRecord(rewards) || !Object.values(rewards).every(isSums)) return null;
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
    why,
    isPromoteUsed,
    // Records that had no kind of reward are of before there was one.
    reward: typeof reward === "string" ? reward : "",
    rewards: rewards as ReleaseEntry["rewards"],
  };
}

function isSums(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { count, sum, sumSquares } = value;
  return (
    [count, sum, sumSquares].every((one) => typeof one === "number" && Math.abs(one) <= maxSum) &&
    Number(count) >= 0 &&
    Number(sumSquares) >= 0
  );
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && Number.isSafeInteger(value);
}
