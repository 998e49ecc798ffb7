// One simulated rollout: traffic, two models, and the decision of the gateway itself at each look.
import { decideRollout } from "../../routing/release/rollout/decide.ts";
import type { RolloutPlan } from "../../routing/release/rollout/plan.ts";
import { firstState, type RolloutState } from "../../routing/release/rollout/state.ts";
import { binomial, poisson } from "./draws.ts";
import { GrowingCounts, type Model } from "./models.ts";

export interface Scenario {
  readonly plan: RolloutPlan;
  /** Requests a second to the deployment. */
  readonly rate: number;
  readonly lookMs: number;
  readonly main: (atMs: number) => Model;
  readonly canary: (atMs: number) => Model;
  /** When the canary is bad; null: never. */
  readonly faultFromMs: number | null;
  /** How long the canary's requests take before they count, as a timeout does. */
  readonly countsAfterMs: number;
  /** When the simulation gives up. */
  readonly untilMs: number;
}

export interface Outcome {
  readonly end: "promoted" | "aborted" | "waiting";
  /** Step that it ended in, from 0. */
  readonly step: number;
  readonly endMs: number;
  /** Requests that the canary got while it was bad, those that hung at the end included. */
  readonly metFault: number;
}

/** A look that sees nothing new decides as the one before, once its step took its time. With three requests an hour nearly all looks are such ones. */
function isTimeOver({ everyMs }: RolloutPlan, { verdict, state }: ReturnType<typeof decideRollout>): boolean {
  return verdict === "wait" && state.kind === "stepping" && state.elapsedMs >= everyMs;
}

export function simulateRollout(scenario: Scenario, draw: () => number): Outcome {
  const { plan, rate, lookMs, faultFromMs } = scenario;
  const [canary, main] = [new GrowingCounts(), new GrowingCounts()];
  const late: number[] = [];
  const delay = Math.ceil(scenario.countsAfterMs / lookMs);
  let decision = decideRollout(plan, firstState, lookAt(0));
  let metFault = 0;
  let step = 0;
  for (let atMs = lookMs; atMs <= scenario.untilMs; atMs += lookMs) {
    const requests = poisson((rate * lookMs) / 1000, draw);
    const ofCanary = binomial(requests, decision.share / 100, draw);
    if (faultFromMs !== null && atMs > faultFromMs) metFault += ofCanary;
    late.push(ofCanary);
    const counted = late.length > delay ? late.shift()! : 0;
    canary.add(scenario.canary(atMs), counted, draw);
    main.add(scenario.main(atMs), requests - ofCanary, draw);
    if (counted === 0 && requests === ofCanary && isTimeOver(plan, decision)) continue;
    decision = decideRollout(plan, decision.state, lookAt(lookMs));
    const { state }: { state: RolloutState } = decision;
    if (state.kind === "promoted" || state.kind === "aborted") return { end: state.kind, step, endMs: atMs, metFault };
    step = state.step;
  }
  return { end: "waiting", step, endMs: scenario.untilMs, metFault };

  function lookAt(elapsedMs: number): Parameters<typeof decideRollout>[2] {
    return {
      elapsedMs,
      instances: { a: { canary: canary.now(), main: main.now() } },
      wanted: "none",
      isUnready: false,
      hasRestarted: false,
      blocked: null,
    };
  }
}
