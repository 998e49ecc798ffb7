// The annotation `sluice.io/bandit`: by what and how the traffic of a deployment's predictors follows their rewards.
import { type JsonPath, printJsonPath, readJsonPath } from "../../text/json-path.ts";
import { nearWord } from "../../text/near-word.ts";
import { type ClauseReader, readClauses } from "../grammar/clauses.ts";
import { formatDuration, formatNumber, isWithin, readDurationMs, readPercent } from "../grammar/quantities.ts";

export type Policy =
  /** Each predictor gets the probability that it is the best one. */
  | { readonly kind: "thompson" }
  /** The best so far gets all but `percent` (0.1 to 100), which all share alike. */
  | { readonly kind: "epsilon-greedy"; readonly percent: number }
  /** The one whose reward could be highest gets all but the floors. */
  | { readonly kind: "ucb" };

export type RewardSource =
  /** A number in feedback. At another path than Seldon's also true (1) or false (0). */
  | { readonly kind: "feedback"; readonly path: JsonPath }
  /** 1 for each request that did not fail, else 0. */
  | { readonly kind: "success" }
  /** Shorter is better: minus the logarithm of each request's latency. */
  | { readonly kind: "latency" };

export interface BanditPlan {
  readonly policy: Policy;
  /** Percent of live traffic that each predictor keeps, 0.1 to 50; of more predictors than that allows, each keeps an even share. */
  readonly floor: number;
  /** Time between two changes of shares, 10 s to 7 d. */
  readonly everyMs: number;
  /** How long a reward counts: after this time it counts 1/e, 1 min to 365 d, and at least `everyMs`. */
  readonly windowMs: number;
  readonly reward: RewardSource;
}

/** Where Seldon's clients have it. */
const rewardPath: JsonPath = ["reward"];
const feedbackReward: RewardSource = { kind: "feedback", path: rewardPath };

const policies = ["thompson", "epsilon-greedy", "ucb"];

type Draft = { -readonly [Key in keyof BanditPlan]?: BanditPlan[Key] };

/**
 * Reads the annotation: `policy thompson; floor 5%; every 1m; window 1d; reward feedback`. Clauses may stand in any order, each once; one that is left out has the default that is written
 * here, and `reward feedback`, which is `reward feedback $.reward`. `thompson`, `epsilon-greedy 10%` or `ucb` alone is a whole text. `reward success` and `reward latency` need no feedback.
 * `mistake`: one clear sentence, with what to write.
 */
export function readBanditPlan(text: string): { readonly plan: BanditPlan } | { readonly mistake: string } {
  const draft: Draft = {};
  const mistake = readClauses(text, readers, draft, ({ keyword }) => (policies.includes(keyword) ? "policy" : null));
  if (mistake !== null) return { mistake };
  const { policy, floor = 5, everyMs = 60_000, windowMs = 86_400_000, reward = feedbackReward } = draft;
  if (policy === undefined)
    return { mistake: `the policy is missing; write "policy thompson", "policy epsilon-greedy 10%" or "policy ucb"` };
  if (windowMs < everyMs)
    return { mistake: `the window of ${formatDuration(windowMs)} is shorter than every ${formatDuration(everyMs)}` };
  return { plan: { policy, floor, everyMs, windowMs, reward } };
}

/** The full text of a plan, which reads as the same plan. */
export function printBanditPlan({ policy, floor, everyMs, windowMs, reward }: BanditPlan): string {
  return [
    `policy ${policy.kind === "epsilon-greedy" ? `epsilon-greedy ${formatNumber(policy.percent)}%` : policy.kind}`,
    `floor ${formatNumber(floor)}%`,
    `every ${formatDuration(everyMs)}`,
    `window ${formatDuration(windowMs)}`,
    `reward ${printReward(reward)}`,
  ].join("; ");
}

/** As it is written: rewards of other texts are on other scales. */
export function printReward(reward: RewardSource): string {
  return reward.kind === "feedback" && printJsonPath(reward.path) !== printJsonPath(rewardPath)
    ? `feedback ${printJsonPath(reward.path)}`
    : reward.kind;
}

const readers: ReadonlyMap<string, ClauseReader<Draft>> = new Map<string, ClauseReader<Draft>>([
  [
    "policy",
    (draft, { words, text }) => {
      const [written = "", epsilon, ...more] = words;
      const kind = written.toLowerCase();
      const percent = epsilon === undefined ? 10 : readPercent(epsilon);
      if (kind === "epsilon-greedy" && more.length === 0) {
        if (!isWithin(percent, 0.1, 100))
          return `${text}: the part that explores is not from 0.1% to 100%; write "policy epsilon-greedy 10%"`;
        draft.policy = { kind, percent };
      } else if ((kind === "thompson" || kind === "ucb") && epsilon === undefined) draft.policy = { kind };
      else {
        const meant = nearWord(kind, policies);
        return `${text} is not understood; ${meant === null || meant === kind ? `write "policy thompson", "policy epsilon-greedy 10%" or "policy ucb"` : `did you mean "policy ${meant}"?`}`;
      }
      return null;
    },
  ],
  [
    "floor",
    (draft, { words, text }) => {
      const floor = words.length === 1 ? readPercent(words[0]!) : null;
      if (floor === null) return `${text} has no percentage; write "floor 5%"`;
      if (!isWithin(floor, 0.1, 50)) return `${text} is not from 0.1% to 50%`;
      draft.floor = floor;
      return null;
    },
  ],
  ["every", readTime("everyMs", "every 1m", 10_000, 7 * 86_400_000)],
  ["window", readTime("windowMs", "window 1d", 60_000, 365 * 86_400_000)],
  [
    "reward",
    (draft, { words, text }) => {
      const [written, path, ...more] = words;
      const word = written?.toLowerCase();
      if (word === "feedback" && path !== undefined) {
        if (more.length > 0)
          return `${text} has more than one path; write one, and in a key a space as \\u0020, a comma as \\u002c and a semicolon as \\u003b`;
        const read = readJsonPath(path);
        if ("mistake" in read) return `${text}: ${read.mistake}`;
        draft.reward = { kind: word, ...read };
      } else if (word === "feedback") draft.reward = feedbackReward;
      else if ((word === "success" || word === "latency") && path === undefined) draft.reward = { kind: word };
      else
        return `${text} is not understood; write "reward feedback", "reward feedback $.truth.clicked", "reward success" or "reward latency"`;
      return null;
    },
  ],
]);

function readTime(key: "everyMs" | "windowMs", example: string, least: number, most: number): ClauseReader<Draft> {
  return (draft, { words, text }) => {
    const ms = words.length === 1 ? readDurationMs(words[0]!) : null;
    if (ms === null) return `${text} has no duration; write "${example}" (units: s, m, h, d)`;
    if (!isWithin(ms, least, most)) return `${text} is not from ${formatDuration(least)} to ${formatDuration(most)}`;
    draft[key] = ms;
    return null;
  };
}
