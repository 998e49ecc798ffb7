// Replicas: whether a SeldonDeployment runs any pod for live traffic. It decides no request: who is there is what Endpoints say.
import type { Predictor } from "../model/deployment.ts";
import { arrayOf, fieldOf, isRecord, recordOf, textOf, type UnknownRecord } from "../values/value.ts";

/** Does each predictor of live traffic have 0 replicas? Seldon's operator takes those of a `componentSpecs[]`, else of its predictor, else of the spec. Other than a number is none. */
export function isScaledToZero(spec: UnknownRecord, predictors: readonly Predictor[]): boolean {
  const live = new Set(predictors.filter(({ shadow }) => !shadow).map(({ name }) => name));
  const all = fieldOf(spec, "replicas");
  return (
    live.size > 0 &&
    arrayOf(fieldOf(spec, "predictors"))
      .filter(isRecord)
      .filter((one) => live.has(textOf(fieldOf(one, "name"))))
      .every((one) => {
        const own = fieldOf(one, "replicas") ?? all;
        const pods = [...arrayOf(fieldOf(one, "componentSpecs")), fieldOf(one, "componentSpec")].filter(isRecord);
        return pods.length === 0 ? own === 0 : pods.every((pod) => (fieldOf(recordOf(pod), "replicas") ?? own) === 0);
      })
  );
}
