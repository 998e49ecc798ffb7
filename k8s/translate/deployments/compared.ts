// What `sluice.io/compare` compares, and what has nothing to compare.
import type { RolloutPlan } from "../../../routing/release/rollout/plan.ts";
import { annotations as declared } from "../fields/annotations.ts";
import type { Deployment, Predictor } from "../model/deployment.ts";
import type { Report } from "../values/report.ts";
import { quoted } from "../values/value.ts";

/** The text of the rules by which answers of this predictor are compared where it is a shadow; "": they are not. */
export function compareRulesOf({ values, predictors }: Deployment, predictor: string): string {
  return predictors.some(({ name }) => name === predictor) ? values.compare : "";
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
  if (compare !== "" && predictors.some(({ shadow }) => shadow)) return;
  report(
    "warning",
    "nothing-to-compare",
    field,
    `the gate "agreement" gets no evidence, because Sluice compares no answers of ${quoted(to)}, so the rollout stays at its step; add a predictor with shadow: true and the model of the first one, and write ${declared.compare.name}: "true", or remove the gate`,
  );
}
