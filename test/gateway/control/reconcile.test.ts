import { describe, expect, test } from 'vitest';
import type { Mapping } from '../../../routing/mapping.ts';
import type { Problem } from '../../../routing/problem.ts';
import type { Upstream, UpstreamEndpoints } from '../../../routing/upstream.ts';
import type { SourceChange } from '../../../k8s/source/source.ts';
import type { Translation, TranslationChange } from '../../../k8s/translate/translation.ts';
import { Readiness } from '../../../gateway/control/readiness.ts';
import { Reconciler } from '../../../gateway/control/reconcile.ts';
import type { Translating } from '../../../gateway/control/reconcile.ts';
import type { ControlToData, Handover, HandoverChange, ToldProblems } from '../../../gateway/messages.ts';
import { endpointsOf, mappingOf, upstreamOf } from '../fixtures.ts';

const noChange: SourceChange = { set: [], removed: [], problems: [], readAtMs: 0 };
const nothingKept: Handover = { version: 0, ready: false, slots: [], breakerSlots: [], addresses: [], held: [] };

/** Answers each change of the Source with the next of the changes it was given. */
class ScriptedTranslator implements Translating {
  readonly mappings = new Map<string, Mapping>();
  readonly upstreams = new Map<string, Upstream>();
  readonly endpoints = new Map<string, UpstreamEndpoints>();
  readonly problems: Problem[] = [];
  next: Partial<TranslationChange> = {};

  apply(): TranslationChange {
    const change: TranslationChange = { mappings: [], removedMappings: [], upstreams: [], removedUpstreams: [], endpoints: [], flipped: [], ...this.next };
    for (const mapping of change.mappings) this.mappings.set(mapping.id, mapping);
    for (const id of change.removedMappings) this.mappings.delete(id);
    for (const upstream of change.upstreams) this.upstreams.set(upstream.key, upstream);
    for (const key of change.removedUpstreams) this.upstreams.delete(key);
    for (const endpoints of change.endpoints) this.endpoints.set(endpoints.key, endpoints);
    return change;
  }

  setRecord(): TranslationChange {
    return this.apply();
  }

  drainRecord(): ReadonlyMap<string, null> {
    return new Map<string, null>();
  }

  current(): Translation {
    const { mappings, upstreams, endpoints, problems } = this;
    return { settings: { singleNamespace: null }, mappings, upstreams, endpoints, choiceOf: () => null, ofAnother: [], problems };
  }
}

interface Control {
  reconciler: Reconciler;
  translator: ScriptedTranslator;
  kept: HandoverChange[];
  sent: ControlToData[];
  ready: () => number;
  take: (change: Partial<TranslationChange>) => void;
  acknowledge: (problems?: ToldProblems) => void;
}

function start(handover: Handover = nothingKept, lookup: () => Promise<readonly string[]> = () => Promise.resolve(['10.0.0.1'])): Control {
  const translator = new ScriptedTranslator();
  const keptChanges: HandoverChange[] = [];
  const sent: ControlToData[] = [];
  let ready = 0;
  const reconciler = new Reconciler(translator, handover, new Readiness(1, handover.ready), {
    lookup,
    probe: () => Promise.resolve(true),
    refuse: () => null,
    nowMs: () => 0,
    recordProblems: () => [],
    keep: (change) => keptChanges.push(change),
    ready: () => (ready += 1),
    live: () => {},
  });
  reconciler.join(0, (message) => sent.push(message));
  return {
    reconciler,
    translator,
    kept: keptChanges,
    sent,
    ready: () => ready,
    take(change) {
      translator.next = change;
      reconciler.take(noChange);
    },
    acknowledge(problems: ToldProblems = []) {
      const last = sent.findLast((message) => message.kind === 'delta');
      if (last === undefined) throw new Error('nothing was sent');
      reconciler.from(0, { kind: 'acknowledged', version: last.delta.version, hash: 'h', routeCount: 1, problems, atMs: 0 });
    },
  };
}

const iris = mappingOf('iris', 'u');
const whole: Partial<TranslationChange> = { mappings: [iris], upstreams: [upstreamOf('u')], endpoints: [endpointsOf('u', [1])], flipped: ['u'] };

describe('reconciler', () => {
  test('the first table has a slot for each Mapping, is kept before it leaves, and makes the gateway ready once acknowledged', () => {
    const { reconciler, take, sent, kept, ready, acknowledge } = start();
    take(whole);
    expect(sent).toEqual([]);
    reconciler.open();
    expect(sent).toMatchObject([{ kind: 'delta', ready: false, delta: { version: 1, base: 0, slots: [['iris/http', 0]], breakerSlots: [['u', 0]] } }]);
    expect(kept).toMatchObject([{ version: 1, ready: false, taken: [[0, { deployment: 'iris' }]] }]);
    expect([reconciler.ready, ready()]).toEqual([false, 0]);
    acknowledge();
    expect([reconciler.ready, ready()]).toEqual([true, 1]);
    expect(sent.at(-1)).toEqual({ kind: 'ready', ready: true });
    expect(kept.at(-1)).toMatchObject({ ready: true });
    expect(reconciler.table.routeCount).toBe(1);
    reconciler.drain();
    expect(reconciler.ready).toBe(false);
    expect(sent.at(-1)).toEqual({ kind: 'ready', ready: false });
    reconciler.stop();
  });

  test('endpoints alone leave every table as it is', () => {
    const { reconciler, take, sent, acknowledge } = start();
    take(whole);
    reconciler.open();
    acknowledge();
    const { table } = reconciler;
    take({ endpoints: [endpointsOf('u', [1, 2])] });
    expect(sent.at(-1)).toEqual({ kind: 'endpoints', endpoints: [endpointsOf('u', [1, 2])] });
    expect(reconciler.table).toBe(table);
    expect(reconciler.endpointStates).toEqual({ ready: 2, terminating: 0, failing: 0 });
    reconciler.stop();
  });

  test('names that requests used are resolved and sent, and a later whole holds the addresses', async () => {
    const { reconciler, take, sent, kept, acknowledge } = start();
    take({ mappings: [iris], upstreams: [upstreamOf('u', 'model.prod')], endpoints: [{ key: 'u', ready: true, endpoints: [] }], flipped: ['u'] });
    reconciler.open();
    acknowledge();
    reconciler.from(0, { kind: 'used', upstreams: ['u'] });
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    const resolved = { key: 'u', ready: true, endpoints: [{ ip: '10.0.0.1', port: 8000, state: 'ready' }] };
    expect(sent.at(-1)).toEqual({ kind: 'endpoints', endpoints: [resolved] });
    expect(kept.at(-1)).toMatchObject({ addresses: [resolved] });
    reconciler.join(1, (message) => sent.push(message));
    expect(sent.at(-1)).toMatchObject({ kind: 'delta', delta: { base: 0, endpoints: [resolved] } });
    reconciler.stop();
  });

  test('a successor goes on: numbers, slots, addresses, readiness', () => {
    const address = { key: 'u', ready: true, endpoints: [{ ip: '10.0.0.9', port: 8000, state: 'ready' as const }] };
    const { reconciler, take, sent, ready } = start({ version: 7, ready: true, slots: [[4, iris.series]], breakerSlots: [], addresses: [address], held: [] });
    take({ mappings: [iris], upstreams: [upstreamOf('u', 'model.prod')], endpoints: [{ key: 'u', ready: true, endpoints: [] }], flipped: ['u'] });
    reconciler.open();
    expect(sent).toMatchObject([{ kind: 'delta', ready: true, delta: { version: 8, base: 0, slots: [['iris/http', 4]], endpoints: [address] } }]);
    expect(ready()).toBe(0);
    reconciler.stop();
  });

  test('a successor sends no Mapping to a worker that serves the same Routes', () => {
    const first = start();
    first.take(whole);
    first.reconciler.open();
    const { version, hash } = first.reconciler.table;
    const second = start({ ...nothingKept, version, ready: true, slots: [[0, iris.series]] });
    second.reconciler.from(0, { kind: 'holds', version, hash });
    second.take(whole);
    second.reconciler.open();
    expect(second.sent).toMatchObject([{ kind: 'failing', whole: true, upstreams: [] }, { kind: 'delta', delta: { base: 1, version: 2, mappings: [], slots: [], upstreams: [{ key: 'u' }], endpoints: [{ key: 'u' }] } }]);
    expect(second.reconciler.table.hash).toBe(hash);
    first.reconciler.stop();
    second.reconciler.stop();
  });

  test('Problems of the source, the translation and the table come together, sorted', () => {
    const { reconciler, translator, take, acknowledge } = start();
    const problemOf = (name: string): Problem => ({ code: 'x', level: 'error', subject: { kind: 'File', namespace: '', name }, field: '', sentence: '.' });
    translator.problems.push(problemOf('b'));
    take(whole);
    reconciler.open();
    acknowledge([['route 1', [problemOf('d')]], ['route 2', [problemOf('c')]]]);
    translator.next = {};
    reconciler.take({ ...noChange, problems: [problemOf('a')] });
    const shown = (): string[] => reconciler.problems.map(({ subject }) => subject.name);
    expect(shown()).toEqual(['a', 'b', 'c', 'd']);
    acknowledge([['route 2', []]]);
    expect(shown()).toEqual(['a', 'b', 'd']);
    reconciler.leave(0);
    expect(shown()).toEqual(['a', 'b']);
    reconciler.stop();
  });
});
