// Ports that Seldon's operator gives to predictors, for Services that do not name theirs `http` and `grpc` (seldon-routing §2.1, §2.3).
import type { PredictorPorts } from './deployment.ts';
import { arrayOf, fieldOf, integerOf, recordOf, textOf, type UnknownRecord } from './value.ts';

export const enginePorts: PredictorPorts = Object.freeze({ http: 8000, grpc: 5001 });

const firstHttpPort = 9000;
const firstGrpcPort = 9500;

/**
 * Ports of predictor `index` without an engine: the container's own port named `http` or `grpc`, else base plus the container's number, which
 * counts distinct container names over all predictors (operator 1.5 and later, defaults.go). `predictors` is `spec.predictors` as written.
 */
export function noEnginePorts(predictors: readonly unknown[], index: number): PredictorPorts {
  const numbers = new Map<string, number>();
  const graph = recordOf(fieldOf(recordOf(predictors[index]), 'graph'));
  const model = textOf(fieldOf(graph, 'name'));
  let own: UnknownRecord = {};
  for (const [at, predictor] of predictors.entries()) {
    for (const container of containersOf(recordOf(predictor))) {
      const name = textOf(fieldOf(container, 'name'));
      if (!numbers.has(name)) numbers.set(name, numbers.size);
      if (at === index && name === model) own = container;
    }
    // A prepackaged server has no container in the spec; the operator appends it.
    for (const name of unitsOf(recordOf(fieldOf(recordOf(predictor), 'graph')), 0)) if (!numbers.has(name)) numbers.set(name, numbers.size);
  }
  const number = numbers.get(model) ?? 0;
  return { http: portNamed(own, 'http') ?? firstHttpPort + number, grpc: portNamed(own, 'grpc') ?? firstGrpcPort + number };
}

function containersOf(predictor: UnknownRecord): readonly UnknownRecord[] {
  // v1alpha1 had one `componentSpec`.
  const single = fieldOf(predictor, 'componentSpec');
  const specs = single === undefined ? arrayOf(fieldOf(predictor, 'componentSpecs')) : [single];
  return specs.flatMap((spec) => arrayOf(fieldOf(recordOf(fieldOf(recordOf(spec), 'spec')), 'containers')).map(recordOf));
}

/** Names of graph units with an implementation that brings its own server. */
function unitsOf(unit: UnknownRecord, depth: number): readonly string[] {
  const name = textOf(fieldOf(unit, 'name'));
  const own = name !== '' && textOf(fieldOf(unit, 'implementation')).endsWith('_SERVER') ? [name] : [];
  if (depth >= 32) return own;
  return [...own, ...arrayOf(fieldOf(unit, 'children')).flatMap((child) => unitsOf(recordOf(child), depth + 1))];
}

function portNamed(container: UnknownRecord, name: string): number | null {
  for (const port of arrayOf(fieldOf(container, 'ports')).map(recordOf)) {
    const number = integerOf(fieldOf(port, 'containerPort'));
    if (fieldOf(port, 'name') === name && number !== null && number > 0 && number <= 65535) return number;
  }
  return null;
}
