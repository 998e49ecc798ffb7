// Routes whose manifests flip between two states, each with the predictor that answers in it: weight, header, service and shadow in turn.
import { deployments, predictionBody, predictionHead, type Deployment, type Place } from './fleet.ts';
import { deploymentManifest, mainOnly, manifestFile, plainSplit, serviceManifests, wholeManifest } from './manifests.ts';
import type { SluiceStage } from './sluice-stage.ts';

/** All that may answer on a flipped route. */
export const flippedPredictors = ['main', 'canary', 'blue'] as const;
const variantField = 'x-variant: b';

export interface FlippedRoute {
  readonly kind: 'weight' | 'header' | 'service' | 'shadow';
  readonly request: Buffer;
  readonly file: string;
  /** Manifest of each of its two states, and the predictor that answers in it. */
  readonly states: readonly [FlippedState, FlippedState];
}

interface FlippedState {
  readonly manifest: string;
  readonly predictor: number;
}

function state(manifest: string, predictor: (typeof flippedPredictors)[number]): FlippedState {
  return { manifest, predictor: flippedPredictors.indexOf(predictor) };
}

function weightStates(deployment: Deployment): FlippedRoute['states'] {
  const to = (shares: string): string => wholeManifest(deployment, { ...plainSplit, annotations: [`sluice.io/traffic: ${shares}`] });
  return [state(to('main=100,canary=0'), 'main'), state(to('main=0,canary=100'), 'canary')];
}

/** A second SeldonDeployment on the same prefix takes the requests with a header; it flips between our header and another. */
function headerStates(deployment: Deployment): FlippedRoute['states'] {
  const main = wholeManifest(deployment, mainOnly);
  const second = { ...deployment, name: `${deployment.name}-header` };
  const to = (header: string): string =>
    `${main}---\n${deploymentManifest(second, {
      mainFields: ['traffic: 100'],
      canaryFields: ['traffic: 0'],
      annotations: [`seldon.io/ambassador-service-name: ${deployment.name}`, `seldon.io/ambassador-header: "${header}"`],
    })}${serviceManifests(`${second.name}-main`, deployment.namespace, deployment.canary)}${serviceManifests(`${second.name}-canary`, deployment.namespace, deployment.canary)}`;
  return [state(to(variantField), 'canary'), state(to('x-variant: other'), 'main')];
}

function serviceStates(deployment: Deployment, blue: Place): FlippedRoute['states'] {
  const to = (service: string): string =>
    wholeManifest(deployment, { mainFields: ['traffic: 100', `annotations: { seldon.io/svc-name: ${service} }`], canaryFields: ['traffic: 0'], annotations: [] }) +
    serviceManifests(`${deployment.name}-blue`, deployment.namespace, blue);
  return [state(to(`${deployment.name}-main`), 'main'), state(to(`${deployment.name}-blue`), 'blue')];
}

function shadowStates(deployment: Deployment): FlippedRoute['states'] {
  const to = (canaryFields: readonly string[]): string => wholeManifest(deployment, { mainFields: ['traffic: 100'], canaryFields, annotations: [] });
  return [state(to(['traffic: 0']), 'main'), state(to(['shadow: true', 'traffic: 100']), 'main')];
}

/** The first twenty deployments. The stage has an upstream for each of `flippedPredictors`. */
export function flippedRoutes(stage: SluiceStage): readonly FlippedRoute[] {
  const body = predictionBody(70);
  const blue: Place = { host: '127.0.0.1', port: stage.ports.get('blue')! };
  const kinds = ['weight', 'header', 'service', 'shadow'] as const;
  return deployments(stage.fleet)
    .slice(0, 20)
    .map((deployment, index) => {
      const kind = kinds[index % kinds.length]!;
      const states = { weight: weightStates, header: headerStates, service: (one: Deployment) => serviceStates(one, blue), shadow: shadowStates }[kind](deployment);
      const request = Buffer.from(predictionHead(deployment.prefix, `Content-Length: ${body.length}`, [variantField]) + body);
      return { kind, request, file: manifestFile(stage.manifests, deployment), states };
    });
}
