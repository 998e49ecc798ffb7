// Counts of one predictor: of a process since it began, of a rollout since its step began.
import { latencyBuckets } from "./latency-bounds.ts";

export interface ArmCounts {
  /** Requests that are evidence: none that its client can have ended alone. */
  readonly requests: number;
  /** How many of them failed: by a server error of the model, or a failure of the gateway that counts against it. */
  readonly failed: number;
  /** Of them by bucket of `latencyBoundsMs`, the last for what took longer: `latencyBuckets` numbers, or none where nothing is measured. */
  readonly latency: readonly number[];
  /** Rewards that came, whenever the request was. */
  readonly rewards: { readonly count: number; readonly sum: number; readonly sumSquares: number };
  /** Answers that were compared with main's, and how many agreed. */
  readonly compared: { readonly pairs: number; readonly agreed: number };
}

/** Of rewards or their squares: more than any process counts, and far from where numbers end. */
export const maxSum = 1e30;

export const noCounts: ArmCounts = {
  requests: 0,
  failed: 0,
  latency: [],
  rewards: { count: 0, sum: 0, sumSquares: 0 },
  compared: { pairs: 0, agreed: 0 },
};

export function addedCounts(one: ArmCounts, other: ArmCounts): ArmCounts {
  return combined(one, other, 1);
}

/**
 * How much of each `now` has more than `before`; null where anything that only grows has fallen, or a part grew by more than its whole, as after a restart
 * of what counts.
 */
export function countsSince(before: ArmCounts, now: ArmCounts): ArmCounts | null {
  const grown = combined(now, before, -1);
  const { requests, failed, latency, rewards, compared } = grown;
  const least = Math.min(requests, failed, rewards.count, rewards.sumSquares, compared.pairs, compared.agreed);
  if (!(least >= 0) || !Number.isFinite(rewards.sum)) return null;
  if (failed > requests || compared.agreed > compared.pairs) return null;
  for (const count of latency) if (!(count >= 0)) return null;
  return grown;
}

/**
 * Counts that somebody else made, made safe to calculate with: each number finite and not below zero, parts not above their whole. null: they are not of this shape.
 * Negative sums of rewards stay; of squares rounding may leave one a little below zero, which counts as 0.
 */
export function readArmCounts(value: unknown): ArmCounts | null {
  const counts = value as ArmCounts | null;
  const isCount = (count: unknown): count is number =>
    typeof count === "number" && count >= 0 && count <= Number.MAX_SAFE_INTEGER;
  // A reward may be 1e9, so one square alone may be beyond what counts exactly.
  const isSum = (sum: unknown): boolean => typeof sum === "number" && Math.abs(sum) <= maxSum;
  if (typeof counts !== "object" || counts === null) return null;
  const { requests, failed, latency, rewards, compared } = counts;
  if (!isCount(requests) || !isCount(failed) || failed > requests) return null;
  if (!Array.isArray(latency) || (latency.length !== 0 && latency.length !== latencyBuckets)) return null;
  if (!latency.every(isCount)) return null;
  if (typeof rewards !== "object" || rewards === null || !isCount(rewards.count)) return null;
  if (!isSum(rewards.sumSquares) || !isSum(rewards.sum)) return null;
  if (typeof compared !== "object" || compared === null) return null;
  if (!isCount(compared.pairs) || !isCount(compared.agreed) || compared.agreed > compared.pairs) return null;
  return {
    requests,
    failed,
    latency: [...latency],
    rewards: { count: rewards.count, sum: rewards.sum, sumSquares: Math.max(0, rewards.sumSquares) },
    compared: { pairs: compared.pairs, agreed: compared.agreed },
  };
}

/** One and so many times the other. */
function combined(one: ArmCounts, other: ArmCounts, times: 1 | -1): ArmCounts {
  const [base, added] = [one.latency, other.latency];
  const latency =
    base.length === 0 ? added.map((count) => times * count) : base.map((count, at) => count + times * (added[at] ?? 0));
  return {
    requests: one.requests + times * other.requests,
    failed: one.failed + times * other.failed,
    latency,
    rewards: {
      count: one.rewards.count + times * other.rewards.count,
      sum: one.rewards.sum + times * other.rewards.sum,
      sumSquares: one.rewards.sumSquares + times * other.rewards.sumSquares,
    },
    compared: {
      pairs: one.compared.pairs + times * other.compared.pairs,
      agreed: one.compared.agreed + times * other.compared.agreed,
    },
  };
}
