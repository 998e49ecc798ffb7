// One simulated rollout, and many: traffic, two models, and the decision of the gateway itself at each look.
import { decideRollout, type RolloutLook } from "../../routing/release/rollout/decide.ts";
import { readRolloutPlan } from "../../routing/release/rollout/plan.ts";
import { type RolloutState, stepState } from "../../routing/release/rollout/state.ts";
import { noCounts } from "../../routing/release/statistics/arm-counts.ts";
import { seededRandom } from "../peers/random.ts";
import { quantile } from "../peers/statistics.ts";
import type { Scenario } from "./scenarios.ts";
import { lookMs } from "./services.ts";

interface Outcome {
  readonly end: "promoted" | "aborted" | "waiting";
  readonly step: number;
  readonly endMs: number;
  /** Requests that the canary got while it was bad. */
  readonly metFault: number;
  /** What it was rolled back for. */
  readonly why: string;
}

function simulated({ text, service, faultFrom, untilMs }: Scenario, seed: number): Outcome {
  const draw = seededRandom(seed);
  const read = readRolloutPlan(text);
  if ("mistake" in read) throw new Error(read.mistake);
  const run = service(draw);
  let state: RolloutState = stepState(read.plan, 0, none);
  let share = read.plan.steps[0]!;
  let [metFault, step, canaryBefore] = [0, 0, 0];
  for (let atMs = lookMs; atMs <= untilMs; atMs += lookMs) {
    const { canary, main } = run({ atMs, share, canaryBefore, draw });
    canaryBefore += canary.requests;
    if (faultFrom?.({ atMs, share }) === true) metFault += canary.requests;
    const decision = decideRollout(read.plan, state, { ...quiet, instances: { a: { canary, main } } });
    ({ state, share } = decision);
    if (state.kind !== "stepping") {
      const end = state.kind === "promoted" ? "promoted" : "aborted";
      return { end, step, endMs: atMs, metFault, why: state.kind === "aborted" ? state.why : "" };
    }
    step = state.step;
    // A process that begins anew each look: cheaper than counts that grow, and the same evidence.
    state = { ...state, seen: none };
  }
  return { end: "waiting", step, endMs: untilMs, metFault, why: "" };
}

const none = { a: { canary: noCounts, main: noCounts } };
const quiet: Omit<RolloutLook, "instances"> = {
  elapsedMs: lookMs,
  wanted: "none",
  isUnready: false,
  hasRestarted: false,
  blocked: null,
};

export interface Tally {
  readonly runs: number;
  readonly promoted: number;
  readonly aborted: number;
  readonly waiting: number;
  /** Of those that ended: median and 99th percentile, in seconds; null: none did. */
  readonly seconds: readonly [number, number] | null;
  /** Requests that met the fault in a rollout: median, 99th percentile. */
  readonly metFault: readonly [number, number];
  /** One sentence of those that were rolled back. */
  readonly why: string;
}

/** The same counts for the same number of runs. */
export function tally(scenario: Scenario, runs: number): Tally {
  const outcomes = Array.from({ length: runs }, (_, at) => simulated(scenario, 1 + at * 7919));
  const count = (end: Outcome["end"]): number => outcomes.filter((outcome) => outcome.end === end).length;
  const ended = outcomes.filter(({ end }) => end !== "waiting").map(({ endMs }) => endMs / 1000);
  const met = outcomes.map(({ metFault }) => metFault);
  return {
    runs,
    promoted: count("promoted"),
    aborted: count("aborted"),
    waiting: count("waiting"),
    seconds: ended.length === 0 ? null : [quantile(ended, 0.5), quantile(ended, 0.99)],
    metFault: [quantile(met, 0.5), quantile(met, 0.99)],
    why: outcomes.find(({ why }) => why !== "")?.why ?? "",
  };
}
