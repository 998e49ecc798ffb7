// One look at one release: from its annotations, its entry in the record and what the leader knows, to its next entry.
import {
  decideBandit,
  firstBanditState,
  type BanditDecision,
  type BanditState,
} from "../../../routing/release/bandit/decide.ts";
import { type BanditPlan, printReward } from "../../../routing/release/bandit/plan.ts";
import { decideRollout, type RolloutDecision, type RolloutLook } from "../../../routing/release/rollout/decide.ts";
import type { CountsByInstance } from "../../../routing/release/rollout/evidence.ts";
import type { RolloutPlan } from "../../../routing/release/rollout/plan.ts";
import { shareOf, type RolloutState } from "../../../routing/release/rollout/state.ts";
import { addedCounts, noCounts, type ArmCounts } from "../../../routing/release/statistics/arm-counts.ts";
import type { PlannedRelease, ReleaseEntry } from "../../../k8s/translate/model/release.ts";
import { sameValue } from "../../../routing/text/diff.ts";
import type { KeptBandit, KeptEvidence } from "./kept-evidence.ts";
import { maxStep, maxWhy } from "./release-record.ts";
import { beginning, entryOf, isSameStanding, stateOf } from "./release-state.ts";

/** Cumulative counts of each predictor, by the process that counts. */
export type CountsOfArms = Readonly<Record<string, Readonly<Record<string, ArmCounts>>>>;

export interface SeenRelease {
  readonly counts: CountsOfArms;
  /** The released predictor of a rollout has no ready Endpoint. */
  readonly isUnready: boolean;
  /** Why evidence is not whole; null: every replica answers. */
  readonly blocked: RolloutLook["blocked"];
  /** What the leader before this one had of the step, or of a bandit since it decided; null: nothing that counts. */
  readonly kept: () => KeptEvidence | null;
  /** Of the leader's own clock, ms. */
  readonly lookedMs: number;
  /** Epoch ms, for people. */
  readonly nowMs: number;
}

/** What the leader knows of one release beside the record. */
export interface Decided {
  /** It goes on from this one; null: it has not begun. */
  readonly entry: ReleaseEntry | null;
  /** Live predictors, of which the first is main. */
  readonly arms: readonly string[];
  readonly of:
    | {
        readonly kind: "rollout";
        readonly everyMs: number;
        readonly state: RolloutState;
        readonly decision: RolloutDecision;
      }
    | {
        readonly kind: "bandit";
        readonly everyMs: number;
        readonly state: BanditState;
        readonly decision: BanditDecision;
      };
  readonly lookedMs: number;
  /** Epoch ms. */
  readonly nowMs: number;
}

/** null: nothing moves it. `known`: of an earlier look. */
export function decided(
  release: PlannedRelease,
  entry: ReleaseEntry | null,
  known: Decided | null,
  seen: SeenRelease,
): Decided | null {
  const { plan } = release;
  // By value: where the store tells of a write before it answers, the record has the entry as it was read.
  const before = known !== null && (known.entry === entry || sameValue(known.entry, entry)) ? known : null;
  switch (plan.kind) {
    case "stopped":
      return null;
    case "rollout":
      return decidedRollout(release, plan.plan, entry, before, seen);
    case "bandit":
      return decidedBandit(release, plan.plan, entry, before, seen);
  }
}

function decidedRollout(
  release: PlannedRelease,
  plan: RolloutPlan,
  entry: ReleaseEntry | null,
  known: Decided | null,
  seen: SeenRelease,
): Decided {
  const counts = evidenceOf(release, plan, seen.counts);
  const begun = beginning(release, plan, entry, counts);
  const waits = begun === null ? null : awaited(release, plan, entry, begun.state, seen);
  if (waits !== null) {
    const of = { kind: "rollout", everyMs: plan.everyMs, state: waits.state, decision: waits } as const;
    return { entry, arms: release.arms, of, lookedMs: seen.lookedMs, nowMs: seen.nowMs };
  }
  const before = begun === null && known?.of.kind === "rollout" ? known : null;
  const found =
    begun !== null
      ? begun.state
      : before?.of.kind === "rollout"
        ? withArms(before.of.state, before.arms, release.arms, counts)
        : stateOf(entry!, plan, counts);
  // One that was there before the model was about another model: it promotes nothing without evidence.
  const isLeftOver = begun?.isOfNewModel ?? false;
  const isPromoteUsed = release.isPromoted && (isLeftOver || (entry?.isPromoteUsed ?? false));
  const decision = decideRollout(plan, found, {
    elapsedMs: before === null ? 0 : seen.lookedMs - before.lookedMs,
    instances: counts,
    isUnready: seen.isUnready,
    hasRestarted: false,
    wanted: wantedOf(release, isPromoteUsed),
    blocked: seen.blocked,
  });
  const isSame = isSameStanding(found, decision.state);
  // One that was there when the rollout ended was about that rollout: it promotes no later model.
  const hasEnded = decision.state.kind === "promoted" || decision.state.kind === "aborted";
  const isUsed = isPromoteUsed || (release.isPromoted && hasEnded);
  const why = isSame
    ? `${begun?.why ?? ""}${isLeftOver && release.isPromoted ? `; ${leftOverPromote}` : ""}`
    : decision.sentence;
  const next =
    begun !== null || !isSame
      ? entryOf(release, plan, decision.state, why, seen.nowMs, isUsed)
      : entry!.isPromoteUsed === isUsed
        ? entry!
        : { ...entry!, isPromoteUsed: isUsed };
  const of = { kind: "rollout", everyMs: plan.everyMs, state: decision.state, decision } as const;
  return { entry: next, arms: release.arms, of, lookedMs: seen.lookedMs, nowMs: seen.nowMs };
}

/** All of the traffic goes to nobody who cannot take it: the canary keeps what it has until it has a ready Endpoint. null: it begins. */
function awaited(
  { models, isAborted }: PlannedRelease,
  plan: RolloutPlan,
  entry: ReleaseEntry | null,
  begins: RolloutState,
  { isUnready }: SeenRelease,
): RolloutDecision | null {
  const share = entry?.kind === "rollout" && entry.models === models ? (entry.shares[plan.to] ?? 0) : 0;
  if (!isUnready || isAborted || shareOf(plan, begins) < 100 || share >= 100) return null;
  const sentence = `It does not begin: its step is 100% of the traffic, and ${plan.to} has no ready Endpoint.`;
  return { state: begins, verdict: "wait", sentence, waitsFor: `a ready Endpoint of ${plan.to}`, share, gates: [] };
}

export const leftOverPromote =
  "sluice.io/rollout-promote was there before, so it does not count: remove it, and write it again to promote this model";

/** Where other predictors share main's part than at the look before, counting begins now: a predictor that joins brings all that it ever counted. */
function withArms(
  state: RolloutState,
  before: readonly string[],
  now: readonly string[],
  seen: CountsByInstance,
): RolloutState {
  return state.kind === "stepping" && !sameValue(before, now) ? { ...state, seen } : state;
}

/** For the next leader; null: it collects nothing. Time beyond `every` decides nothing, so what only waits stays the same. */
export function keptOf({ of, nowMs }: Decided): KeptEvidence | null {
  const atMs = Math.max(0, Math.round(nowMs));
  const kept = (elapsedMs: number): number => Math.floor(Math.min(elapsedMs, of.everyMs));
  if (of.kind === "bandit") {
    const { elapsedMs, rewards } = of.state;
    return elapsedMs === 0 ? null : { atMs, elapsedMs: kept(elapsedMs), rewards };
  }
  return null;
}

function keptRewards(kept: KeptEvidence | null): KeptBandit | null {
  return kept !== null && "rewards" in kept ? kept : null;
}

function decidedBandit(
  release: PlannedRelease,
  plan: BanditPlan,
  entry: ReleaseEntry | null,
  known: Decided | null,
  { counts, blocked, kept, lookedMs, nowMs }: SeenRelease,
): Decided {
  const { arms, text, models, isPaused } = release;
  const isSame = entry?.kind === "bandit" && entry.models === models;
  const reward = printReward(plan.reward);
  const before = isSame && entry.text === text && known?.of.kind === "bandit" ? known : null;
  const shares = isSame ? entry.shares : Object.fromEntries(arms.map((name, at) => [name, release.declared[at]!]));
  const had = before === null && isSame && entry.text === text && entry.reward === reward ? keptRewards(kept()) : null;
  const begins: BanditState = {
    ...firstBanditState(shares),
    rewards: had?.rewards ?? (isSame && entry.reward === reward ? entry.rewards : {}),
    elapsedMs: Math.min(had?.elapsedMs ?? 0, plan.everyMs),
    seen: counts,
  };
  const decision = decideBandit(plan, before?.of.kind === "bandit" ? before.of.state : begins, {
    elapsedMs: before === null ? 0 : lookedMs - before.lookedMs,
    arms,
    instances: counts,
    blocked: isPaused
      ? { why: "sluice.io/rollout-pause holds the shares.", until: "the end of sluice.io/rollout-pause" }
      : blocked,
  });
  const { state } = decision;
  const of = { kind: "bandit", everyMs: plan.everyMs, state, decision } as const;
  if (isSame && entry.text === text && decision.verdict === "wait") return { entry, arms, of, lookedMs, nowMs };
  const next: ReleaseEntry = {
    namespace: release.ref.namespace,
    name: release.ref.name,
    kind: "bandit",
    text,
    models,
    shares: state.shares,
    state: "stepping",
    step: isSame ? Math.min(maxStep, entry.step + 1) : 0,
    sinceMs: Math.max(0, Math.round(nowMs)),
    why: (isSame ? decision.sentence : "it begins").slice(0, maxWhy),
    isPromoteUsed: false,
    reward,
    rewards: state.rewards,
  };
  return { entry: next, arms, of, lookedMs, nowMs };
}

/** Of the canary, and of all other live predictors together. */
function evidenceOf({ arms }: PlannedRelease, { to }: RolloutPlan, counts: CountsOfArms): CountsByInstance {
  return Object.fromEntries(
    Object.entries(counts).map(([instance, of]) => {
      const main = arms
        .filter((name) => name !== to)
        .reduce((sum, name) => addedCounts(sum, of[name] ?? noCounts), noCounts);
      return [instance, { canary: of[to] ?? noCounts, main }];
    }),
  );
}

function wantedOf(
  { isAborted, isPaused, isPromoted }: PlannedRelease,
  isPromoteUsed: boolean,
): "none" | "pause" | "promote" | "abort" {
  if (isAborted) return "abort";
  if (isPaused) return "pause";
  return isPromoted && !isPromoteUsed ? "promote" : "none";
}
