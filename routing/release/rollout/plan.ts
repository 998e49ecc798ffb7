// The annotation `sluice.io/rollout`: which predictor is released, in which steps, and what must hold.
import { type Clause, type ClauseReader, quoted, readClauses } from "../grammar/clauses.ts";
import { formatDuration, formatNumber, isWithin, readDurationMs, readPercent } from "../grammar/quantities.ts";
import { defaultGates, formatGate, type Gate, gateKeywords, readGate } from "./gates.ts";

export interface RolloutPlan {
  /** Name of the predictor that is released. */
  readonly to: string;
  /** Percent of the deployment's live traffic that it takes, growing, from 0.01 to 100; the last is 100. At most 20; of a gate with a bound of main at least two. */
  readonly steps: readonly number[];
  /** The least time that each step takes, 10 s to 30 d. */
  readonly everyMs: number;
  /** Requests that the predictor must have answered in a step before the next one, 1 to 1,000,000; gates that compare with main want as many of main. */
  readonly minRequests: number;
  /** Rewards that it must have got in a step where a gate reads rewards, 10 to 1,000,000. */
  readonly minRewards: number;
  /** What the predictor does at first, and after its pods began anew, is no evidence until so long has passed (0 to 1 h) and so many requests have come (0 to 1,000,000). */
  readonly warm: { readonly ms: number; readonly requests: number };
  /** At least one. */
  readonly gates: readonly Gate[];
  /** What follows when a gate is broken: the traffic goes back to the other predictors, or the step stays until a person decides. */
  readonly otherwise: "roll-back" | "hold";
}

type Draft = { -readonly [Key in keyof RolloutPlan]?: RolloutPlan[Key] };

const defaults: Omit<RolloutPlan, "to"> = {
  steps: [1, 5, 25, 50, 100],
  everyMs: 600_000,
  minRequests: 500,
  minRewards: 50,
  warm: { ms: 60_000, requests: 20 },
  gates: defaultGates,
  otherwise: "roll-back",
};

const maxSteps = 20;
const most = 1_000_000;
const predictorName = /^[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?$/i;

/**
 * Reads the annotation. A full text: `to canary; steps 1%,5%,25%,50%,100%; every 10m; min 500 requests; warm 1m, 20 requests; errors ≤ 1%, ≤ 1.5x main; refusals ≤ 1.5x main; p99 ≤ 1.2x main;
 * agreement ≥ 99%; reward ≥ main; else roll back`. Clauses may stand in any order, each once; a clause that is left out has its default (`defaults`), gates where no gate stands. So
 * `canary` alone is a whole text. `mistake`: one clear sentence, with what to write.
 */
export function readRolloutPlan(text: string): { readonly plan: RolloutPlan } | { readonly mistake: string } {
  const draft: Draft = {};
  const mistake = readClauses(text, readers, draft, ({ keyword, words }) =>
    words.length === 0 && !readers.has(keyword) ? "to" : null,
  );
  if (mistake !== null) return { mistake };
  const { to } = draft;
  if (to === undefined) return { mistake: `the predictor to release is missing; write "to NAME", as in "to canary"` };
  const plan: RolloutPlan = { ...defaults, ...draft, to };
  const unasked = plan.steps.length === 1 ? plan.gates.find(({ times }) => times !== null) : undefined;
  if (unasked === undefined) return { plan };
  return {
    mistake: `"${formatGate(unasked)}" cannot be asked at 100%, where main gets no traffic; write a step before it, as "steps 50%, 100%", or a bound without main in each gate, as "errors ≤ 1%"`,
  };
}

/** The full text of a plan, which reads as the same plan. */
export function printRolloutPlan(plan: RolloutPlan): string {
  return [
    `to ${plan.to}`,
    `steps ${plan.steps.map((step) => `${formatNumber(step)}%`).join(", ")}`,
    `every ${formatDuration(plan.everyMs)}`,
    `min ${plan.minRequests} requests, ${plan.minRewards} rewards`,
    `warm ${formatDuration(plan.warm.ms)}, ${plan.warm.requests} requests`,
    ...plan.gates.map(formatGate),
    `else ${plan.otherwise === "hold" ? "hold" : "roll back"}`,
  ].join("; ");
}

const readers: ReadonlyMap<string, ClauseReader<Draft>> = new Map<string, ClauseReader<Draft>>([
  [
    "to",
    (draft, { words }) => {
      if (words.length !== 1) return `"to" wants the name of one predictor, as in "to canary"`;
      if (!predictorName.test(words[0]!)) return `${quoted(words[0]!)} is no name of a predictor`;
      draft.to = words[0]!;
      return null;
    },
  ],
  [
    "steps",
    (draft, { words, text }) => {
      const steps = words.filter((word) => word !== ",").map(readPercent);
      if (steps.length === 0 || !steps.every((step) => step !== null))
        return `${text} has no list of percentages; write "steps 1%, 5%, 25%, 50%, 100%"`;
      if (steps.length > maxSteps) return `there are ${steps.length} steps; write at most ${maxSteps}`;
      for (const [at, step] of steps.entries()) {
        if (!isWithin(step, 0.01, 100)) return `the step ${formatNumber(step)}% is not from 0.01% to 100%`;
        if (at > 0 && step <= steps[at - 1]!)
          return `the step ${formatNumber(step)}% is not above the one before it; write growing percentages`;
      }
      if (steps.at(-1) !== 100) return `the last step is ${formatNumber(steps.at(-1)!)}%; end the steps with 100%`;
      draft.steps = steps;
      return null;
    },
  ],
  [
    "every",
    (draft, { words, text }) => {
      const everyMs = words.length === 1 ? readDurationMs(words[0]!) : null;
      if (everyMs === null) return `${text} has no duration; write "every 10m" (units: s, m, h, d)`;
      if (!isWithin(everyMs, 10_000, 30 * 86_400_000)) return `${text} is not from 10s to 30d`;
      draft.everyMs = everyMs;
      return null;
    },
  ],
  [
    "min",
    (draft, clause) => readParts(draft, clause, minParts, `"min 500 requests" or "min 500 requests, 50 rewards"`),
  ],
  ["warm", (draft, clause) => readParts(draft, clause, warmParts, `"warm 1m, 20 requests"`)],
  ...gateKeywords.map((keyword): [string, ClauseReader<Draft>] => [
    keyword,
    (draft, clause) => {
      const gate = readGate(clause);
      if ("mistake" in gate) return gate.mistake;
      draft.gates = [...(draft.gates ?? []), gate];
      return null;
    },
  ]),
  [
    "else",
    (draft, { words, text }) => {
      const wanted = words.join(" ").toLowerCase().replaceAll("-", " ");
      if (wanted === "hold") draft.otherwise = "hold";
      else if (wanted === "roll back" || wanted === "rollback") draft.otherwise = "roll-back";
      else return `${text} is not understood; write "else roll back" or "else hold"`;
      return null;
    },
  ],
]);

/** One part of `min` or `warm`, such as `500 requests`; null: it is another part. `range`: for people. */
interface Part {
  readonly what: string;
  readonly range: readonly [least: number, most: number, text: string];
  readonly read: (words: string) => number | null;
  readonly set: (draft: Draft, value: number) => void;
}

const countOf =
  (unit: string) =>
  (words: string): number | null => {
    const found = /^(\d{1,9}) (\w+?)s?$/.exec(words);
    return found?.[2] === unit ? Number(found[1]) : null;
  };

const minParts: readonly Part[] = [
  {
    what: "requests",
    range: [1, most, `1 to ${most}`],
    read: countOf("request"),
    set: (draft, count) => (draft.minRequests = count),
  },
  {
    what: "rewards",
    range: [10, most, `10 to ${most}`],
    read: countOf("reward"),
    set: (draft, count) => (draft.minRewards = count),
  },
];

const warmParts: readonly Part[] = [
  {
    what: "time",
    range: [0, 3_600_000, "0s to 1h"],
    read: readDurationMs,
    set: (draft, ms) => (draft.warm = { ...(draft.warm ?? defaults.warm), ms }),
  },
  {
    what: "requests",
    range: [0, most, `0 to ${most}`],
    read: countOf("request"),
    set: (draft, requests) => (draft.warm = { ...(draft.warm ?? defaults.warm), requests }),
  },
];

/** Parts with commas between them, each once, in any order. */
function readParts(draft: Draft, { words, text }: Clause, parts: readonly Part[], write: string): string | null {
  const seen = new Set<Part>();
  for (const written of words.join(" ").toLowerCase().split(" , ")) {
    const part = parts.find(({ read }) => read(written) !== null);
    if (part === undefined) return `${text} is not understood; write ${write}`;
    if (seen.has(part)) return `${text} has ${part.what} twice; write each once`;
    seen.add(part);
    const value = part.read(written)!;
    const [least, highest, range] = part.range;
    if (!isWithin(value, least, highest)) return `${written} is not from ${range}`;
    part.set(draft, value);
  }
  return null;
}
