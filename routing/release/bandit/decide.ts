// The decision of a bandit, as a pure function of its plan, its state and one look at what was counted.
import type { ArmCounts } from "../statistics/arm-counts.ts";
import { type CountsOf, growthBetween } from "../statistics/growth.ts";
import { meanOf, type Sums } from "../statistics/means.ts";
import { type BanditPlan, printBanditPlan, printReward } from "./plan.ts";
import { addedRewards, noRewards, rewardsOf } from "./rewards.ts";
import { sharesByRewards } from "./shares.ts";

/** Counts of one process by arm: the names of the deployment's live predictors. */
export type CountsByArm = Readonly<Record<string, ArmCounts>>;

/** Everything that the next decision needs. */
export interface BanditState {
  /** By arm, decayed. */
  readonly rewards: Readonly<Record<string, Sums>>;
  /** Percent by arm, as they were decided last. */
  readonly shares: Readonly<Record<string, number>>;
  /** Time since the shares were decided, as the leaders' looks add up. */
  readonly elapsedMs: number;
  /** Cumulative counts at the last look. */
  readonly seen: CountsOf<CountsByArm>;
}

/** The beginning: the shares that are declared, without rewards. */
export function firstBanditState(shares: Readonly<Record<string, number>>): BanditState {
  return { rewards: {}, shares, elapsedMs: 0, seen: {} };
}

export interface BanditLook {
  /** Since the leader's own look before, by its own clock; 0 at its first one. Less than 0 or no number counts as 0, more than `maxBanditLookMs` as that. */
  readonly elapsedMs: number;
  /** Names of the live predictors now: those that the spec has. At least one. */
  readonly arms: readonly string[];
  /** Cumulative counts of each process that answers. */
  readonly instances: CountsOf<CountsByArm>;
  /** A person holds the shares as they are, or something keeps the leader from deciding; null: nothing does. */
  readonly blocked: { readonly why: string; readonly until: string } | null;
}

/** The most that one look adds to the time: a clock that jumps decays nothing. */
export const maxBanditLookMs = 30_000;

export interface BanditDecision {
  readonly state: BanditState;
  /** `moved`: the shares are others than before; `kept`: they were decided anew and are the same. */
  readonly verdict: "moved" | "kept" | "wait";
  readonly sentence: string;
  readonly arms: readonly {
    readonly name: string;
    readonly share: number;
    readonly rewards: number;
    readonly mean: number;
  }[];
}

/**
 * One look. Shares are decided anew each `everyMs`, and at once when an arm appears or vanishes: an arm that is gone gives its part to the others, one that is new begins without rewards. Until
 * the first reward the declared shares stay. A reward counts when it comes, whenever its request was; a request without a reward counts for nothing, so a slow feedback is no bad one.
 */
export function decideBandit(plan: BanditPlan, before: BanditState, look: BanditLook): BanditDecision {
  const { added, seen } = growthBetween(look.arms, before.seen, look.instances);
  const passedMs = look.elapsedMs > 0 ? Math.min(look.elapsedMs, maxBanditLookMs) : 0;
  const left = Math.exp(-passedMs / plan.windowMs);
  const rewards = look.arms.map((arm, at) => {
    const kept = Object.hasOwn(before.rewards, arm) ? before.rewards[arm]! : noRewards;
    return addedRewards(rewardsOf(plan.reward, added[at]!), kept, left);
  });
  const elapsedMs = before.elapsedMs + passedMs;
  const isSameArms =
    Object.keys(before.shares).length === look.arms.length &&
    look.arms.every((arm) => Object.hasOwn(before.shares, arm));
  const hasRewards = rewards.some(({ count }) => count > 0);
  const isDue = !isSameArms || (look.blocked === null && hasRewards && elapsedMs >= plan.everyMs);
  const decided = isDue ? sharesByRewards(plan, rewards) : look.arms.map((arm) => before.shares[arm]!);
  const isMoved = !isSameArms || look.arms.some((arm, at) => before.shares[arm] !== decided[at]);
  const arms = look.arms.map((name, at) => ({
    name,
    share: decided[at]!,
    rewards: Math.round(rewards[at]!.count),
    mean: meanOf(rewards[at]!),
  }));
  return {
    state: {
      rewards: Object.fromEntries(look.arms.map((arm, at) => [arm, rewards[at]!])),
      shares: Object.fromEntries(look.arms.map((arm, at) => [arm, decided[at]!])),
      elapsedMs: isDue ? 0 : elapsedMs,
      seen,
    },
    verdict: isMoved ? "moved" : isDue ? "kept" : "wait",
    sentence: sentenceOf(plan, arms, look.blocked, hasRewards),
    arms,
  };
}

function sentenceOf(
  plan: BanditPlan,
  arms: BanditDecision["arms"],
  blocked: BanditLook["blocked"],
  hasRewards: boolean,
): string {
  const shown = arms.map(
    ({ name, share, rewards, mean }) =>
      `${name} ${share}%${rewards === 0 ? "" : ` (mean reward ${Number(mean.toPrecision(3))} of ${rewards})`}`,
  );
  const [, , every] = printBanditPlan(plan).split("; ");
  const rest =
    blocked === null
      ? hasRewards
        ? `Decided ${every}.`
        : `Waits for the first reward${awaitedAt(plan)}.`
      : blocked.why;
  return `${shown.join(", ")}. ${rest}`;
}

/** A path may be wrong, and nothing else tells a person so. */
function awaitedAt({ reward }: BanditPlan): string {
  const printed = printReward(reward);
  return printed === reward.kind ? "" : `: a number, true or false in feedback at ${printed.slice("feedback ".length)}`;
}
