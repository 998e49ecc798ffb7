// The decision of a rollout, as a pure function of its plan, its state and one look at what was counted.
import type { CountsByInstance } from "./evidence.ts";
import type { Gate } from "./gates.ts";
import type { RolloutPlan } from "./plan.ts";
import { type RolloutState, shareOf } from "./state.ts";

/** What the leader sees. */
export interface RolloutLook {
  /** Since its own look before, by its own clock; 0 at its first one. Less than 0 or no number counts as 0, more than `maxLookMs` as that. */
  readonly elapsedMs: number;
  readonly instances: CountsByInstance;
  /** What a person asks for by annotation. `abort` goes before `pause`, and that before `promote`. */
  readonly wanted: "none" | "pause" | "promote" | "abort";
  /** Why nothing may go on now, as a sentence: a replica does not answer, the API server is away. null: it may. Aborts are not blocked. */
  readonly blocked: string | null;
}

/** The most that one look adds to the time in a step: a clock that jumps, or a leader that slept, moves nothing. */
export const maxLookMs = 30_000;

export interface RolloutDecision {
  readonly state: RolloutState;
  readonly verdict: "go-on" | "wait" | "abort" | "hold";
  /** Plain English, one or two sentences. */
  readonly sentence: string;
  /** What it would take to go on; null: nothing is waited for. */
  readonly waitsFor: string | null;
  /** Percent of live traffic that the released predictor gets from now on. */
  readonly share: number;
  readonly gates: readonly GateStanding[];
}

export interface GateStanding {
  readonly gate: Gate;
  readonly standing: "kept" | "broken" | "undecided";
  readonly sentence: string;
}

export function decideRollout(plan: RolloutPlan, state: RolloutState, look: RolloutLook): RolloutDecision {
  // Nothing moves until the gates are tested.
  const sentence = look.blocked ?? "The rollout waits.";
  return { state, verdict: "wait", sentence, waitsFor: null, share: shareOf(plan, state), gates: [] };
}
