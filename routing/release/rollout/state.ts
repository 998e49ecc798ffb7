// The state of a rollout: everything that its next decision needs, and no larger after a month than after an hour.
import { type ArmCounts, addedCounts, noCounts } from "../statistics/arm-counts.ts";
import type { Excess } from "../statistics/excess.ts";
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
      /** How far it has warmed up; null: it is warm. */
      readonly warming: { readonly ms: number; readonly requests: number } | null;
      /** Answers of the canary in this step, also while it warms up, and how many of them are `denied`. */
      readonly answers: { readonly denied: number; readonly all: number };
      /** How often its pods began anew in this step. */
      readonly restarts: number;
      /** What main did in the steps before: what the last step, where it gets no traffic, is compared with. */
      readonly before: ArmCounts;
      /** Of the whole step, without what came while the canary warmed up. */
      readonly whole: Evidence;
      /** By question, in the order of the plan's gates. */
      readonly excesses: readonly Excess[];
      /** Of the window that is open: a part of the step, so that a fault that begins late is not outweighed by hours without one. Windows are numbered from 1 on. */
      readonly recent: {
        readonly window: number;
        readonly looks: number;
        readonly requests: number;
        readonly excesses: readonly Excess[];
      };
      /** The looks in a row in which it failed nearly all; the first one's time is not in `ms`. */
      readonly failing: { readonly ms: number; readonly failed: number; readonly canary: ArmCounts } | null;
      /** Cumulative counts at the last look. */
      readonly seen: CountsByInstance;
    }
  /** A gate was broken and the plan says hold: the share stays until a person decides. */
  | { readonly kind: "held"; readonly step: number; readonly why: string }
  | { readonly kind: "promoted" }
  | { readonly kind: "aborted"; readonly step: number; readonly why: string };

export type Stepping = Extract<RolloutState, { kind: "stepping" }>;

export const notWarm = { ms: 0, requests: 0 };

/**
 * A step as a leader begins it that has seen nothing of the rollout: it looks anew, for `every` at least. At the first step the canary warms up. Of a plan that compares with main it begins at the step before the
 * last, because the last one is compared with what main did in steps before. `seen`: counts of the processes that answer now.
 */
export function stepState(
  { steps, gates }: Pick<RolloutPlan, "steps" | "gates">,
  step: number,
  seen: CountsByInstance,
): Stepping {
  const isUnseen = step > 0 && step === steps.length - 1 && gates.some(({ times }) => times !== null);
  return { ...begun(isUnseen ? step - 1 : step, seen, noCounts), warming: step === 0 ? notWarm : null };
}

/** The step after this one; the canary is warm. */
export function nextState({ step, whole, before }: Stepping, seen: CountsByInstance): Stepping {
  return begun(step + 1, seen, addedCounts(before, whole.main));
}

function begun(step: number, seen: CountsByInstance, before: ArmCounts): Stepping {
  return {
    kind: "stepping",
    step,
    elapsedMs: 0,
    isUnready: false,
    unreadyMs: 0,
    warming: null,
    answers: { denied: 0, all: 0 },
    restarts: 0,
    before,
    whole: noEvidence,
    excesses: [],
    recent: { window: 1, looks: 0, requests: 0, excesses: [] },
    failing: null,
    seen,
  };
}

/** Percent of the deployment's live traffic that the released predictor gets. Out of the plan's steps: 0. */
export function shareOf(plan: RolloutPlan, state: RolloutState): number {
  if (state.kind === "promoted") return 100;
  return state.kind === "aborted" ? 0 : (plan.steps[state.step] ?? 0);
}
