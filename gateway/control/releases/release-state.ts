// From the state of a rollout to its entry in the record, and back: the entry has what every replica must agree on.
import { shareOf, stepState, type RolloutState } from "../../../routing/release/rollout/state.ts";
import type { CountsByInstance } from "../../../routing/release/rollout/evidence.ts";
import type { RolloutPlan } from "../../../routing/release/rollout/plan.ts";
import type { PlannedRelease, ReleaseEntry } from "../../../k8s/translate/model/release.ts";
import { maxWhy } from "./release-record.ts";

/** The part of a state that the record has: a decision that leaves it alone is not written. */
export function isSameStanding(one: RolloutState, other: RolloutState): boolean {
  return one.kind === other.kind && stepOf(one) === stepOf(other);
}

/** The state that an entry stands for: a leader looks at its step anew. */
export function stateOf(entry: ReleaseEntry, plan: RolloutPlan, seen: CountsByInstance): RolloutState {
  const step = Math.min(entry.step, plan.steps.length - 1);
  switch (entry.state) {
    case "promoted":
      return { kind: "promoted" };
    case "aborted":
      return { kind: "aborted", step, why: entry.why };
    case "held":
      return { kind: "held", step, why: entry.why };
    case "stepping":
      return stepState(plan, step, seen);
  }
}

/** The entry of a rollout in this state. `why`: a sentence. */
export function entryOf(
  { ref, text, models }: Pick<PlannedRelease, "ref" | "text" | "models">,
  plan: RolloutPlan,
  state: RolloutState,
  why: string,
  nowMs: number,
  isPromoteUsed: boolean,
): ReleaseEntry {
  return {
    namespace: ref.namespace,
    name: ref.name,
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

/**
 * Where a rollout begins. A new model, or another text after an abort, begins at the first step. Another text of a rollout under way goes on at the last of its
 * steps that gives the canary no more than it has.
 */
export function beginning(
  { text, models }: Pick<PlannedRelease, "text" | "models">,
  plan: RolloutPlan,
  entry: ReleaseEntry | null,
  seen: CountsByInstance,
): { readonly state: RolloutState; readonly why: string; readonly isOfNewModel: boolean } | null {
  if (entry === null || entry.kind !== "rollout")
    return { state: stepState(plan, 0, seen), why: "it begins", isOfNewModel: true };
  if (entry.models !== models)
    return { state: stepState(plan, 0, seen), why: "the model is another one", isOfNewModel: true };
  if (entry.text === text) return null;
  const why = "sluice.io/rollout is another one";
  const isOfNewModel = false;
  if (entry.state === "aborted") return { state: stepState(plan, 0, seen), why, isOfNewModel };
  const percent = entry.shares[plan.to] ?? 0;
  const step = plan.steps.findLastIndex((one) => one <= percent);
  if (entry.state === "promoted" && step === plan.steps.length - 1)
    return { state: { kind: "promoted" }, why, isOfNewModel };
  return { state: stepState(plan, Math.max(0, step), seen), why, isOfNewModel };
}

function stepOf(state: RolloutState): number | null {
  return state.kind === "promoted" ? null : state.step;
}
