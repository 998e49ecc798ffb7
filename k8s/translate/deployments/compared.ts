// What `sluice.io/compare` compares, and what has nothing to compare.
import { readCompareRules } from "../../../routing/release/compare/rules.ts";
import type { RolloutPlan } from "../../../routing/release/rollout/plan.ts";
import { annotations as declared } from "../fields/annotations.ts";
import type { Predictor } from "../model/deployment.ts";
import type { Report } from "../values/report.ts";
import { quoted } from "../values/value.ts";

/** The share of requests that the first live predictor gets twice. */
export function noiseOf(compare: string): number {
  const read = compare === "" ? null : readCompareRules(compare);
  return read?.kind === "rules" ? (read.rules?.noise ?? 0) : 0;
}

/** A gate of agreement decides by compared answers alone: without them the rollout stays at each step. */
export function reportUncompared(
  { to, gates }: RolloutPlan,
  compare: string,
  predictors: readonly Predictor[],
  field: string,
  report: Report,
): void {
  if (!gates.some(({ keyword }) => keyword === "agreement")) return;
  if (noiseOf(compare) > 0 || (compare !== "" && predictors.some(({ shadow }) => shadow))) return;
  report(
    "warning",
    "rollout-uncompared",
    field,
    `the gate "agreement" gets no evidence, because Sluice compares no answers of ${quoted(to)}, so the rollout stays at its step; write ${declared.compare.name}: "noise 10%", or remove the gate`,
  );
}
