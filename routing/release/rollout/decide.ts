// The decision of a rollout, as a pure function of its plan, its state and one look at what was counted.
import { formatDuration, formatNumber } from "../grammar/quantities.ts";
import { addedCounts, type ArmCounts } from "../statistics/arm-counts.ts";
import { type CountsByInstance, type Evidence, evidenceBetween } from "./evidence.ts";
import { type GateStanding, isAlone, type Judged, judged } from "./judge.ts";
import type { RolloutPlan } from "./plan.ts";
import { nextState, notWarm, type RolloutState, shareOf, type Stepping } from "./state.ts";

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
  /** What it would take to go on, something that can happen; null: it goes on, or has ended. */
  readonly waitsFor: string | null;
  /** Percent of live traffic that the released predictor gets from now on. */
  readonly share: number;
  /** Of this look; empty once the rollout has ended. */
  readonly gates: readonly GateStanding[];
}

/** A canary that has all of the traffic is ended after so long without a ready Endpoint: each request fails, and that is evidence of no request. */
export const maxUnreadyMs = 10_000;

/**
 * A canary that fails or refuses nearly all is rolled back whatever its gates are, also while it warms up: so many requests, for so long. At 100 %, where main does not show whether it fails
 * together with the canary, for longer.
 */
const nearlyAll = { share: 0.8, failed: 10, ms: 10_000, aloneMs: 60_000 } as const;

/** The sentence names answers that are no evidence from this number of answers on. */
const minAnswers = 20;

/** In one step the canary's pods may begin anew so often and warm up again: what begins anew for ever is judged as it is. */
export const maxWarmUps = 3;

/**
 * One look. The state that it returns is all that the next look needs; the same state and look give the same decision.
 *
 * Goes on when the step took its time, the canary is warm and has its requests, and each gate is kept. Ends as soon as a gate is broken with confidence (`routing/release/rollout/judge.ts`), or the canary
 * fails nearly all (`nearlyAll`), of at least two callers where that many are known, while main fails less than half as often. A canary without a ready Endpoint never goes on; beyond `maxUnreadyMs` at 100 %
 * it ends.
 */
export function decideRollout(plan: RolloutPlan, state: RolloutState, look: RolloutLook): RolloutDecision {
  const { wanted } = look;
  if (state.kind === "aborted") return decided(plan, state, "abort", state.why, null, []);
  if (wanted === "abort") {
    // A person may also take back what is promoted.
    const step = state.kind === "promoted" ? plan.steps.length - 1 : state.step;
    return aborted(plan, step, "A person asked for it by sluice.io/rollout-abort.", []);
  }
  if (state.kind === "promoted")
    return decided(plan, state, "hold", `${plan.to} is promoted: it gets all live traffic.`, null, []);
  if (wanted === "promote") return promoted(plan, "A person asked for it by sluice.io/rollout-promote.", []);
  if (state.kind === "held") return decided(plan, state, "hold", state.why, untilPerson, []);
  return stepped(plan, state, look);
}

const untilPerson = "sluice.io/rollout-promote or sluice.io/rollout-abort";

function stepped(plan: RolloutPlan, before: Stepping, look: RolloutLook): RolloutDecision {
  const share = plan.steps[before.step];
  if (share === undefined) return aborted(plan, before.step, `The plan has no step ${before.step + 1}.`, []);
  const { state, isBroken, gates } = withLook(plan, before, look);
  const broken =
    isGone(plan, state) ??
    failsNearlyAll(plan, state) ??
    (isBroken ? gates().find(({ standing }) => standing === "broken")?.sentence : undefined);
  if (broken !== undefined) {
    if (plan.otherwise === "roll-back") return aborted(plan, state.step, broken, gates());
    const why = `${plan.to} stays at ${formatNumber(share)}%. ${broken}`;
    return decided(plan, { kind: "held", step: state.step, why }, "hold", why, untilPerson, gates());
  }
  const stays = (verdict: "wait" | "hold", why: string, waitsFor: () => string): RolloutDecision =>
    new Staying(state, verdict, share, {
      sentence: () => `${standsAt(plan, state, share)}${why}`,
      waitsFor,
      gates,
    });
  if (look.wanted === "pause") return stays("hold", " It is paused.", () => "the end of sluice.io/rollout-pause");
  const missing = missingOf(plan, state, gates);
  if (missing !== null) return stays("wait", "", missing);
  if (look.blocked !== null) {
    const { why, until } = look.blocked;
    return stays("wait", ` ${why}`, () => until);
  }
  const next = plan.steps[state.step + 1];
  if (next === undefined) return promoted(plan, "Each step kept every gate.", gates());
  // Only the processes that answer now: one that is away would later add what it counted in this step.
  const present = Object.fromEntries(Object.entries(state.seen).filter(([id]) => Object.hasOwn(look.instances, id)));
  const sentence = `${plan.to} goes from ${formatNumber(share)}% to ${formatNumber(next)}% of the traffic. Step ${state.step + 1} of ${plan.steps.length} kept every gate.`;
  return decided(plan, nextState(state, present), "go-on", sentence, null, gates());
}

function withLook(plan: RolloutPlan, before: Stepping, look: RolloutLook): Judged {
  const { added, seen } = evidenceBetween(before.seen, look.instances);
  const addedMs = look.elapsedMs > 0 ? Math.min(look.elapsedMs, maxLookMs) : 0;
  const restarts = before.restarts + (look.hasRestarted ? 1 : 0);
  const warming = look.hasRestarted && restarts <= maxWarmUps ? notWarm : before.warming;
  const state: Stepping = {
    ...before,
    elapsedMs: before.elapsedMs + addedMs,
    isUnready: look.isUnready,
    unreadyMs: look.isUnready && before.isUnready ? before.unreadyMs + addedMs : 0,
    answers: {
      denied: before.answers.denied + added.canary.denied,
      all: before.answers.all + added.canary.denied + added.canary.requests,
    },
    restarts,
    failing: failingAfter(plan, before, added, addedMs),
    seen,
  };
  if (warming === null) return judged(plan, { ...state, warming }, added);
  const warmed = {
    ms: warming.ms + (look.isUnready ? 0 : addedMs),
    requests: warming.requests + added.canary.requests,
  };
  const isWarm = !look.isUnready && warmed.ms >= plan.warm.ms && warmed.requests >= plan.warm.requests;
  return judged(
    plan,
    { ...state, warming: isWarm ? null : warmed, before: addedCounts(state.before, added.main) },
    null,
  );
}

/** A model that denies nearly everybody has no evidence, however many call it. */
function deniedIn({ answers: { denied, all } }: Stepping): string {
  if (all < minAnswers || denied * 2 <= all) return "";
  return ` ${denied} of ${all} of its answers were 401, 403, 408, 413 or 429 (or their like of gRPC), which are no evidence.`;
}

/** Parts of a look's requests that failed or were refused. */
function badOf({ failed, refused }: ArmCounts): number {
  return failed + refused;
}

function failingAfter(
  plan: RolloutPlan,
  state: Stepping,
  { canary, main }: Evidence,
  addedMs: number,
): Stepping["failing"] {
  const { failing, before } = state;
  if (canary.requests === 0) return failing === null ? null : { ...failing, ms: failing.ms + addedMs };
  const beside = isAlone(plan, state) ? before : main;
  const bad = badOf(canary) / canary.requests;
  if (bad < nearlyAll.share || (beside.requests > 0 && badOf(beside) / beside.requests >= bad / 2)) return null;
  if (failing === null) return { ms: 0, failed: badOf(canary), canary };
  return {
    ms: failing.ms + addedMs,
    failed: failing.failed + badOf(canary),
    canary: addedCounts(failing.canary, canary),
  };
}

function failsNearlyAll(plan: RolloutPlan, state: Stepping): string | undefined {
  const { failing, whole, before } = state;
  if (failing === null || failing.failed < nearlyAll.failed) return undefined;
  if (failing.ms < (isAlone(plan, state) ? nearlyAll.aloneMs : nearlyAll.ms)) return undefined;
  const { failed, refused } = failing.canary.callers;
  const seen = [failing.canary, whole.canary, whole.main, before].map(({ callers }) => callers.requests);
  const bucketsOf = (...lists: readonly Float64Array[]): number =>
    failed.reduce((count, _, at) => count + (lists.some((list) => list[at]! > 0) ? 1 : 0), 0);
  if (bucketsOf(...seen) > 1 && bucketsOf(failed, refused) < 2) return undefined;
  return `${plan.to} failed or refused ${failing.failed} of its last ${failing.canary.requests} requests.`;
}

/** A step of all traffic begins only once the canary has a ready Endpoint (`gateway/control/releases/decided.ts:isAwaited`), so that one without has lost it, whoever leads now. */
function isGone(plan: RolloutPlan, { step, unreadyMs }: Stepping): string | undefined {
  if (plan.steps[step] !== 100 || unreadyMs < maxUnreadyMs) return undefined;
  return `${plan.to} has had no ready Endpoint for ${formatDuration(roundedUp(unreadyMs))}, so requests failed.`;
}

/** What it would take to go on, besides what blocks the look, in words once somebody asks; null: nothing. */
function missingOf(plan: RolloutPlan, state: Stepping, gates: Judged["gates"]): (() => string) | null {
  const { elapsedMs, isUnready, whole, warming } = state;
  const requests = plan.minRequests - whole.canary.requests;
  const leftMs = plan.everyMs - elapsedMs;
  const ofGates = (): readonly string[] => gates().flatMap(({ waitsFor }) => waitsFor ?? []);
  if (!isUnready && warming === null && requests <= 0 && leftMs <= 0 && ofGates().length === 0) return null;
  return () => {
    const missing = new Set<string>();
    if (isUnready) missing.add(`a ready Endpoint of ${plan.to}`);
    if (warming !== null) {
      const [ms, left] = [plan.warm.ms - warming.ms, plan.warm.requests - warming.requests];
      missing.add(`${ms > 0 ? formatDuration(roundedUp(ms)) : `${left} requests`} more until ${plan.to} is warm`);
    }
    if (requests > 0) missing.add(`${requests} more requests of ${plan.to}`);
    for (const one of ofGates()) missing.add(one);
    if (leftMs > 0) missing.add(`${formatDuration(roundedUp(leftMs))} more in this step`);
    return [...missing].join("; ");
  };
}

function standsAt(plan: RolloutPlan, state: Stepping, share: number): string {
  const unready = ` It has no ready Endpoint, so ${share < 100 ? "the other predictors get its share" : "requests fail"}.`;
  return `${plan.to} has ${formatNumber(share)}% of the traffic, step ${state.step + 1} of ${plan.steps.length}.${state.isUnready ? unready : ""}${deniedIn(state)}`;
}

type Words = { readonly [Key in "sentence" | "waitsFor" | "gates"]: () => NonNullable<RolloutDecision[Key]> };

/** Nothing moves. Its words are made when somebody reads them: the leader looks at each rollout each 10 s. */
class Staying implements RolloutDecision {
  readonly state: Stepping;
  readonly verdict: "wait" | "hold";
  readonly share: number;
  readonly #words: Words;

  constructor(state: Stepping, verdict: "wait" | "hold", share: number, words: Words) {
    this.state = state;
    this.verdict = verdict;
    this.share = share;
    this.#words = words;
  }

  get sentence(): string {
    return this.#words.sentence();
  }

  get waitsFor(): string {
    return this.#words.waitsFor();
  }

  get gates(): readonly GateStanding[] {
    return this.#words.gates();
  }
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
