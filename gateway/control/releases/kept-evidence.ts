// Evidence of a rollout's step, or of a bandit since it decided last, as the record keeps it, beside its entry: for the next leader, which else would collect it anew. Replicas that only
// serve do not read it.
import { latencyBuckets } from "../../../routing/release/statistics/latency-bounds.ts";
import { readArmCounts, type ArmCounts } from "../../../routing/release/statistics/arm-counts.ts";
import type { Sums } from "../../../routing/release/statistics/means.ts";
import type { Evidence } from "../../../routing/release/rollout/evidence.ts";
import { isRecord } from "../../../k8s/translate/values/value.ts";

export interface KeptRollout {
  readonly elapsedMs: number;
  readonly window: number;
  readonly whole: Evidence;
  /** Epoch ms of the leader's last look at it. */
  readonly atMs: number;
}

export interface KeptBandit {
  readonly atMs: number;
  /** Since the shares were decided, ms. */
  readonly elapsedMs: number;
  /** By arm, decayed: in place of those of the entry. */
  readonly rewards: Readonly<Record<string, Sums>>;
}

/** `rewards`: of a bandit. */
export type KeptEvidence = KeptRollout | KeptBandit;

/** By `releaseKey`. */
export type EvidenceRecord = ReadonlyMap<string, KeptEvidence>;

/** Evidence that no leader looked at for so long is collected anew: what it says may have changed since. */
export const maxEvidenceAgeMs = 900_000;

/**
 * May a leader go on from it? `nowMs`: its own epoch ms. `knownMs`: how long it has known this evidence, by a clock that never jumps. Where clocks of replicas
 * differ, the bound differs by that much; evidence of a future beyond it has an age that nobody knows.
 */
export function isFresh({ atMs }: KeptEvidence, nowMs: number, knownMs: number): boolean {
  return knownMs <= maxEvidenceAgeMs && Math.abs(nowMs - atMs) <= maxEvidenceAgeMs;
}

/** As JSON, at most some 3 KiB. */
export function printEvidence(kept: KeptEvidence): unknown {
  if ("rewards" in kept) return kept;
  const {
    atMs,
    elapsedMs,
    window,
    whole: { canary, main },
  } = kept;
  return { atMs, elapsedMs, window, canary: printArm(canary), main: printArm(main) };
}

/** null: no gateway writes this, so the step is collected anew. */
export function readEvidence(value: unknown): KeptEvidence | null {
  if (!isRecord(value)) return null;
  const { atMs, elapsedMs, window, rewards } = value;
  if (!isCount(atMs) || !isCount(elapsedMs)) return null;
  if (rewards !== undefined) return isRewards(rewards) ? { atMs, elapsedMs, rewards } : null;
  const [canary, main] = [readArm(value["canary"]), readArm(value["main"])];
  if (!isCount(window) || window === 0) return null;
  return canary === null || main === null ? null : { atMs, elapsedMs, window, whole: { canary, main } };
}

function printArm({ requests, failed, latency, rewards, compared }: ArmCounts): readonly unknown[] {
  const { count, sum, sumSquares } = rewards;
  return [requests, failed, printLatency(latency), count, sum, sumSquares, compared.pairs, compared.agreed];
}

function readArm(value: unknown): ArmCounts | null {
  if (!Array.isArray(value) || value.length !== 8) return null;
  const [requests, failed, latencyText, count, sum, sumSquares, pairs, agreed] = value as readonly unknown[];
  const latency = readLatency(latencyText);
  return readArmCounts({
    requests,
    failed,
    latency,
    rewards: { count, sum, sumSquares },
    compared: { pairs, agreed },
  });
}

/** The first bucket that counts, and the counts from it on in base 36; a 0 is nothing: `31:4,,1a`. "": nothing was measured. */
function printLatency(latency: readonly number[]): string {
  if (latency.length === 0) return "";
  const first = Math.max(
    0,
    latency.findIndex((count) => count > 0),
  );
  const last = latency.findLastIndex((count) => count > 0);
  const counts = latency.slice(first, last + 1).map((count) => (count === 0 ? "" : count.toString(36)));
  return `${first}:${counts.join(",")}`;
}

/** null: it is not of this form. */
function readLatency(text: unknown): readonly number[] | null {
  if (text === "") return [];
  const found = typeof text === "string" ? /^(\d{1,3}):([0-9a-z,]*)$/.exec(text) : null;
  if (found === null) return null;
  const counts = found[2]!.split(",").map((count) => (count === "" ? 0 : Number.parseInt(count, 36)));
  const first = Number(found[1]);
  if (first + counts.length > latencyBuckets) return null;
  return Array.from({ length: latencyBuckets }, (_, at) => counts[at - first] ?? 0);
}

/** Of rewards: more than all that peers may say comes to, so what was written can be read, and far from where numbers end. */
const maxSum = 1e60;

/** As records have them, by arm. */
export function isRewards(value: unknown): value is Readonly<Record<string, Sums>> {
  return isRecord(value) && Object.values(value).every(isSums);
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
