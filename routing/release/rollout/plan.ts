// The annotation `sluice.io/rollout`: which predictor is released, in which steps, and what must hold.
import { type Clause, quoted, readClauses } from "../grammar/clauses.ts";
import { nearWord } from "../../text/near-word.ts";
import { formatDuration, formatNumber, readDurationMs, readPercent } from "../grammar/quantities.ts";
import { defaultGates, formatGate, type Gate, gateKeywords, readGate } from "./gates.ts";

export interface RolloutPlan {
  /** Name of the predictor that is released. */
  readonly to: string;
  /** Percent of the deployment's live traffic that it takes, growing, from 0.01 to 100; the last is 100. At most 20. */
  readonly steps: readonly number[];
  /** The least time that each step takes, 10 s to 30 d. */
  readonly everyMs: number;
  /** Requests that the predictor must have answered in a step before the next one, 1 to 1,000,000; gates that compare with main want as many of main. */
  readonly minRequests: number;
  /** Rewards that it must have got in a step where a gate reads rewards, 10 to 1,000,000. */
  readonly minRewards: number;
  /** At least one. */
  readonly gates: readonly Gate[];
  /** What follows when a gate is broken: the traffic goes back to the other predictors, or the step stays until a person decides. */
  readonly otherwise: "roll-back" | "hold";
}

const defaults = {
  steps: [1, 5, 25, 50, 100],
  everyMs: 600_000,
  minRequests: 500,
  minRewards: 50,
  gates: defaultGates,
  otherwise: "roll-back",
} as const;

const maxSteps = 20;
const predictorName = /^[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?$/i;
const keywords = ["to", "steps", "every", "min", ...gateKeywords, "else"];

type Draft = { -readonly [Key in keyof RolloutPlan]: RolloutPlan[Key] | null };

/**
 * Reads the annotation. A full text: `to canary; steps 1%,5%,25%,50%,100%; every 10m; min 500 requests; errors ≤ 1%, ≤ 1.5x main; p99 ≤ 1.2x main;
 * agreement ≥ 99%; reward ≥ main; else roll back`. Clauses may stand in any order, each once; a clause that is left out has its default: the steps above, every 10m, min 500
 * requests, 50 rewards, `errors ≤ 1.5x main; p99 ≤ 1.5x main` where no gate stands, else roll back. So `canary` alone is a whole text.
 * `mistake`: one clear sentence, with what to write.
 */
export function readRolloutPlan(text: string): { readonly plan: RolloutPlan } | { readonly mistake: string } {
  const clauses = readClauses(text);
  if (typeof clauses === "string") return { mistake: clauses };
  const draft: Draft = {
    to: null,
    steps: null,
    everyMs: null,
    minRequests: null,
    minRewards: null,
    gates: null,
    otherwise: null,
  };
  const seen = new Set<string>();
  for (const [at, clause] of clauses.entries()) {
    const isName = at === 0 && clause.words.length === 0 && !keywords.includes(clause.keyword);
    const keyword = isName ? "to" : clause.keyword;
    if (seen.has(keyword)) return { mistake: `"${keyword}" stands twice; write it once` };
    seen.add(keyword);
    const mistake = isName
      ? readTo(draft, [clause.first])
      : (readers[keyword] ?? (gateKeywords.includes(keyword) ? readGateClause : unknownClause))(
          draft,
          clause.words,
          clause,
        );
    if (mistake !== null) return { mistake };
  }
  if (draft.to === null) return { mistake: `the predictor to release is missing; write "to NAME", as in "to canary"` };
  return {
    plan: {
      to: draft.to,
      steps: draft.steps ?? defaults.steps,
      everyMs: draft.everyMs ?? defaults.everyMs,
      minRequests: draft.minRequests ?? defaults.minRequests,
      minRewards: draft.minRewards ?? defaults.minRewards,
      gates: draft.gates ?? defaults.gates,
      otherwise: draft.otherwise ?? defaults.otherwise,
    },
  };
}

/** The full text of a plan, which reads as the same plan. */
export function printRolloutPlan(plan: RolloutPlan): string {
  return [
    `to ${plan.to}`,
    `steps ${plan.steps.map((step) => `${formatNumber(step)}%`).join(", ")}`,
    `every ${formatDuration(plan.everyMs)}`,
    `min ${plan.minRequests} requests, ${plan.minRewards} rewards`,
    ...plan.gates.map(formatGate),
    `else ${plan.otherwise === "hold" ? "hold" : "roll back"}`,
  ].join("; ");
}

type Reader = (draft: Draft, words: readonly string[], clause: Clause) => string | null;

const readers: Readonly<Record<string, Reader>> = {
  __proto__: null as never,
  to: (draft, words) => readTo(draft, words),
  steps: (draft, words, { text }) => {
    const steps = words.filter((word) => word !== ",").map(readPercent);
    if (steps.length === 0 || steps.some((step) => step === null))
      return `${text} has no list of percentages; write "steps 1%, 5%, 25%, 50%, 100%"`;
    if (steps.length > maxSteps) return `there are ${steps.length} steps; write at most ${maxSteps}`;
    for (const [at, step] of steps.entries()) {
      if (step! < 0.01 || step! > 100) return `the step ${formatNumber(step!)}% is not from 0.01% to 100%`;
      if (at > 0 && step! <= steps[at - 1]!)
        return `the step ${formatNumber(step!)}% is not above the one before it; write growing percentages`;
    }
    if (steps.at(-1) !== 100) return `the last step is ${formatNumber(steps.at(-1)!)}%; end the steps with 100%`;
    draft.steps = steps as number[];
    return null;
  },
  every: (draft, words, { text }) => {
    const everyMs = words.length === 1 ? readDurationMs(words[0]!) : null;
    if (everyMs === null) return `${text} has no duration; write "every 10m" (units: s, m, h, d)`;
    if (everyMs < 10_000 || everyMs > 30 * 86_400_000) return `${text} is not from 10s to 30d`;
    draft.everyMs = everyMs;
    return null;
  },
  min: (draft, words, { text }) => {
    const pairs = words.join(" ").split(" , ");
    for (const pair of pairs) {
      const found = /^(\d{1,9}) (requests?|rewards?)$/.exec(pair.toLowerCase());
      if (found === null)
        return `${text} is not understood; write "min 500 requests" or "min 500 requests, 50 rewards"`;
      const count = Number(found[1]);
      const isRewards = found[2]!.startsWith("reward");
      const least = isRewards ? 10 : 1;
      if (count < least || count > 1_000_000)
        return `${count} ${isRewards ? "rewards" : "requests"} is not from ${least} to 1000000`;
      const key = isRewards ? "minRewards" : "minRequests";
      if (draft[key] !== null) return `${text} has ${isRewards ? "rewards" : "requests"} twice; write each once`;
      draft[key] = count;
    }
    return null;
  },
  else: (draft, words, { text }) => {
    const wanted = words.join(" ").toLowerCase().replaceAll("-", " ");
    if (wanted === "hold") draft.otherwise = "hold";
    else if (wanted === "roll back" || wanted === "rollback") draft.otherwise = "roll-back";
    else return `${text} is not understood; write "else roll back" or "else hold"`;
    return null;
  },
};

function readTo(draft: Draft, words: readonly string[]): string | null {
  if (words.length !== 1) return `"to" wants the name of one predictor, as in "to canary"`;
  if (!predictorName.test(words[0]!)) return `${quoted(words[0]!)} is no name of a predictor`;
  draft.to = words[0]!;
  return null;
}

const readGateClause: Reader = (draft, _words, clause) => {
  const read = readGate(clause);
  if ("mistake" in read) return read.mistake;
  draft.gates = [...(draft.gates ?? []), read.gate];
  return null;
};

const unknownClause: Reader = (_draft, _words, { keyword, text }) => {
  const meant = nearWord(keyword, keywords);
  return `${text} is not understood; ${meant === null ? `a clause begins with ${keywords.join(", ")}` : `did you mean "${meant}"?`}`;
};
