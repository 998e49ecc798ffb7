// Decoding SeldonDeployments: unknown to Deployment. The only reader of raw SDs; later code sees typed values.
import type { Problem, ProblemLevel } from '../../routing/problem.ts';
import { misplacedAnnotations } from './annotations.ts';
import type { Deployment, Explainer, Predictor } from './deployment.ts';
import { enginePorts, NoEnginePorts } from './ports.ts';
import type { SourceObject } from './object.ts';
import { arrayOf, fieldOf, integerOf, isRecord, numberOf, quoted, recordOf, textOf, textRecordOf, type UnknownRecord } from './value.ts';

const apiVersions: ReadonlySet<string> = new Set(['v1alpha1', 'v1alpha2', 'v1alpha3', 'v1'].map((version) => `machinelearning.seldon.io/${version}`));

export interface DecodedDeployment {
  /** The last good form when this one cannot be served; null: there was none. */
  readonly deployment: Deployment | null;
  /** `deletionTimestamp` is set: it ends for new requests (design §4.7). */
  readonly deleting: boolean;
  readonly problems: readonly Problem[];
}

/**
 * Decodes an SD of `machinelearning.seldon.io/v1alpha1` (one `componentSpec` a predictor), `v1alpha2`, `v1alpha3` or `v1`. Wrong types are
 * tolerated: each bad part keeps its default and makes a Problem, the rest holds. `lastGood`: what the object meant before (design §4.16).
 */
export function decodeDeployment({ ref, apiVersion, object }: Pick<SourceObject, 'ref' | 'apiVersion' | 'object'>, lastGood: Deployment | null): DecodedDeployment {
  const problems: Problem[] = [];
  const report = (level: ProblemLevel, code: string, field: string, sentence: string): void => {
    problems.push({ code, level, subject: ref, field, sentence });
  };
  const root = recordOf(object);
  const metadata = recordOf(fieldOf(root, 'metadata'));
  const spec = recordOf(fieldOf(root, 'spec'));
  const deleting = Boolean(fieldOf(metadata, 'deletionTimestamp'));
  const written = arrayOf(fieldOf(spec, 'predictors'));
  if (!apiVersions.has(apiVersion)) {
    report('warning', 'unknown-api-version', 'apiVersion', `${quoted(apiVersion)} is not a version of SeldonDeployments and is read as machinelearning.seldon.io/v1; write that`);
  }
  const predictors: Predictor[] = [];
  const names = new Set<string>();
  const noEngine = new NoEnginePorts(written);
  for (const [index, value] of written.entries()) {
    const predictor = decodePredictor(value, index, noEngine, report);
    if (predictor === null) continue;
    if (names.has(predictor.name)) {
      report('error', 'duplicate-predictor', `${predictor.field}.name`, `another predictor is named ${quoted(predictor.name)} already and that one is served; give each predictor a name of its own`);
    } else {
      names.add(predictor.name);
      predictors.push(predictor);
    }
  }
  if (predictors.length === 0) {
    report('error', 'no-predictors', 'spec.predictors', `there is no predictor with a name, so ${lastGood === null ? 'nothing is served' : 'the last good form is served'}; write one or more, each with a name and a graph`);
    return { deployment: lastGood, deleting, problems };
  }
  const deployment: Deployment = {
    ref,
    createdAt: textOf(fieldOf(metadata, 'creationTimestamp')),
    specName: textOf(fieldOf(spec, 'name')),
    annotations: { spec: textRecordOf(fieldOf(spec, 'annotations')), metadata: textRecordOf(fieldOf(metadata, 'annotations')) },
    predictors,
  };
  return { deployment, deleting, problems };
}

type Report = (level: ProblemLevel, code: string, field: string, sentence: string) => void;

function decodePredictor(value: unknown, index: number, noEnginePorts: NoEnginePorts, report: Report): Predictor | null {
  const field = `spec.predictors[${index}]`;
  const name = isRecord(value) ? textOf(fieldOf(value, 'name')) : '';
  if (!isRecord(value) || name === '') {
    report('error', 'bad-predictor', field, 'the predictor has no name and is not served; write a name');
    return null;
  }
  const annotations = textRecordOf(fieldOf(value, 'annotations'));
  for (const key of misplacedAnnotations(annotations)) {
    report('warning', 'annotation-misplaced', `${field}.annotations["${key}"]`, 'this annotation is not read on a predictor and is ignored; write it in spec.annotations or metadata.annotations of the SeldonDeployment');
  }
  // Presence was enough up to 1.4; "true" in any case since 1.5.
  const noEngine = annotations['seldon.io/no-engine']?.toLowerCase() === 'true';
  return {
    name,
    field,
    traffic: decodeTraffic(value, field, report),
    shadow: decodeShadow(value, field, report),
    explainer: decodeExplainer(value, field, report),
    certSecretName: textOf(fieldOf(recordOf(fieldOf(value, 'ssl')), 'certSecretName')),
    serviceName: annotations['seldon.io/svc-name'] ?? null,
    ports: noEngine ? noEnginePorts.of(index) : enginePorts,
  };
}

function decodeTraffic(predictor: UnknownRecord, field: string, report: Report): number | null {
  const written = fieldOf(predictor, 'traffic');
  if (written === undefined || written === null) return null;
  const traffic = numberOf(written);
  if (traffic !== null && traffic >= 0) return traffic;
  report('warning', 'bad-traffic', `${field}.traffic`, `${quoted(written)} is not a number of 0 or more and counts as not written; write a percentage`);
  return null;
}

function decodeShadow(predictor: UnknownRecord, field: string, report: Report): boolean {
  const written = fieldOf(predictor, 'shadow');
  if (written === undefined || written === null || written === false) return false;
  if (written === true) return true;
  const text = textOf(written).trim().toLowerCase();
  if (text === 'true' || text === 'false') return text === 'true';
  report('warning', 'bad-shadow', `${field}.shadow`, `${quoted(written)} is neither true nor false and counts as false; write true or false`);
  return false;
}

function decodeExplainer(predictor: UnknownRecord, field: string, report: Report): Explainer | null {
  const explainer = recordOf(fieldOf(predictor, 'explainer'));
  if (textOf(fieldOf(explainer, 'type')) === '') return null;
  const written = fieldOf(recordOf(fieldOf(explainer, 'endpoint')), 'service_port');
  const port = written === undefined || written === null || written === 0 ? 9000 : integerOf(written);
  if (port !== null && port > 0 && port <= 65535) return { port };
  report('warning', 'bad-port', `${field}.explainer.endpoint.service_port`, `${quoted(written)} is not a port and 9000 is used; write a number from 1 to 65535`);
  return { port: 9000 };
}
