import { describe, expect, test } from 'vitest';
import { decodeDeployment } from '../../../k8s/translate/decode.ts';
import { essenceOf } from '../../../k8s/translate/essence.ts';

const ref = { kind: 'SeldonDeployment', namespace: 'prod', name: 'iris' };

const decode = (object: unknown): ReturnType<typeof decodeDeployment> => decodeDeployment({ ref, apiVersion: 'machinelearning.seldon.io/v1', object }, null);

const container = { name: 'model', image: 'registry/model:1', env: [{ name: 'A', value: 'x'.repeat(1000) }], ports: [{ name: 'http', containerPort: 7000 }] };

const deployment = {
  apiVersion: 'machinelearning.seldon.io/v1',
  kind: 'SeldonDeployment',
  metadata: {
    name: 'iris',
    creationTimestamp: '2026-01-01T00:00:00Z',
    annotations: { 'seldon.io/rest-timeout': '5000', 'kubectl.kubernetes.io/last-applied-configuration': 'x'.repeat(1000) },
    managedFields: [{ manager: 'kubectl' }],
  },
  spec: {
    annotations: { 'seldon.io/no-engine': 'true' },
    predictors: [
      { name: 'main', annotations: { 'seldon.io/no-engine': 'true' }, graph: { name: 'model', children: [] }, componentSpecs: [{ metadata: { labels: { a: 'b' } }, spec: { containers: [container], volumes: [{ name: 'v' }] } }] },
      { name: 'old', annotations: { 'seldon.io/no-engine': 'true' }, graph: { name: 'x' }, componentSpec: { spec: { containers: [container, { name: 'x' }] } } },
      'not a predictor',
    ],
  },
  status: { state: 'Available', deploymentStatus: { x: 'y'.repeat(1000) } },
};

describe('the essence of an object', () => {
  test('decodes as the object does, without what routing never reads', () => {
    const essence = essenceOf('SeldonDeployment', deployment);
    const decoded = decode(deployment);
    const applied = 'kubectl.kubernetes.io/last-applied-configuration';
    const { [applied]: _, ...annotations } = decoded.deployment!.annotations.metadata;
    expect(decode(essence)).toEqual({ ...decoded, deployment: { ...decoded.deployment, annotations: { ...decoded.deployment!.annotations, metadata: annotations } } });
    expect(decoded.deployment!.predictors.map(({ ports }) => ports.http)).toEqual([7000, 9001]);
    expect(JSON.stringify(essence).length).toBeLessThan(1000);
  });

  test.each([[{}], [{ metadata: 'x', spec: 7 }], [{ metadata: { annotations: ['x'] }, spec: { predictors: {} } }], [{ spec: { predictors: [{ name: 'a', componentSpecs: 'x', componentSpec: null }] } }]])('%j is left as it is', (object) => {
    expect(essenceOf('SeldonDeployment', object)).toEqual(object);
  });
});
