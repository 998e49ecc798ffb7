// Many rollouts of a scenario, and what became of them.
import { quantile } from "../peers/statistics.ts";
import { seededRandom } from "../peers/random.ts";
import { type Outcome, simulateRollout } from "./rollout.ts";
import type { Named } from "./scenarios.ts";

export interface Tally {
  readonly rollouts: number;
  readonly promoted: number;
  readonly aborted: number;
  readonly waiting: number;
  /** Of those that ended: median and 99th percentile, in seconds; null: none did. */
  readonly seconds: readonly [number | null, number | null];
  /** Requests that met the fault in a rollout: median, 99th percentile and the most. */
  readonly metFault: readonly [number, number, number];
  /** Highest step that any of them ended in, from 1. */
  readonly lastStep: number;
}

/** The same counts for the same seed. Each rollout has its own seed, so that parts may be simulated apart. */
export function tally(scenario: Named, rollouts: number, seed: number): Tally {
  const outcomes = Array.from({ length: rollouts }, (_, at) =>
    simulateRollout(scenario, seededRandom(seed + at * 7919)),
  );
  const count = (end: Outcome["end"]): number => outcomes.filter((outcome) => outcome.end === end).length;
  const ended = outcomes.filter(({ end }) => end !== "waiting").map(({ endMs }) => endMs / 1000);
  const met = outcomes.map(({ metFault }) => metFault);
  return {
    rollouts,
    promoted: count("promoted"),
    aborted: count("aborted"),
    waiting: count("waiting"),
    seconds: ended.length === 0 ? [null, null] : [quantile(ended, 0.5), quantile(ended, 0.99)],
    metFault: [quantile(met, 0.5), quantile(met, 0.99), met.reduce((most, one) => Math.max(most, one), 0)],
    lastStep: 1 + outcomes.reduce((most, { step }) => Math.max(most, step), 0),
  };
}
