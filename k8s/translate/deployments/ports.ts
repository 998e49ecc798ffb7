// Ports that Seldon's operator gives to predictors, for Services that do not name theirs `http` and `grpc` (routing rule 13).
import type { PredictorPorts } from "../model/deployment.ts";
import { arrayOf, fieldOf, integerOf, recordOf, textOf, type UnknownRecord } from "../values/value.ts";

export const enginePorts: PredictorPorts = Object.freeze({ http: 8000, grpc: 5001 });

const firstHttpPort = 9000;
const firstGrpcPort = 9500;

/**
 * Ports of predictors without an engine: the container's own port named `http` or `grpc`, else base plus the container's number, which counts
 * distinct container names over all predictors (operator 1.5 and later, defaults.go).
 */
export class NoEnginePorts {
  readonly #predictors: readonly unknown[];
  /** Numbers of containers by name; counted when a predictor first asks. */
  #numbers: ReadonlyMap<string, number> | null = null;

  /** `predictors`: `spec.predictors` as written. */
  constructor(predictors: readonly unknown[]) {
    this.#predictors = predictors;
  }

  of(index: number): PredictorPorts {
    const predictor = recordOf(this.#predictors[index]);
    const model = textOf(fieldOf(recordOf(fieldOf(predictor, "graph")), "name"));
    const own = containersOf(predictor).findLast((container) => textOf(fieldOf(container, "name")) === model) ?? {};
    const number = (this.#numbers ??= numbersOf(this.#predictors)).get(model) ?? 0;
    return {
      http: portNamed(own, "http") ?? firstHttpPort + number,
      grpc: portNamed(own, "grpc") ?? firstGrpcPort + number,
    };
  }
}

function numbersOf(predictors: readonly unknown[]): ReadonlyMap<string, number> {
  const numbers = new Map<string, number>();
  for (const predictor of predictors.map(recordOf)) {
    // A prepackaged server has no container in the spec; the operator appends it.
    const names = [
      ...containersOf(predictor).map((container) => textOf(fieldOf(container, "name"))),
      ...unitsOf(recordOf(fieldOf(predictor, "graph")), 0),
    ];
    for (const name of names) if (!numbers.has(name)) numbers.set(name, numbers.size);
  }
  return numbers;
}

function containersOf(predictor: UnknownRecord): readonly UnknownRecord[] {
  // v1alpha1 had one `componentSpec`.
  const single = fieldOf(predictor, "componentSpec");
  const specs = single === undefined ? arrayOf(fieldOf(predictor, "componentSpecs")) : [single];
  return specs.flatMap((spec) =>
    arrayOf(fieldOf(recordOf(fieldOf(recordOf(spec), "spec")), "containers")).map(recordOf),
  );
}

/** Names of graph units with an implementation that brings its own server. */
function unitsOf(unit: UnknownRecord, depth: number): readonly string[] {
  const name = textOf(fieldOf(unit, "name"));
  const own = name !== "" && textOf(fieldOf(unit, "implementation")).endsWith("_SERVER") ? [name] : [];
  if (depth >= 32) return own;
  return [...own, ...arrayOf(fieldOf(unit, "children")).flatMap((child) => unitsOf(recordOf(child), depth + 1))];
}

function portNamed(container: UnknownRecord, name: string): number | null {
  for (const port of arrayOf(fieldOf(container, "ports")).map(recordOf)) {
    const number = integerOf(fieldOf(port, "containerPort"));
    if (fieldOf(port, "name") === name && number !== null && number > 0 && number <= 65535) return number;
  }
  return null;
}
