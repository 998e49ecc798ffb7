// How many requests may meet a fault before a rollout ends, by the decision's own method.
import { decideRollout } from "../../routing/release/rollout/decide.ts";
import { readRolloutPlan, type RolloutPlan } from "../../routing/release/rollout/plan.ts";
import { type RolloutState, stepState } from "../../routing/release/rollout/state.ts";
import { armCounts, noCounts, type ArmCounts } from "../../routing/release/statistics/arm-counts.ts";
import { lookMs } from "../../gateway/control/releases/release-controller.ts";

/** Workers hand over what they counted once a second. */
const handedOverMs = 1000;
/** The write of the record and the table of each replica. */
const liveMs = 1000;

/**
 * The most requests that may meet a canary which fails each one: those that the decision wants, and those that come until the leader has looked, has written and each
 * replica serves it. `good`: canary requests that may have been counted before, of which each number is tried. `perSecond`: canary requests, at most.
 * What comes in that time is drawn: the mean and six deviations.
 */
export function maxThatMeet(text: string, good: number, perSecond: number): number {
  const meanOfDelay = (perSecond * (3 * lookMs + handedOverMs + liveMs)) / 1000;
  return failuresWanted(text, good) + Math.ceil(meanOfDelay + 6 * Math.sqrt(meanOfDelay));
}

/** The most failures in a row that a canary has when the decision ends its rollout, after any number of good requests up to `good`. */
export function failuresWanted(text: string, good: number): number {
  const read = readRolloutPlan(text);
  if ("mistake" in read) throw new Error(read.mistake);
  return Math.max(...Array.from({ length: good + 1 }, (_, count) => failuresAfter(read.plan, count)));
}

/** Each look has one more request that failed. */
function failuresAfter(plan: RolloutPlan, good: number): number {
  const perCanary = Math.round(100 / plan.steps[0]!) - 1;
  let state: RolloutState = stepState(plan, 0, { a: { canary: noCounts, main: noCounts } });
  for (let failed = 0; ; failed++) {
    const canary: ArmCounts = armCounts({ requests: good + failed, failed });
    const main: ArmCounts = armCounts({ requests: canary.requests * perCanary });
    const look = {
      elapsedMs: lookMs,
      instances: { a: { canary, main } },
      wanted: "none",
      isUnready: false,
      hasRestarted: false,
      blocked: null,
    } as const;
    const decision = decideRollout(plan, state, look);
    if (decision.verdict === "abort") return failed;
    state = decision.state;
  }
}
