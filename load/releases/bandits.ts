// Simulated bandits: the gateway's own decision each look, beside even shares and beside the epsilon-greedy router that ships with Seldon Core.
import { decideBandit, firstBanditState } from "../../routing/release/bandit/decide.ts";
import { readBanditPlan } from "../../routing/release/bandit/plan.ts";
import { armCounts, type ArmCounts, noCounts } from "../../routing/release/statistics/arm-counts.ts";
import { seededRandom } from "../peers/random.ts";

export interface BanditScenario {
  readonly name: string;
  /** Chance of a reward of 1, by arm, at a minute. */
  readonly chances: (minute: number) => readonly number[];
  readonly minutes: number;
  readonly requestsAMinute: number;
  /** Share of requests that get feedback at all. */
  readonly answered: number;
  /** Minutes until it comes. */
  readonly delay: number;
}

/** Gives shares for a minute, and gets the rewards that came in it: count and sum by arm. */
type Router = (came: readonly (readonly [count: number, sum: number])[]) => readonly number[];

export const routers: Readonly<Record<string, (arms: number, draw: () => number) => Router>> = {
  even: (arms) => () => Array.from({ length: arms }, () => 1 / arms),
  "Seldon's epsilon-greedy router": seldonRouter,
  "policy thompson; floor 5%; window 1d": (arms) => gatewayRouter("thompson; floor 5%; window 1d", arms),
  "policy thompson; floor 1%; window 1d": (arms) => gatewayRouter("thompson; floor 1%; window 1d", arms),
  "policy thompson; floor 5%; window 1h": (arms) => gatewayRouter("thompson; floor 5%; window 1h", arms),
  "policy epsilon-greedy 10%; floor 1%; window 1d": (arms) =>
    gatewayRouter("epsilon-greedy 10%; floor 1%; window 1d", arms),
  "policy ucb; floor 1%; window 1d": (arms) => gatewayRouter("ucb; floor 1%; window 1d", arms),
};

export const banditScenarios: readonly BanditScenario[] = [
  { name: "90 %, 80 %", chances: () => [0.8, 0.9], minutes: 360, requestsAMinute: 60, answered: 1, delay: 0 },
  {
    name: "90 %, 85 %, 80 %",
    chances: () => [0.8, 0.85, 0.9],
    minutes: 360,
    requestsAMinute: 60,
    answered: 1,
    delay: 0,
  },
  { name: "5 %, 4 % (clicks)", chances: () => [0.04, 0.05], minutes: 360, requestsAMinute: 60, answered: 1, delay: 0 },
  {
    name: "90 %, 80 %: feedback of one request in ten, an hour late",
    chances: () => [0.8, 0.9],
    minutes: 360,
    requestsAMinute: 60,
    answered: 0.1,
    delay: 60,
  },
  {
    name: "90 %, 60 %, which change places after three hours",
    chances: (minute) => (minute < 180 ? [0.6, 0.9] : [0.9, 0.6]),
    minutes: 360,
    requestsAMinute: 60,
    answered: 1,
    delay: 0,
  },
];

export interface BanditOutcome {
  /** Rewards that were missed beside the best arm of each minute. */
  readonly regret: number;
  /** Share of the best arm in the last minute. */
  readonly lastShare: number;
  /** Feedbacks until the best arm of the first minute got most of the traffic and kept it for ten minutes; null: never. */
  readonly feedbacksToMost: number | null;
}

export function simulateBandit(scenario: BanditScenario, router: string, seed: number): BanditOutcome {
  const draw = seededRandom(seed);
  const arms = scenario.chances(0).length;
  const route = routers[router]!(arms, draw);
  const underWay: (readonly [count: number, sum: number])[][] = [];
  const none = Array.from({ length: arms }, () => [0, 0] as const);
  const first = bestOf(scenario.chances(0));
  let [regret, lastShare, feedbacks] = [0, 0, 0];
  let reached: number | null = null;
  let minutesAbove = 0;
  let came: readonly (readonly [number, number])[] = none;
  for (let minute = 0; minute < scenario.minutes; minute += 1) {
    const shares = route(came);
    const chances = scenario.chances(minute);
    const best = bestOf(chances);
    if (minutesAbove < 10) {
      if (shares[first]! > 0.5) {
        if (minutesAbove === 0) reached = feedbacks;
        minutesAbove += 1;
      } else [minutesAbove, reached] = [0, null];
    }
    const rewards = none.map(([count, sum]): [number, number] => [count, sum]);
    for (let request = 0; request < scenario.requestsAMinute; request += 1) {
      let left = draw();
      let arm = shares.findIndex((share) => (left -= share) < 0);
      if (arm < 0) arm = arms - 1;
      regret += chances[best]! - chances[arm]!;
      const reward = draw() < chances[arm]! ? 1 : 0;
      if (draw() >= scenario.answered) continue;
      rewards[arm]![0] += 1;
      rewards[arm]![1] += reward;
    }
    underWay.push(rewards);
    came = underWay.length > scenario.delay ? underWay.shift()! : none;
    feedbacks += came.reduce((sum, [count]) => sum + count, 0);
    lastShare = shares[best]!;
  }
  return { regret, lastShare, feedbacksToMost: reached };
}

/** The gateway's: the decision of `routing/release/bandit/`, two looks a minute. */
function gatewayRouter(text: string, arms: number): Router {
  const read = readBanditPlan(text);
  if ("mistake" in read) throw new Error(read.mistake);
  const names = Array.from({ length: arms }, (_, arm) => `arm-${arm}`);
  let total: Record<string, ArmCounts> = Object.fromEntries(names.map((name) => [name, noCounts]));
  let state = firstBanditState(Object.fromEntries(names.map((name) => [name, 100 / arms])));
  const look = (elapsedMs: number): void => {
    ({ state } = decideBandit(read.plan, state, { elapsedMs, arms: names, instances: { a: total }, blocked: null }));
  };
  look(0);
  return (came) => {
    total = Object.fromEntries(
      names.map((name, arm) => {
        const [count, sum] = came[arm]!;
        const { rewards } = total[name]!;
        return [
          name,
          armCounts({
            rewards: { count: rewards.count + count, sum: rewards.sum + sum, sumSquares: rewards.sumSquares + sum },
          }),
        ];
      }),
    );
    look(30_000);
    look(30_000);
    return names.map((name) => state.shares[name]! / 100);
  };
}

/**
 * What the router does: with a chance of epsilon (0.1 by default) one of the branches that are not the best, else the best one; the best is the branch with the highest mean of all rewards ever,
 * ties by draw, and a branch without any has the mean 0. It starts with a drawn branch, and forgets nothing. Here it knows the rewards of the minute before, as the gateway does.
 */
function seldonRouter(arms: number, draw: () => number): Router {
  const tries = Array.from({ length: arms }, () => 0);
  const successes = [...tries];
  let best = Math.floor(draw() * arms);
  return (came) => {
    for (const [arm, [count, sum]] of came.entries()) {
      tries[arm]! += count;
      successes[arm]! += sum;
    }
    if (came.some(([count]) => count > 0)) {
      const values = tries.map((count, arm) => (count === 0 ? 0 : successes[arm]! / count));
      const highest = Math.max(...values);
      const ties = values.flatMap((value, arm) => (value === highest ? [arm] : []));
      best = ties[Math.floor(draw() * ties.length)]!;
    }
    return tries.map((_, arm) => (arm === best ? 0.9 : 0.1 / (arms - 1)));
  };
}

function bestOf(chances: readonly number[]): number {
  return chances.indexOf(Math.max(...chances));
}
