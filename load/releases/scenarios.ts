// The rollouts that are simulated: without a fault, and with faults of several sizes.
import { readRolloutPlan } from "../../routing/release/rollout/plan.ts";
import { modelOf } from "./models.ts";
import type { Scenario } from "./rollout.ts";

/** The example of the documentation, in fewer and shorter steps: what is simulated is paid for by the look. */
const full =
  "canary; steps 5%,25%,100%; every 30s; min 500 requests; errors ≤ 1%, ≤ 1.5x main; p99 ≤ 1.2x main; else roll back";
const agreeing = full.replace("else", "agreement ≥ 99%; else");

export interface Named extends Scenario {
  readonly name: string;
  readonly text: string;
  readonly isHealthy: boolean;
  /** Of the rollouts that are asked for, how many are simulated of this one. */
  readonly part: number;
}

const healthy = modelOf(0.001, 20);
const hour = 3_600_000;

/** A healthy canary by default, 200 requests a second, looks each 2 s, half an hour at most. */
function scenario(name: string, part: number, changes: Partial<Scenario>, text = full): Named {
  const read = readRolloutPlan(text);
  if ("mistake" in read) throw new Error(read.mistake);
  const base: Scenario = {
    plan: read.plan,
    rate: 200,
    lookMs: 2000,
    main: () => healthy,
    canary: () => healthy,
    faultFromMs: null,
    countsAfterMs: 0,
    untilMs: hour / 2,
  };
  const made = { ...base, ...changes };
  return { ...made, name, text, isHealthy: made.faultFromMs === null, part };
}

const bothFail = modelOf(0.05, 40);
const atBound = modelOf(0.01, 20);
const nearBound = modelOf(0.01 / 1.5, 20);
const errors5 = modelOf(0.05, 20);
const slower = modelOf(0.001, 30);
const slow2 = modelOf(0.001, 40);
const wrong = modelOf(0.001, 10, 0.95);
const agreed = modelOf(0.001, 20, 0.995);
const hangs = modelOf(1, 3000);
const errors1 = modelOf(0.01, 20);
const errors2 = modelOf(0.02, 20);
const failsAll = modelOf(1, 20);

export const scenarios: readonly Named[] = [
  scenario("no fault", 1, {}),
  scenario(
    "no fault: the steps of the documentation, 100 requests a second",
    0.002,
    { rate: 100, untilMs: 4 * hour },
    full.replace("5%,25%,100%; every 30s", "1%,5%,25%,50%,100%; every 10m"),
  ),
  scenario("no fault: errors at both bounds, canary 1 %, main 0.667 %", 0.02, {
    canary: () => atBound,
    main: () => nearBound,
  }),
  scenario(
    "no fault: main and canary together fail 5 % and take twice as long, 10 s of each minute",
    1,
    {
      canary: (atMs) => (atMs % 60_000 < 10_000 ? bothFail : healthy),
      main: (atMs) => (atMs % 60_000 < 10_000 ? bothFail : healthy),
    },
    "canary; steps 5%,25%,100%; every 30s",
  ),
  scenario("no fault: agreement 99.5 %, of at least 99 %", 1, { canary: () => agreed }, agreeing),
  scenario(
    "errors of main 1 %, of canary 5 %",
    1,
    { main: () => errors1, canary: () => errors5, faultFromMs: 0 },
    full.replace("≤ 1%, ", ""),
  ),
  scenario("errors of main 0.1 %, of canary 2 %", 1, { canary: () => errors2, faultFromMs: 0 }),
  scenario("errors of main 0.1 %, of canary 5 %, from 70 s on", 1, {
    canary: (atMs) => (atMs > 70_000 ? errors5 : healthy),
    faultFromMs: 70_000,
    main: () => healthy,
  }),
  scenario("p99 1.5 times main's", 0.02, { canary: () => slower, faultFromMs: 0 }),
  scenario("p99 twice main's", 1, { canary: () => slow2, faultFromMs: 0 }),
  scenario("hangs: each request times out after 3 s", 1, {
    canary: () => hangs,
    faultFromMs: 0,
    countsAfterMs: 3000,
  }),
  scenario("fails each request", 1, { canary: () => failsAll, faultFromMs: 0 }),
  scenario("fast and wrong: agreement 95 %, of at least 99 %", 1, { canary: () => wrong, faultFromMs: 0 }, agreeing),
  scenario("3 requests an hour for a week, no fault", 0.01, { rate: 3 / 3600, lookMs: 30_000, untilMs: 168 * hour }),
  scenario(
    "3 requests an hour for a week, half of them to a canary that fails each",
    1,
    { rate: 3 / 3600, lookMs: 30_000, untilMs: 168 * hour, canary: () => failsAll, faultFromMs: 0 },
    full.replace("5%,25%,100%", "50%,100%"),
  ),
];
