// EndpointSlices through the real translation: what a change of pods costs the tables.
import { describe, expect, test } from 'vitest';
import { Readiness } from '../../../gateway/control/readiness.ts';
import { Reconciler } from '../../../gateway/control/reconcile.ts';
import type { ControlToData } from '../../../gateway/messages.ts';
import type { SourceObject } from '../../../k8s/translate/object.ts';
import { nothingHeld, Translator } from '../../../k8s/translate/translator.ts';

const object = (kind: string, apiVersion: string, name: string, rest: object): SourceObject => ({
  ref: { kind, namespace: 'prod', name },
  apiVersion,
  origin: '',
  object: { ...rest, metadata: { name, namespace: 'prod', labels: { 'kubernetes.io/service-name': 'iris-main', 'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io' } } },
});

type Pod = readonly [ip: string, state: 'ready' | 'starting' | 'terminating' | 'gone'];

const slice = (name: string, pods: readonly Pod[], addressType = 'IPv4'): SourceObject =>
  object('EndpointSlice', 'discovery.k8s.io/v1', name, {
    addressType,
    ports: [{ name: 'http', port: 9000 }, { name: 'grpc', port: 9500 }],
    endpoints: pods.map(([ip, state]) => ({ addresses: [ip], conditions: { ready: state === 'ready', serving: state === 'ready' || state === 'terminating', terminating: state === 'terminating' || state === 'gone' } })),
  });

const deployment = object('SeldonDeployment', 'machinelearning.seldon.io/v1', 'iris', { spec: { predictors: [{ name: 'main', graph: { name: 'm' } }] } });
const service = object('Service', 'v1', 'iris-main', { spec: { clusterIP: '10.0.0.1', ports: [{ name: 'http', port: 8000 }, { name: 'grpc', port: 5001 }] } });

/** A Reconciler with one worker that acknowledges everything; gives what a change of slices sends. */
function start(...slices: readonly SourceObject[]): { change: (...now: readonly SourceObject[]) => ControlToData[]; version: () => number; addresses: () => string[] } {
  const settings = { ambassadorIds: ['default'], namespaces: [], singleNamespace: null, claims: 'open', bareNames: 'on', mappings: false, dial: 'endpoints', source: 'cluster', forbiddenAddresses: [], grants: [], defaultTimeoutMs: 3000, withoutSlices: 'unready' } as const;
  const sent: ControlToData[] = [];
  const translator = new Translator(settings, nothingHeld);
  const reconciler: Reconciler = new Reconciler(translator, { version: 0, ready: false, slots: [], breakerSlots: [], addresses: [], held: [] }, new Readiness(1, false), {
    lookup: () => Promise.reject(new Error('nobody asks')), refuse: () => null, nowMs: () => 0, recordProblems: () => [], keep: () => {}, ready: () => {}, live: () => {}, probe: () => Promise.resolve(true),
  });
  let acknowledged = 0;
  const take = (set: readonly SourceObject[]): ControlToData[] => {
    const from = sent.length;
    reconciler.take({ set, removed: [], problems: [], readAtMs: 0 });
    reconciler.open();
    for (const message of sent.slice(from)) {
      if (message.kind !== 'delta') continue;
      acknowledged = message.delta.version;
      reconciler.from(0, { kind: 'acknowledged', version: acknowledged, hash: 'h', routeCount: 1, problems: [], atMs: 0 });
    }
    return sent.slice(from).filter(({ kind }) => kind !== 'ready');
  };
  reconciler.join(0, (message) => sent.push(message));
  take([deployment, service, ...slices]);
  return {
    change: (...now) => take(now),
    version: () => acknowledged,
    addresses: () => [...translator.current().endpoints.values()].find(({ key }) => key.includes(':8000'))!.endpoints.map(({ ip, port, state }) => `${ip} ${port} ${state}`),
  };
}

describe('a change of EndpointSlices', () => {
  test.each<[string, readonly Pod[]]>([
    ['a pod more', [['10.1.0.1', 'ready'], ['10.1.0.2', 'ready']]],
    ['another pod', [['10.1.0.9', 'ready']]],
    ['a pod that starts', [['10.1.0.1', 'ready'], ['10.1.0.2', 'starting']]],
    ['a pod that ends', [['10.1.0.1', 'ready'], ['10.1.0.2', 'terminating']]],
  ])('that leaves a ready Endpoint rebuilds no Route: %s', (_, pods) => {
    const { change, version } = start(slice('a', [['10.1.0.1', 'ready']]));
    const before = version();
    expect(change(slice('a', pods)).map(({ kind }) => kind).filter((kind) => kind !== 'endpoints')).toEqual([]);
    expect(version()).toBe(before);
  });

  test('a rolling update by two slices, pod by pod, rebuilds no Route', () => {
    const { change, version, addresses } = start(slice('old', [['10.1.0.1', 'ready'], ['10.1.0.2', 'ready']]));
    const before = version();
    change(slice('new', [['10.2.0.1', 'starting']]));
    change(slice('new', [['10.2.0.1', 'ready']]));
    change(slice('old', [['10.1.0.1', 'terminating'], ['10.1.0.2', 'ready']]));
    change(slice('new', [['10.2.0.1', 'ready'], ['10.2.0.2', 'ready']]), slice('old', [['10.1.0.1', 'gone'], ['10.1.0.2', 'terminating']]));
    expect(version()).toBe(before);
    expect(addresses()).toEqual(['10.1.0.2 9000 terminating', '10.2.0.1 9000 ready', '10.2.0.2 9000 ready']);
  });

  test('the last ready Endpoint gone, or back, is one delta', () => {
    const { change, version } = start(slice('a', [['10.1.0.1', 'ready']]));
    const before = version();
    expect(change(slice('a', [])).map(({ kind }) => kind)).toContain('delta');
    expect(version()).toBe(before + 1);
  });

  test('slices of both families and several of one are one list, each address once', () => {
    const { addresses } = start(slice('v4', [['10.1.0.1', 'ready']]), slice('v4-again', [['10.1.0.1', 'terminating'], ['10.1.0.2', 'ready']]), slice('v6', [['fd00::1', 'ready']], 'IPv6'));
    expect(addresses()).toEqual(['10.1.0.1 9000 ready', '10.1.0.2 9000 ready', 'fd00:0:0:0:0:0:0:1 9000 ready'].map((text) => text.replace('fd00:0:0:0:0:0:0:1', 'fd00::1')));
  });
});
