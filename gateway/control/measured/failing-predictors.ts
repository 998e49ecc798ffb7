// Predictors most of whose requests fail: which they are, from when on and how long, whoever's failure it is. A Problem of each lasts until most requests
// are served again, so that one that swings around half begins and ends once.
import { keyOf, type PredictorKey } from "../../api/counted.ts";
import type { Measured } from "../../api/deployments.ts";
import { admittedOf, failedWords, mostFail } from "../../explain/measured-words.ts";
import type { Problem } from "../../../routing/text/problem.ts";

/** It ends when less than this part of the requests fails. */
const endsBelow = 1 / 5;

interface FailingPredictor {
  readonly predictor: PredictorKey;
  /** As it was when it began. */
  readonly sentence: string;
}

export class FailingPredictors {
  #failing: ReadonlyMap<string, FailingPredictor> = new Map();
  #problems: readonly Problem[] = [];

  /** The same list until one begins or ends. */
  get problems(): readonly Problem[] {
    return this.#problems;
  }

  /** `active`: those that had requests lately; others fail no longer. True: one has begun or ended. */
  look(active: readonly PredictorKey[], lastMinuteOf: (predictor: PredictorKey) => Measured): boolean {
    const failing = new Map<string, FailingPredictor>();
    let hasChanged = false;
    for (const predictor of active) {
      const key = keyOf(predictor);
      const found = this.#judged(predictor, lastMinuteOf(predictor));
      if (found === null) continue;
      failing.set(key, found);
      hasChanged ||= !this.#failing.has(key);
    }
    hasChanged ||= failing.size < this.#failing.size || [...this.#failing.keys()].some((key) => !failing.has(key));
    this.#failing = failing;
    if (hasChanged) this.#problems = Array.from(failing.values(), problemOf);
    return hasChanged;
  }

  #judged(predictor: PredictorKey, lastMinute: Measured): FailingPredictor | null {
    const before = this.#failing.get(keyOf(predictor));
    if (before !== undefined) return mostAreServed(lastMinute) ? null : before;
    return mostFail(lastMinute) ? { predictor, sentence: failedWords(lastMinute, "within a minute") } : null;
  }
}

/** A minute without requests says nothing. */
function mostAreServed(measured: Measured): boolean {
  const admitted = admittedOf(measured);
  return admitted > 0 && measured.failed < admitted * endsBelow;
}

function problemOf({ predictor: { namespace, deployment, predictor }, sentence }: FailingPredictor): Problem {
  return {
    code: "predictor-failing",
    level: "warning",
    subject: { kind: "SeldonDeployment", namespace, name: deployment },
    field: `spec.predictors: ${predictor}`,
    sentence: `most requests fail: ${sentence}`,
  };
}
