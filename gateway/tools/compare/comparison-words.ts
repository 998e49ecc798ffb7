// Numbers of a comparison as people read them.
import type { ShownComparison, ShownReplica } from "../../api/comparisons.ts";

type Share = ShownComparison["agreement"];
type Quantile = ShownComparison["slower"]["p50"];

/** 0.98765 is `98.77 %`; what is nearly all is never all. */
export function percentWords(share: number): string {
  const percent = 100 * share;
  const digits = percent > 0 && percent < 100 ? 2 : 0;
  const rounded = percent.toFixed(digits);
  if (Number(rounded) === 100 && percent < 100) return "99.99 %";
  return `${Number(rounded) === 0 && percent > 0 ? "0.01" : rounded} %`;
}

export function shareWords(share: Share): string {
  if (share === null) return "nothing was compared";
  return `${percentWords(share.share)} (${percentWords(share.low)} to ${percentWords(share.high)})`;
}

/** null: it is redacted. */
export function numberWords(value: number | null): string {
  if (value === null) return "-";
  return value === 0 || (Math.abs(value) >= 1e-3 && Math.abs(value) < 1e6)
    ? String(Number(value.toPrecision(4)))
    : value.toExponential(2);
}

export function quantileWords(quantile: Quantile): string {
  if (quantile === null) return "-";
  const { ms, low, high } = quantile;
  return `${signed(ms)} ms (${signed(low)} to ${signed(high)})`;
}

function signed(ms: number): string {
  return `${ms > 0 ? "+" : ""}${numberWords(ms)}`;
}

/** How many replicas these counts are of, and a line for each whose counts are not in them; nothing of one alone. */
export function replicasWords(replicas: readonly ShownReplica[]): readonly string[] {
  const away = replicas.flatMap(({ replica, sentence }) => (sentence === null ? [] : [`${replica}: ${sentence}`]));
  if (replicas.length < 2) return [];
  return [
    `of ${replicas.length - away.length} of ${replicas.length} replicas`,
    ...away.map((line) => `  not in these counts: ${line}`),
  ];
}

/** `true` alone has no rule of its own. */
export function rulesWords({ rules }: Pick<ShownComparison, "rules">): string {
  return rules.trim() === "true" ? "default rules" : rules;
}

/** `canary beside main`. */
export function titleOf({ predictor, against }: Pick<ShownComparison, "predictor" | "against">): string {
  return predictor === against ? `${against} beside itself` : `${predictor} beside ${against}`;
}
