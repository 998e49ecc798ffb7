// The state of a rollout: everything that its next decision needs, as JSON.
import { type CountsByInstance, type Evidence, noEvidence } from "./evidence.ts";
import type { RolloutPlan } from "./plan.ts";

export type RolloutState =
  /** At a step of the plan. */
  | {
      readonly kind: "stepping";
      /** Index in the plan's steps. */
      readonly step: number;
      /** Time in this step, as the leaders' looks add up. */
      readonly elapsedMs: number;
      /** At the last look the canary had no ready Endpoint, and for how long, as looks add up. */
      readonly isUnready: boolean;
      readonly unreadyMs: number;
      /** Of the time and of the canary's requests: what leaders before this one had kept. 0, 0 where it began the step itself. */
      readonly resumed: { readonly elapsedMs: number; readonly requests: number };
      /** Of the whole step. */
      readonly whole: Evidence;
      /** Of the window that is open: a part of the step, so that a fault that begins late is not outweighed by hours without one. */
      readonly recent: Evidence;
      /** Number of that window in the step, from 1 on. */
      readonly window: number;
      /** Cumulative counts at the last look. */
      readonly seen: CountsByInstance;
    }
  /** A gate was broken and the plan says hold: the share stays until a person decides. */
  | { readonly kind: "held"; readonly step: number; readonly why: string }
  | { readonly kind: "promoted" }
  | { readonly kind: "aborted"; readonly step: number; readonly why: string };

/** The part of a step that the next leader may go on from. Not `recent`: a window that two leaders share has a hole. */
export interface KeptStep {
  /** ms, 0 or more. */
  readonly elapsedMs: number;
  /** 1 or more. */
  readonly window: number;
  readonly whole: Evidence;
}

/** The beginning of a rollout: the first step, without evidence. */
export const firstState: RolloutState = stepState(0, {});

/** The beginning of a step. `seen`: counts of the processes that answer now. */
export function stepState(step: number, seen: CountsByInstance): RolloutState {
  return resumedState(step, { elapsedMs: 0, window: 0, whole: noEvidence }, seen);
}

/** A step in which leaders before this one were. What happened since they kept it is not counted. Windows never begin again: each spends its own part of the error rate. */
export function resumedState(
  step: number,
  { elapsedMs, window, whole }: KeptStep,
  seen: CountsByInstance,
): RolloutState {
  return {
    kind: "stepping",
    step,
    elapsedMs,
    isUnready: false,
    unreadyMs: 0,
    resumed: { elapsedMs, requests: whole.canary.requests },
    whole,
    recent: noEvidence,
    window: window + 1,
    seen,
  };
}

/** Percent of the deployment's live traffic that the released predictor gets. Out of the plan's steps: 0. */
export function shareOf(plan: RolloutPlan, state: RolloutState): number {
  if (state.kind === "promoted") return 100;
  return state.kind === "aborted" ? 0 : (plan.steps[state.step] ?? 0);
}
