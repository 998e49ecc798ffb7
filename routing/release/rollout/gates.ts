// Gates of a rollout: what must hold of the predictor that is released. A gate is one row; its reader, its text and its judgement follow from the row.
import type { Clause } from "../grammar/clauses.ts";
import {
  formatDuration,
  formatNumber,
  formatPercent,
  isWithin,
  readDurationMs,
  readPercent,
  readQuantity,
} from "../grammar/quantities.ts";
import type { ArmCounts } from "../statistics/arm-counts.ts";
import { quantileOf, slowerThan, totalOf } from "../statistics/quantile.ts";

/** One of its bounds is there. */
export interface Gate {
  readonly keyword: GateKeyword;
  /** In the unit of its row, in its range; null: no such bound. */
  readonly value: number | null;
  /** So many times what main has, in the range of its row; null: no such bound. */
  readonly times: number | null;
}

/** Units of a value. */
interface Unit {
  readonly what: string;
  readonly read: (word: string) => number | null;
  readonly print: (value: number) => string;
}
const share: Unit = {
  what: "percentage",
  read: (word) => {
    const percent = readPercent(word);
    return percent === null ? null : Number((percent / 100).toFixed(8));
  },
  print: formatPercent,
};
const duration: Unit = { what: "duration", read: readDurationMs, print: formatDuration };
const plain: Unit = {
  what: "number",
  read: (word) => {
    const quantity = readQuantity(word.replace(/^-/, ""));
    return quantity?.unit === "" ? (word.startsWith("-") ? -1 : 1) * quantity.value : null;
  },
  print: formatNumber,
};

/** What was counted of an arm for a gate: of `total` the `sum`, and the sum of their squares, which of a part of them is the sum. */
export interface Measured {
  readonly total: number;
  readonly sum: number;
  readonly squares: number;
}

/**
 * One bound as a question about counts: is (sum − times · main's share · total) above `slack` · total? With `times` 0 main is not in it. `direction` −1: is it below?
 * `allowed`: the part of the canary's requests that may be bad, where it is a part; null: it is none.
 */
export interface Question {
  /** The bound, for people. */
  readonly text: () => string;
  readonly times: number;
  readonly slack: number;
  readonly direction: 1 | -1;
  readonly allowed: number | null;
  readonly measure: (counts: ArmCounts) => Measured;
  /** Part of it by buckets of callers; null: it is not counted by callers. */
  readonly byCaller: "failed" | "refused" | null;
}

interface GateRow {
  readonly sign: "≤" | "≥";
  readonly unit: Unit;
  /** Range of a value. */
  readonly range: readonly [least: number, most: number];
  /** Range of a bound of main; null: it has none. */
  readonly times: readonly [least: number, most: number] | null;
  readonly example: string;
  /** What is counted, for people. */
  readonly counted: "requests" | "measured requests" | "compared answers" | "rewards";
  /** `bound`: a value, or times main's. `main`: all that was counted of main in this rollout. */
  readonly ask: (
    bound: { readonly value: number } | { readonly times: number },
    main: ArmCounts,
  ) => Omit<Question, "text">;
  /** For people. */
  readonly facts: (counts: ArmCounts) => string;
}

/** What errors and refusals may have beyond a bound of main: of a thousand requests one. So a main that never fails asks nothing impossible. */
export const slackOfMain = 0.001;

const ofRequests = (part: "failed" | "refused"): GateRow => ({
  sign: "≤",
  unit: share,
  range: [0.00001, 0.9],
  times: [1, 100],
  example: `${part === "failed" ? "errors" : "refusals"} ≤ 1%, ≤ 1.5x main`,
  counted: "requests",
  ask: (bound, main) => {
    const [times, slack] = "value" in bound ? [0, bound.value] : [bound.times, slackOfMain];
    const measure = (counts: ArmCounts): Measured => ({
      total: counts.requests,
      sum: counts[part],
      squares: counts[part],
    });
    return { times, slack, direction: 1, allowed: times * shareOf(measure(main)) + slack, measure, byCaller: part };
  },
  facts: (counts) => ofAll(counts[part], counts.requests),
});

const ofLatency = (quantile: number): GateRow => ({
  sign: "≤",
  unit: duration,
  range: [1, 60_000],
  times: [1, 100],
  example: `${quantileWord(quantile)} ≤ 250ms, ≤ 1.2x main`,
  counted: "measured requests",
  ask: (bound, main) => {
    const limitMs = "value" in bound ? bound.value : bound.times * (quantileOf(main.latency, quantile) ?? Infinity);
    const measure = ({ latency }: ArmCounts): Measured => {
      const slow = slowerThan(latency, limitMs);
      return { total: totalOf(latency), sum: slow, squares: slow };
    };
    const allowed = 1 - quantile;
    // What slows both down at once cancels: canary's share of slow answers is asked beside main's share of the same look.
    const times = "value" in bound ? 0 : 1;
    const slack = allowed - times * Math.min(allowed, shareOf(measure(main)));
    return { times, slack, direction: 1, allowed, measure, byCaller: null };
  },
  facts: ({ latency }) => {
    const milliseconds = quantileOf(latency, quantile);
    return milliseconds === null ? "not measured" : `${shortNumber(milliseconds)} ms of ${totalOf(latency)} requests`;
  },
});

const rows = {
  errors: ofRequests("failed"),
  refusals: ofRequests("refused"),
  p50: ofLatency(0.5),
  p90: ofLatency(0.9),
  p95: ofLatency(0.95),
  p99: ofLatency(0.99),
  "p99.9": ofLatency(0.999),
  agreement: {
    sign: "≥",
    unit: share,
    range: [0.1, 0.99999],
    times: null,
    example: "agreement ≥ 99%",
    counted: "compared answers",
    ask: (bound) => {
      const slack = "value" in bound ? 1 - bound.value : 0;
      const measure = ({ compared: { pairs, agreed } }: ArmCounts): Measured => ({
        total: pairs,
        sum: pairs - agreed,
        squares: pairs - agreed,
      });
      return { times: 0, slack, direction: 1, allowed: slack, measure, byCaller: null };
    },
    facts: ({ compared: { pairs, agreed } }) => ofAll(agreed, pairs),
  },
  reward: {
    sign: "≥",
    unit: plain,
    range: [-1e9, 1e9],
    times: [0.01, 100],
    example: "reward ≥ main",
    counted: "rewards",
    ask: (bound) => ({
      times: "value" in bound ? 0 : bound.times,
      slack: "value" in bound ? bound.value : 0,
      direction: -1,
      allowed: null,
      measure: ({ rewards: { count, sum, sumSquares } }) => ({ total: count, sum, squares: sumSquares }),
      byCaller: null,
    }),
    facts: ({ rewards: { count, sum } }) => (count === 0 ? "none" : `${shortNumber(sum / count)} of ${count}`),
  },
} satisfies Readonly<Record<string, GateRow>>;

export type GateKeyword = keyof typeof rows;

const rowOf: ReadonlyMap<string, GateRow> = new Map(Object.entries(rows));

/** Words that begin a gate. */
export const gateKeywords = [...rowOf.keys()] as readonly GateKeyword[];

/** Gates of a plan that names none. */
export const defaultGates: readonly Gate[] = (["errors", "refusals", "p99"] as const).map((keyword) => ({
  keyword,
  value: null,
  times: 1.5,
}));

/** A clause whose keyword is one of `gateKeywords`. */
export function readGate({ keyword, words, text }: Clause): Gate | { readonly mistake: string } {
  const { sign, unit, range, times: timesRange, example } = rowOf.get(keyword)!;
  const write = `write "${example}"`;
  let gate: Gate = { keyword: keyword as GateKeyword, value: null, times: null };
  for (const bound of words.join(" ").split(" , ")) {
    const [found, word, ofMain] = /^(\S+)( main)?$/i.exec(bound.startsWith(`${sign} `) ? bound.slice(2) : "") ?? [];
    if (found === undefined) return { mistake: `${text} is not understood; ${write}` };
    const isMain = word!.toLowerCase() === "main";
    if (isMain || ofMain !== undefined) {
      const quantity = readQuantity(isMain ? "1x" : word!);
      if (timesRange === null) return { mistake: `${keyword} is with main already; ${write}` };
      if (quantity?.unit !== "x" || (isMain && ofMain !== undefined))
        return { mistake: `${text} is not understood; ${write}` };
      if (gate.times !== null) return { mistake: `${text} has two bounds of main; write one` };
      if (!isWithin(quantity.value, ...timesRange))
        return { mistake: `${word!.toLowerCase()} main is not from ${timesRange[0]}x to ${timesRange[1]}x main` };
      gate = { ...gate, times: quantity.value };
    } else {
      if (gate.value !== null) return { mistake: `${text} has two bounds of one kind; write one` };
      const value = unit.read(word!);
      if (value === null) return { mistake: `${text}: the bound is no ${unit.what}; ${write}` };
      if (!isWithin(value, ...range))
        return { mistake: `${text}: the bound is not from ${range.map(unit.print).join(" to ")}; ${write}` };
      gate = { ...gate, value };
    }
  }
  return gate;
}

/** Whether its bounds are the least that it must have, as `agreement ≥ 99%`. */
export function isLeast({ keyword }: Gate): boolean {
  return rows[keyword].sign === "≥";
}

/** As it is written. */
export function formatGate({ keyword, value, times }: Gate): string {
  const { sign, unit } = rows[keyword];
  const bounds = [value === null ? null : unit.print(value), times === null ? null : ofMain(times)];
  return `${keyword} ${bounds.flatMap((bound) => (bound === null ? [] : `${sign} ${bound}`)).join(", ")}`;
}

/** Its bounds as questions, one or two; `main`: all that was counted of main in this rollout. */
export function questionsOf({ keyword, value, times }: Gate, main: ArmCounts): readonly Question[] {
  const row: GateRow = rows[keyword];
  return [
    ...(value === null ? [] : [{ text: () => row.unit.print(value), ...row.ask({ value }, main) }]),
    ...(times === null ? [] : [{ text: () => ofMain(times), ...row.ask({ times }, main) }]),
  ];
}

/** What is counted for it, and what was, for people. */
export function factsOf(
  { keyword, times }: Gate,
  name: string,
  canary: ArmCounts,
  main: ArmCounts,
): { readonly counted: GateRow["counted"]; readonly sentence: string } {
  const { counted, facts }: GateRow = rows[keyword];
  const word = `${keyword[0]!.toUpperCase()}${keyword.slice(1)}`;
  return {
    counted,
    sentence: `${word} of ${name}: ${facts(canary)}${times === null ? "" : `; main: ${facts(main)}`}.`,
  };
}

/** 0 of nothing. */
export function shareOf({ sum, total }: Measured): number {
  return total > 0 ? sum / total : 0;
}

/** 0.99 is `p99`. */
function quantileWord(quantile: number): string {
  return `p${formatNumber(quantile * 100)}`;
}

function ofMain(times: number): string {
  return times === 1 ? "main" : `${formatNumber(times)}x main`;
}

function ofAll(part: number, whole: number): string {
  return whole === 0 ? "0 of 0" : `${part} of ${whole} (${shortNumber((part / whole) * 100)}%)`;
}

/** Three digits. */
function shortNumber(value: number): string {
  return Math.abs(value) >= 100 ? String(Math.round(value)) : String(Number(value.toPrecision(3)));
}
