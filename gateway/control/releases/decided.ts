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
import { shareOf, stepState, type RolloutState } from "../../../routing/release/rollout/state.ts";
import { addedCounts, noCounts, type ArmCounts } from "../../../routing/release/statistics/arm-counts.ts";
import type { PlannedRelease, ReleaseEntry } from "../../../k8s/translate/model/release.ts";
import { sameValue } from "../../../routing/text/diff.ts";
import { maxStep, maxWhy } from "./release-record.ts";

/** Cumulative counts of each predictor, by the process that counts. */
export type CountsOfArms = Readonly<Record<string, Readonly<Record<string, ArmCounts>>>>;

export interface SeenRelease extends Pick<RolloutLook, "isUnready" | "hasRestarted" | "blocked"> {
  readonly counts: CountsOfArms;
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
    | { readonly kind: "rollout"; readonly decision: RolloutDecision }
    | { readonly kind: "bandit"; readonly decision: BanditDecision };
  readonly lookedMs: number;
}

/** What `sluice.io/rollout-promote` says of this model. One that was there before the model, or when an earlier rollout ended, was about that one: it is used up and promotes nothing. */
type Promote = "none" | "asked" | "used";

/** null: nothing moves it. `known`: of an earlier look. */
export function decided(
  release: PlannedRelease,
  entry: ReleaseEntry | null,
  known: Decided | null,
  seen: SeenRelease,
): Decided | null {
  const { plan } = release;
  // By value: where the store tells of a write before it answers, the record has the entry as it was read.
  const before = known !== null && sameValue(known.entry, entry) ? known : null;
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
  const { arms, isPromoted } = release;
  const counts = evidenceOf(release, plan, seen.counts);
  const as = (next: ReleaseEntry | null, decision: RolloutDecision): Decided => ({
    entry: next,
    arms,
    of: { kind: "rollout", decision },
    lookedMs: seen.lookedMs,
  });
  const begun = beginning(release, plan, entry, counts);
  if (begun !== null && isAwaited(release, plan, entry, begun.state, seen)) {
    const sentence = `It does not begin: its step is 100% of the traffic, and ${plan.to} has no ready Endpoint.`;
    const share = shareIn(entry, plan.to);
    const waitsFor = `a ready Endpoint of ${plan.to}`;
    return as(entry, { state: begun.state, verdict: "wait", sentence, waitsFor, share, gates: [] });
  }
  const before = begun === null && known?.of.kind === "rollout" ? known.of.decision.state : null;
  const found =
    begun?.state ?? (before === null ? stateOf(entry!, plan, counts) : withArms(before, known!, arms, counts));
  const isUsed = (begun?.isOfNewModel ?? false) || (entry?.isPromoteUsed ?? false);
  const promote: Promote = !isPromoted ? "none" : isUsed ? "used" : "asked";
  const decision = decideRollout(plan, found, {
    ...seen,
    elapsedMs: before === null ? 0 : seen.lookedMs - known!.lookedMs,
    instances: counts,
    wanted: wantedOf(release, promote),
  });
  const { state: next } = decision;
  const hasEnded = next.kind === "promoted" || next.kind === "aborted";
  const isPromoteUsed = promote === "used" || (isPromoted && hasEnded);
  if (begun === null && isStanding(entry!, next))
    return as(entry!.isPromoteUsed === isPromoteUsed ? entry : { ...entry!, isPromoteUsed }, decision);
  const isLeftOver = begun?.isOfNewModel === true && promote === "used";
  const why =
    begun === null || begun.state.kind !== next.kind || stepOf(begun.state) !== stepOf(next)
      ? decision.sentence
      : `${begun.why}${isLeftOver ? `; ${leftOverPromote}` : ""}`;
  return as(entryOf(release, plan, next, why, seen.nowMs, isPromoteUsed), decision);
}

/** All of the traffic goes to nobody who cannot take it: the canary keeps what it has until it has a ready Endpoint. */
function isAwaited(
  { models, isAborted }: PlannedRelease,
  plan: RolloutPlan,
  entry: ReleaseEntry | null,
  begins: RolloutState,
  { isUnready }: SeenRelease,
): boolean {
  const share = entry?.kind === "rollout" && entry.models === models ? shareIn(entry, plan.to) : 0;
  return isUnready && !isAborted && shareOf(plan, begins) >= 100 && share < 100;
}

export const leftOverPromote =
  "sluice.io/rollout-promote was there before, so it does not count: remove it, and write it again to promote this model";

/** Where other predictors share main's part than at the look before, counting begins now: a predictor that joins brings all that it ever counted. */
function withArms(
  state: RolloutState,
  { arms }: Decided,
  now: readonly string[],
  seen: CountsByInstance,
): RolloutState {
  return state.kind === "stepping" && !sameValue(arms, now) ? { ...state, seen } : state;
}

/**
 * Where a rollout begins; null: it goes on. A new model, or another text after an abort, begins at the first step. Another text of a rollout under way goes on at the last of its
 * steps that gives the canary no more than it has.
 */
function beginning(
  { text, models }: PlannedRelease,
  plan: RolloutPlan,
  entry: ReleaseEntry | null,
  seen: CountsByInstance,
): { readonly state: RolloutState; readonly why: string; readonly isOfNewModel: boolean } | null {
  const first = stepState(plan, 0, seen);
  if (entry === null || entry.kind !== "rollout") return { state: first, why: "it begins", isOfNewModel: true };
  if (entry.models !== models) return { state: first, why: "the model is another one", isOfNewModel: true };
  if (entry.text === text) return null;
  const [why, isOfNewModel] = ["sluice.io/rollout is another one", false];
  if (entry.state === "aborted") return { state: first, why, isOfNewModel };
  const step = plan.steps.findLastIndex((one) => one <= shareIn(entry, plan.to));
  if (entry.state === "promoted" && step === plan.steps.length - 1)
    return { state: { kind: "promoted" }, why, isOfNewModel };
  return { state: stepState(plan, Math.max(0, step), seen), why, isOfNewModel };
}

/** The state that an entry stands for, to a leader that was not there before: it looks at the step anew. */
function stateOf(entry: ReleaseEntry, plan: RolloutPlan, seen: CountsByInstance): RolloutState {
  const step = Math.min(entry.step, plan.steps.length - 1);
  switch (entry.state) {
    case "promoted":
      return { kind: "promoted" };
    case "aborted":
    case "held":
      return { kind: entry.state, step, why: entry.why };
    case "stepping":
      return stepState(plan, step, seen);
  }
}

/** Does the entry say it? Of a state that stays where it is nothing is written. */
function isStanding(entry: ReleaseEntry, state: RolloutState): boolean {
  return entry.state === state.kind && (stepOf(state) ?? entry.step) === entry.step;
}

function stepOf(state: RolloutState): number | null {
  return state.kind === "promoted" ? null : state.step;
}

function shareIn(entry: ReleaseEntry | null, predictor: string): number {
  return entry !== null && Object.hasOwn(entry.shares, predictor) ? entry.shares[predictor]! : 0;
}

/** `why`: a sentence. */
function entryOf(
  { ref: { namespace, name }, text, models }: PlannedRelease,
  plan: RolloutPlan,
  state: RolloutState,
  why: string,
  nowMs: number,
  isPromoteUsed: boolean,
): ReleaseEntry {
  return {
    namespace,
    name,
    kind: "rollout",
    text,
    models,
    shares: { [plan.to]: shareOf(plan, state) },
    state: state.kind,
    step: stepOf(state) ?? plan.steps.length - 1,
    sinceMs: Math.max(0, Math.round(nowMs)),
    why: why.slice(0, maxWhy),
    isPromoteUsed,
    reward: "",
    rewards: {},
  };
}

function decidedBandit(
  release: PlannedRelease,
  plan: BanditPlan,
  entry: ReleaseEntry | null,
  known: Decided | null,
  { counts, blocked, lookedMs, nowMs }: SeenRelease,
): Decided {
  const { ref, arms, text, models, isPaused } = release;
  const reward = printReward(plan.reward);
  const same = entry?.kind === "bandit" && entry.models === models ? entry : null;
  const isSameText = same?.text === text;
  const before = isSameText && known?.of.kind === "bandit" ? known : null;
  const begins: BanditState = {
    ...firstBanditState(same?.shares ?? Object.fromEntries(arms.map((name, at) => [name, release.declared[at]!]))),
    rewards: same?.reward === reward ? same.rewards : {},
    seen: counts,
  };
  const decision = decideBandit(plan, before?.of.kind === "bandit" ? before.of.decision.state : begins, {
    elapsedMs: before === null ? 0 : lookedMs - before.lookedMs,
    arms,
    instances: counts,
    blocked: isPaused
      ? { why: "sluice.io/rollout-pause holds the shares.", until: "the end of sluice.io/rollout-pause" }
      : blocked,
  });
  const of = { kind: "bandit", decision } as const;
  if (isSameText && decision.verdict === "wait") return { entry, arms, of, lookedMs };
  const next: ReleaseEntry = {
    namespace: ref.namespace,
    name: ref.name,
    kind: "bandit",
    text,
    models,
    shares: decision.state.shares,
    state: "stepping",
    step: same === null ? 0 : Math.min(maxStep, same.step + 1),
    sinceMs: Math.max(0, Math.round(nowMs)),
    why: (same === null ? "it begins" : decision.sentence).slice(0, maxWhy),
    isPromoteUsed: false,
    reward,
    rewards: decision.state.rewards,
  };
  return { entry: next, arms, of, lookedMs };
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

function wantedOf({ isAborted, isPaused }: PlannedRelease, promote: Promote): RolloutLook["wanted"] {
  if (isAborted) return "abort";
  if (isPaused) return "pause";
  return promote === "asked" ? "promote" : "none";
}
