// What this process has counted of some deployments, for the leader, whichever replica that is.
import { namespacedName } from "../../../routing/text/namespaced-name.ts";
import { build } from "../../shared/build.ts";
import { type ArmCounts, printArmCounts } from "../../../routing/release/statistics/arm-counts.ts";
import { askedName, maxAskedDeployments, type SaidEvidence } from "../../api/peer.ts";
import type { AdminView } from "./view.ts";
import type { PredictorKey } from "../../api/counted.ts";

/** Predictors of one deployment: twice as many as are released together. More, or an answer without end, would be no answer to whoever asks, of any deployment. */
export const maxSaid = 64;

export interface EvidenceParts {
  /** Names this process. */
  readonly instance: string;
  /** What this process has counted of a predictor since it began: the one function that gathers it. */
  readonly countsOf: (predictor: PredictorKey) => ArmCounts;
  readonly view: Pick<AdminView, "counted" | "served">;
}

/** `names`: `NAMESPACE/NAME`, those that are not known are left out. Of a deployment with too many predictors those that the table has come first. */
export function evidenceOf(
  { instance, countsOf, view: { counted, served } }: EvidenceParts,
  names: readonly string[],
): SaidEvidence {
  const asked = new Set(names);
  const found = new Map<string, Map<string, PredictorKey>>();
  for (const slots of asked.size > 0 ? [counted.ownedSlots, counted.usedSlots] : [])
    for (const { series } of slots) {
      if (series.role !== "live") continue;
      const name = namespacedName(series.namespace, series.deployment);
      if (!asked.has(name)) continue;
      const predictors = found.get(name) ?? new Map<string, PredictorKey>();
      if (predictors.size < maxSaid || predictors.has(series.predictor)) predictors.set(series.predictor, series);
      found.set(name, predictors);
    }
  return {
    instance,
    version: build.version,
    table: served.hash,
    deployments: [...found.values()].map((predictors) => {
      const [{ namespace, deployment: name }] = predictors.values() as unknown as [PredictorKey];
      return {
        namespace,
        name,
        predictors: [...predictors].map(([predictor, key]) => ({ predictor, counts: printArmCounts(countsOf(key)) })),
      };
    }),
  };
}

/** Names in a query; a sentence: what is wrong with it. */
export function readAsked(text: string | null): readonly string[] | { readonly sentence: string } {
  const names = text === null || text === "" ? [] : text.split(",");
  if (names.length > maxAskedDeployments)
    return { sentence: `deployments has ${names.length} names: write at most ${maxAskedDeployments}` };
  return names.every((name) => askedName.test(name))
    ? names
    : { sentence: "deployments has a text that is no name of a deployment: write NAMESPACE/NAME,…" };
}
