// Gates of a rollout: what must hold of the predictor that is released.
import type { Clause } from "../grammar/clauses.ts";
import { formatDuration, formatNumber, readDurationMs, readPercent, readQuantity } from "../grammar/quantities.ts";

/** Each `null`: no such bound; one of a gate's bounds is there. */
export type Gate =
  /** Share of requests that fail (5xx of the gateway or the model): at most a fraction (0.00001 to 0.9), at most so many times main's (1 to 100). */
  | { readonly kind: "errors"; readonly maxFraction: number | null; readonly maxTimesMain: number | null }
  /** A quantile of latencies (0.5, 0.9, 0.95, 0.99, 0.999): at most milliseconds (1 to 60,000), at most so many times main's (1 to 100). */
  | {
      readonly kind: "latency";
      readonly quantile: number;
      readonly maxMs: number | null;
      readonly maxTimesMain: number | null;
    }
  /** Share of compared answers that agree with main's: at least a fraction (0.1 to 0.99999). */
  | { readonly kind: "agreement"; readonly minFraction: number }
  /** Mean reward: at least a number, at least so many times main's (0.01 to 100). */
  | { readonly kind: "reward"; readonly min: number | null; readonly minTimesMain: number | null };

const quantiles: Readonly<Record<string, number>> = {
  __proto__: null as never,
  p50: 0.5,
  p90: 0.9,
  p95: 0.95,
  p99: 0.99,
  "p99.9": 0.999,
};

/** Words that begin a gate. */
export const gateKeywords: readonly string[] = ["errors", ...Object.keys(quantiles), "agreement", "reward"];

/** Gates of a plan that names none. */
export const defaultGates: readonly Gate[] = [
  { kind: "errors", maxFraction: null, maxTimesMain: 1.5 },
  { kind: "latency", quantile: 0.99, maxMs: null, maxTimesMain: 1.5 },
];

/** `times`: of main; `value`: the words as they stand. */
type Bound = { readonly kind: "times"; readonly times: number } | { readonly kind: "value"; readonly word: string };

/** A clause whose keyword is one of `gateKeywords`. */
export function readGate(clause: Clause): { readonly gate: Gate } | { readonly mistake: string } {
  const { keyword } = clause;
  const isMost = keyword === "errors" || keyword in quantiles;
  const example = examples[keyword] ?? `${keyword} ≤ 250ms, ≤ 1.2x main`;
  const bounds = readBounds(clause.words, isMost ? "≤" : "≥");
  if (bounds === null) return { mistake: `${clause.text} is not understood; write "${example}"` };
  let times: number | null = null;
  let value: number | null = null;
  for (const bound of bounds) {
    if (bound.kind === "times") {
      if (keyword === "agreement") return { mistake: `agreement is with main already; write "${example}"` };
      if (times !== null) return { mistake: `${clause.text} has two bounds of main; write one` };
      const least = isMost ? 1 : 0.01;
      if (bound.times < least || bound.times > 100)
        return { mistake: `${formatNumber(bound.times)}x main is not from ${least}x to 100x main` };
      times = bound.times;
      continue;
    }
    if (value !== null) return { mistake: `${clause.text} has two bounds of one kind; write one` };
    const read = readValue(keyword, bound.word);
    if (typeof read === "string") return { mistake: `${clause.text}: ${read}; write "${example}"` };
    value = read;
  }
  return { gate: made(keyword, value, times) };
}

/** As it is written. */
export function formatGate(gate: Gate): string {
  const both = (word: string, sign: string, value: string | null, times: number | null): string =>
    `${word} ${[value, times === null ? null : times === 1 ? "main" : `${formatNumber(times)}x main`]
      .filter((bound) => bound !== null)
      .map((bound) => `${sign} ${bound}`)
      .join(", ")}`;
  switch (gate.kind) {
    case "errors":
      return both("errors", "≤", gate.maxFraction === null ? null : percent(gate.maxFraction), gate.maxTimesMain);
    case "latency":
      return both(
        formatQuantile(gate.quantile),
        "≤",
        gate.maxMs === null ? null : formatDuration(gate.maxMs),
        gate.maxTimesMain,
      );
    case "agreement":
      return both("agreement", "≥", percent(gate.minFraction), null);
    case "reward":
      return both("reward", "≥", gate.min === null ? null : formatNumber(gate.min), gate.minTimesMain);
  }
}

/** 0.99 is `p99`. */
export function formatQuantile(quantile: number): string {
  return `p${formatNumber(quantile * 100)}`;
}

/** 0.015 is `1.5%`. */
export function percent(fraction: number): string {
  return `${formatNumber(fraction * 100)}%`;
}

const examples: Readonly<Record<string, string>> = {
  __proto__: null as never,
  errors: "errors ≤ 1%, ≤ 1.5x main",
  agreement: "agreement ≥ 99%",
  reward: "reward ≥ main",
};

function readBounds(words: readonly string[], sign: string): readonly Bound[] | null {
  const bounds: Bound[] = [];
  let at = 0;
  while (at < words.length) {
    if (words[at] !== sign || bounds.length === 2) return null;
    const [word, after] = [words[at + 1], words[at + 2]?.toLowerCase()];
    if (word === undefined) return null;
    const quantity = readQuantity(word.toLowerCase());
    if (word.toLowerCase() === "main") bounds.push({ kind: "times", times: 1 });
    else if (after === "main") {
      if (quantity?.unit !== "x") return null;
      bounds.push({ kind: "times", times: quantity.value });
    } else bounds.push({ kind: "value", word });
    at += after === "main" && word.toLowerCase() !== "main" ? 3 : 2;
    if (at < words.length && words[at] !== ",") return null;
    at += 1;
    if (at === words.length) return null;
  }
  return bounds.length === 0 ? null : bounds;
}

/** The value in the unit of the gate, or why it is none. */
function readValue(keyword: string, word: string): number | string {
  if (keyword === "reward") {
    const sign = word.startsWith("-") ? -1 : 1;
    const quantity = readQuantity(sign < 0 ? word.slice(1) : word);
    if (quantity?.unit !== "") return "the reward is not a number";
    return quantity.value > 1e9 ? "the reward is not from -1000000000 to 1000000000" : sign * quantity.value;
  }
  if (keyword === "errors" || keyword === "agreement") {
    const percentage = readPercent(word);
    const [least, most] = keyword === "errors" ? [0.001, 90] : [10, 99.999];
    if (percentage === null) return "the bound is no percentage";
    return percentage < least || percentage > most
      ? `the bound is not from ${least}% to ${most}%`
      : Number((percentage / 100).toFixed(8));
  }
  const durationMs = readDurationMs(word);
  if (durationMs === null) return "the bound is no duration";
  return durationMs < 1 || durationMs > 60_000 ? "the bound is not from 1ms to 60s" : durationMs;
}

function made(keyword: string, value: number | null, times: number | null): Gate {
  switch (keyword) {
    case "errors":
      return { kind: "errors", maxFraction: value, maxTimesMain: times };
    case "agreement":
      return { kind: "agreement", minFraction: value! };
    case "reward":
      return { kind: "reward", min: value, minTimesMain: times };
    default:
      return { kind: "latency", quantile: quantiles[keyword]!, maxMs: value, maxTimesMain: times };
  }
}
