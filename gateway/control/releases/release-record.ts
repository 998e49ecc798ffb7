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
import { isRewards, printEvidence, readEvidence, type EvidenceRecord, type KeptEvidence } from "./kept-evidence.ts";

/** Longest `why` that is kept, characters. */
export const maxWhy = 300;
/** Highest `step`: a bandit that moves each 10 s gets there in 31 years. */
export const maxStep = 99_999_999;

const head = "sluice-releases 1";

export type RecordRead =
  | {
      readonly kind: "record";
      readonly record: ReleaseRecord;
      readonly evidence: EvidenceRecord;
      /** Keys of entries that have evidence which no gateway writes. */
      readonly refused: readonly string[];
    }
  /** Words that follow "it". */
  | { readonly kind: "bad"; readonly reason: string };

/** The same text for the same record. A version that knows nothing of evidence ignores it, since it stands in the lines of the entries. */
export function printReleases(record: ReleaseRecord, evidence: EvidenceRecord = noEvidence): string {
  const entries = [...record].toSorted(([a], [b]) => compareText(a, b));
  return printRecordText(
    head,
    entries.map(([key, entry]) => {
      const kept = evidence.get(key);
      return JSON.stringify(kept === undefined ? entry : { ...entry, evidence: printEvidence(kept) });
    }),
  );
}

/** An empty text is an empty record. */
export function readReleases(text: string): RecordRead {
  const read = readRecordText(head, text, (line) => {
    const entry = readEntry(line);
    return entry === null ? null : { entry, key: releaseKey(entry), evidence: line["evidence"] };
  });
  if (read.kind === "bad") return read;
  const evidence = new Map<string, KeptEvidence>();
  const refused: string[] = [];
  for (const { key, evidence: value } of read.lines) {
    if (value === undefined) continue;
    const kept = readEvidence(value);
    if (kept === null) refused.push(key);
    else evidence.set(key, kept);
  }
  return { kind: "record", record: new Map(read.lines.map(({ key, entry }) => [key, entry])), evidence, refused };
}

/**
 * `wanted`, without what finds no room. `over`: the keys of that. One that is new does not begin, and one that grew stays as it was. Each has room for the
 * longest `why` from its beginning on, so that a rollout can always be aborted. Evidence has the room that entries leave.
 */
export function withinRoom(
  before: ReleaseRecord,
  wanted: ReleaseRecord,
  evidence: EvidenceRecord = noEvidence,
): WithinRoom {
  const record = new Map<string, ReleaseEntry>();
  const over: string[] = [];
  const used = new Map<string, number>();
  let total = head.length + 80;
  const isRoomFor = (namespace: string, bytes: number): boolean =>
    (used.get(namespace) ?? 0) + bytes <= namespaceBytes && total + bytes <= recordBytes;
  const take = (namespace: string, bytes: number): void => {
    used.set(namespace, (used.get(namespace) ?? 0) + bytes);
    total += bytes;
  };
  const inTurn = [...wanted].toSorted(([a], [b]) => Number(before.has(b)) - Number(before.has(a)));
  for (const [key, entry] of inTurn) {
    const old = before.get(key);
    let bytes = roomOf(entry);
    let kept = entry;
    if (!isRoomFor(entry.namespace, bytes)) {
      const oldBytes = old === undefined ? 0 : roomOf(old);
      if (old === undefined || bytes > oldBytes) over.push(key);
      if (old === undefined) continue;
      if (bytes > oldBytes) [kept, bytes] = [old, oldBytes];
    }
    take(entry.namespace, bytes);
    record.set(key, kept);
  }
  const within = new Map<string, KeptEvidence>();
  const without: string[] = [];
  for (const [key, kept] of [...evidence].toSorted(([a], [b]) => compareText(a, b))) {
    const entry = record.get(key);
    // Evidence is of the entry that was wanted with it.
    if (entry === undefined || entry !== wanted.get(key)) continue;
    const bytes = evidenceWords + JSON.stringify(printEvidence(kept)).length;
    if (!isRoomFor(entry.namespace, bytes)) {
      without.push(key);
      continue;
    }
    take(entry.namespace, bytes);
    within.set(key, kept);
  }
  return { record, over, evidence: within, without };
}

export interface WithinRoom {
  readonly record: ReleaseRecord;
  readonly over: readonly string[];
  readonly evidence: EvidenceRecord;
  /** Keys of evidence that finds no room. */
  readonly without: readonly string[];
}

const noEvidence: EvidenceRecord = new Map();
/** Of `,"evidence":` in a line. */
const evidenceWords = 12;

/** Bytes that are kept for it: as if each of its numbers, its state and its `why` were as long as they may become. */
function roomOf(entry: ReleaseEntry): number {
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
