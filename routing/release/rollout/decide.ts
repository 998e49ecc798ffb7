// The decision of a rollout, as a pure function of its plan, its state and one look at what was counted.
import { formatDuration, formatNumber } from "../grammar/quantities.ts";
import { addedEvidence, type CountsByInstance, type Evidence, evidenceBetween, noEvidence } from "./evidence.ts";
import { type GateStanding, judgeGate } from "./judge.ts";
import type { RolloutPlan } from "./plan.ts";
import { type RolloutState, shareOf, stepState } from "./state.ts";

/** What the leader sees: each 10 s, which is the unit of all evidence. */
export interface RolloutLook {
  /** Since its own look before, by its own clock; 0 at its first one. Less than 0 or no number counts as 0, more than `maxLookMs` as that. */
  readonly elapsedMs: number;
  /** Cumulative counts of each process that answers. */
  readonly instances: CountsByInstance;
  /** The released predictor has no ready Endpoint: the others get its share, or requests fail. */
  readonly isUnready: boolean;
  /** Since the look before a pod of the released predictor began anew (an address that it had not, or the same one ready again): it warms up again. False at the leader's first look. */
  readonly hasRestarted: boolean;
  /** What a person asks for by annotation. Of several, `abort` goes before `pause`, and that before `promote`. */
  readonly wanted: "none" | "pause" | "promote" | "abort";
  /** Why nothing may go on now, as a sentence ("1 of 3 replicas does not answer."), and until when ("an answer of each replica"). null: it may. Aborts are not blocked. */
  readonly blocked: { readonly why: string; readonly until: string } | null;
}

/** The most that one look adds to the time in a step: a clock that jumps, or a leader that slept, moves nothing. */
export const maxLookMs = 30_000;

export interface RolloutDecision {
  readonly state: RolloutState;
  /** `go-on`: to the next step, or promoted after the last. `hold`: nothing moves until a person decides. */
  readonly verdict: "go-on" | "wait" | "abort" | "hold";
  /** What was decided and why. */
  readonly sentence: string;
  /** What it would take to go on; null: it goes on, or has ended. */
  readonly waitsFor: string | null;
  /** Percent of live traffic that the released predictor gets from now on. */
  readonly share: number;
  /** Of this look; empty once the rollout has ended. */
  readonly gates: readonly GateStanding[];
}

/** A leader that took over goes on only after it watched the step for so long itself, or for `every` where that is shorter. */
export const minWatchMs = 60_000;

/** A canary that has all of the traffic, and that was ready before, is ended after so long without a ready Endpoint: each request fails, and that is evidence of no request. */
export const maxUnreadyMs = 10_000;

/** Canary requests in a window of a step: enough to see a fault, few enough that a fault which begins late is seen soon. */
const [minWindow, maxWindow] = [100, 500];
/** A canary that fails nearly all of a window's first requests is rolled back after this many failures, whatever its gates are. */
const hardFailures = 5;
const hardFraction = 0.8;

/**
 * One look. The state that it returns is all that the next look needs; the same state and look give the same decision, so a leader that dies before it has written its decision is
 * followed by one that decides the same.
 *
 * Goes on when the step took its time, the canary has its requests, and each gate is kept. Ends as soon as a gate is broken with confidence (`routing/release/rollout/judge.ts`), or the canary
 * fails at least 5 and 80 % of a window's requests while main fails less than half as often: of a canary that fails 5 % that happens by chance once in about 500,000 windows. A canary without a
 * ready Endpoint never goes on; beyond `maxUnreadyMs` at 100 % it ends.
 */
export function decideRollout(plan: RolloutPlan, state: RolloutState, look: RolloutLook): RolloutDecision {
  const { wanted } = look;
  if (state.kind === "promoted" || state.kind === "aborted") return ended(plan, state);
  if (wanted === "abort") return aborted(plan, state.step, "A person asked for it by sluice.io/rollout-abort.", []);
  if (state.kind === "held" && wanted !== "promote")
    return decided(plan, state, "hold", state.why, "sluice.io/rollout-promote or sluice.io/rollout-abort", []);
  if (wanted === "promote") return promoted(plan, "A person asked for it by sluice.io/rollout-promote.", []);
  return state.kind === "stepping" ? stepped(plan, state, look) : ended(plan, state);
}

type Stepping = Extract<RolloutState, { kind: "stepping" }>;

function stepped(plan: RolloutPlan, before: Stepping, look: RolloutLook): RolloutDecision {
  const share = plan.steps[before.step];
  if (share === undefined) return aborted(plan, before.step, `The plan has no step ${before.step + 1}.`, []);
  const state = withLook(before, look);
  const gates = plan.gates.map((gate) => judgeGate(plan, gate, state, share < 100));
  const broken =
    isGone(plan, state) ??
    failsNearlyAll(plan, state) ??
    gates.find(({ standing }) => standing === "broken")?.sentence ??
    null;
  if (broken !== null) {
    if (plan.otherwise === "roll-back") return aborted(plan, state.step, broken, gates);
    const held: RolloutState = {
      kind: "held",
      step: state.step,
      why: `${plan.to} stays at ${formatNumber(share)}%. ${broken}`,
    };
    return decided(plan, held, "hold", held.why, "sluice.io/rollout-promote or sluice.io/rollout-abort", gates);
  }
  const unready = `It has no ready Endpoint, so ${share < 100 ? "the other predictors get its share" : "requests fail"}.`;
  const at = `${plan.to} has ${formatNumber(share)}% of the traffic, step ${state.step + 1} of ${plan.steps.length}.${look.isUnready ? ` ${unready}` : ""}`;
  const open = nextWindow(plan, state);
  if (look.wanted === "pause")
    return decided(plan, open, "hold", `${at} It is paused.`, "the end of sluice.io/rollout-pause", gates);
  const missing = missingOf(plan, state, gates);
  if (missing.length > 0) return decided(plan, open, "wait", at, missing.join("; "), gates);
  if (look.blocked !== null) return decided(plan, open, "wait", `${at} ${look.blocked.why}`, look.blocked.until, gates);
  const next = plan.steps[state.step + 1];
  if (next === undefined) return promoted(plan, "Each step kept every gate.", gates);
  // Only the processes that answer now: one that is away would later add what it counted in this step.
  const present = Object.fromEntries(Object.entries(state.seen).filter(([id]) => Object.hasOwn(look.instances, id)));
  return decided(
    plan,
    stepState(state.step + 1, present),
    "go-on",
    `${plan.to} goes from ${formatNumber(share)}% to ${formatNumber(next)}% of the traffic. Step ${state.step + 1} of ${plan.steps.length} kept every gate.`,
    null,
    gates,
  );
}

function withLook(state: Stepping, { elapsedMs, instances, isUnready }: RolloutLook): Stepping {
  const { added, seen } = evidenceBetween(state.seen, instances);
  const addedMs = elapsedMs > 0 ? Math.min(elapsedMs, maxLookMs) : 0;
  return {
    ...state,
    elapsedMs: state.elapsedMs + addedMs,
    isUnready,
    unreadyMs: isUnready && state.isUnready ? state.unreadyMs + addedMs : 0,
    whole: addedEvidence(state.whole, added),
    recent: addedEvidence(state.recent, added),
    seen,
  };
}

/** The same state with a new window, where the open one is full. */
function nextWindow(plan: RolloutPlan, state: Stepping): Stepping {
  const size = Math.min(maxWindow, Math.max(minWindow, plan.minRequests));
  return state.recent.canary.requests < size ? state : { ...state, recent: noEvidence, window: state.window + 1 };
}

/** One that was never ready is awaited: its pods start. */
function isGone(plan: RolloutPlan, { step, whole, unreadyMs }: Stepping): string | null {
  const wasReady = step > 0 || whole.canary.requests > 0;
  if (plan.steps[step] !== 100 || !wasReady || unreadyMs < maxUnreadyMs) return null;
  return `${plan.to} has had no ready Endpoint for ${formatDuration(roundedUp(unreadyMs))}, so requests failed.`;
}

function failsNearlyAll(plan: RolloutPlan, { recent: { canary, main } }: { readonly recent: Evidence }): string | null {
  const { failed, requests } = canary;
  if (failed < hardFailures || failed < hardFraction * requests) return null;
  if (main.requests > 0 && main.failed / main.requests >= failed / requests / 2) return null;
  return `${plan.to} failed ${failed} of its last ${requests} requests.`;
}

/** What it would take to go on, besides what blocks the look; empty: nothing. */
function missingOf(plan: RolloutPlan, state: Stepping, gates: readonly GateStanding[]): readonly string[] {
  const missing = new Set<string>();
  const { elapsedMs, resumed, isUnready, whole } = state;
  if (isUnready) missing.add(`a ready Endpoint of ${plan.to}`);
  // What another leader kept says nothing about now.
  const isResumed = resumed.elapsedMs > 0;
  const fresh = isResumed && whole.canary.requests === resumed.requests ? 1 : 0;
  const requests = Math.max(plan.minRequests - whole.canary.requests, fresh);
  if (requests > 0) missing.add(`${requests} more requests of ${plan.to}`);
  for (const { waitsFor } of gates) if (waitsFor !== null) missing.add(waitsFor);
  const watchMs = isResumed ? Math.min(minWatchMs, plan.everyMs) - (elapsedMs - resumed.elapsedMs) : 0;
  const leftMs = Math.max(plan.everyMs - elapsedMs, watchMs);
  if (leftMs > 0) missing.add(`${formatDuration(roundedUp(leftMs))} more in this step`);
  return [...missing];
}

/** To whole seconds, above two minutes to whole minutes. */
function roundedUp(milliseconds: number): number {
  const unit = milliseconds > 120_000 ? 60_000 : 1000;
  return Math.ceil(milliseconds / unit) * unit;
}

function promoted(plan: RolloutPlan, why: string, gates: readonly GateStanding[]): RolloutDecision {
  const sentence = `${plan.to} is promoted: it gets all live traffic. ${why}`;
  return decided(plan, { kind: "promoted" }, "go-on", sentence, null, gates);
}

function aborted(plan: RolloutPlan, step: number, why: string, gates: readonly GateStanding[]): RolloutDecision {
  const share = formatNumber(plan.steps[step] ?? 0);
  const sentence = `${plan.to} is rolled back from ${share}% of the traffic. ${why}`;
  return decided(plan, { kind: "aborted", step, why: sentence }, "abort", sentence, null, gates);
}

function ended(plan: RolloutPlan, state: RolloutState): RolloutDecision {
  if (state.kind === "aborted") return decided(plan, state, "abort", state.why, null, []);
  return decided(plan, state, "hold", `${plan.to} is promoted: it gets all live traffic.`, null, []);
}

function decided(
  plan: RolloutPlan,
  state: RolloutState,
  verdict: RolloutDecision["verdict"],
  sentence: string,
  waitsFor: string | null,
  gates: readonly GateStanding[],
): RolloutDecision {
  return { state, verdict, sentence, waitsFor, share: shareOf(plan, state), gates };
}
