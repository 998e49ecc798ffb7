import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { TableDelta } from '../../../routing/delta.ts';
import type { Mapping } from '../../../routing/mapping.ts';
import type { Upstream, UpstreamEndpoints } from '../../../routing/upstream.ts';
import type { TranslationChange } from '../../../k8s/translate/translation.ts';
import type { PublishedState } from '../../../gateway/control/changes.ts';
import { Publisher, batchMs } from '../../../gateway/control/publisher.ts';
import type { ControlToData } from '../../../gateway/messages.ts';
import { endpointsOf, mappingOf, upstreamOf } from '../fixtures.ts';

/** The newest state, with edits that say what they changed. */
class State implements PublishedState {
  readonly settings = { singleNamespace: null };
  readonly mappings = new Map<string, Mapping>();
  readonly upstreams = new Map<string, Upstream>();
  readonly endpoints = new Map<string, UpstreamEndpoints>();

  endpointsOf(key: string): UpstreamEndpoints | undefined {
    return this.endpoints.get(key);
  }

  slotOf(id: string): number {
    return id.length;
  }

  breakerSlotOf(key: string): number {
    return key.length;
  }

  /** A Mapping that names an Upstream, with the Upstream if it is new. */
  setMapping(name: string, upstream: string, weight: number): TranslationChange {
    const mapping = mappingOf(name, upstream, weight);
    this.mappings.set(mapping.id, mapping);
    if (this.upstreams.has(upstream)) return { ...none, mappings: [mapping] };
    this.upstreams.set(upstream, upstreamOf(upstream));
    this.endpoints.set(upstream, endpointsOf(upstream, [1]));
    return { ...none, mappings: [mapping], upstreams: [this.upstreams.get(upstream)!], endpoints: [this.endpoints.get(upstream)!], flipped: [upstream] };
  }

  /** Removes a Mapping, and its Upstream when nothing names it any more. */
  removeMapping(name: string): TranslationChange {
    const id = `${name}/http`;
    const mapping = this.mappings.get(id);
    if (mapping === undefined) return none;
    this.mappings.delete(id);
    const upstream = mapping.target.kind === 'forward' ? mapping.target.upstream : '';
    if ([...this.mappings.values()].some(({ target }) => target.kind === 'forward' && target.upstream === upstream)) return { ...none, removedMappings: [id] };
    this.upstreams.delete(upstream);
    this.endpoints.delete(upstream);
    return { ...none, removedMappings: [id], removedUpstreams: [upstream] };
  }

  /** The same Upstream with another policy. */
  touchUpstream(key: string): TranslationChange {
    if (!this.upstreams.has(key)) return none;
    const upstream = upstreamOf(key);
    this.upstreams.set(key, upstream);
    return { ...none, upstreams: [upstream] };
  }

  setEndpoints(key: string, ports: readonly number[]): TranslationChange {
    const before = this.endpoints.get(key);
    if (before === undefined) return none;
    const after = endpointsOf(key, ports);
    this.endpoints.set(key, after);
    return { ...none, endpoints: [after], flipped: before.ready === after.ready ? [] : [key] };
  }
}

const none: TranslationChange = { mappings: [], removedMappings: [], upstreams: [], removedUpstreams: [], endpoints: [], flipped: [] };

/** A data worker: applies what it is sent, acknowledges when told to. */
class FakeWorker {
  readonly inbox: ControlToData[] = [];
  version = 0;
  ready = false;
  mappings = new Map<string, Mapping>();
  upstreams = new Map<string, Upstream>();
  endpoints = new Map<string, UpstreamEndpoints>();
  unacknowledged: TableDelta[] = [];
  gap = false;
  violations: string[] = [];

  receive(message: ControlToData): void {
    this.inbox.push(message);
    if (message.kind === 'ready') this.ready = message.ready;
    if (message.kind === 'delta') this.apply(message.delta);
    if (message.kind === 'endpoints') {
      if (this.gap) return;
      for (const endpoints of message.endpoints) {
        if (!this.upstreams.has(endpoints.key)) this.violations.push(`endpoints of unknown ${endpoints.key}`);
        this.endpoints.set(endpoints.key, endpoints);
      }
    }
  }

  apply(delta: TableDelta): void {
    this.unacknowledged.push(delta);
    if (this.unacknowledged.length > 1) this.violations.push('two deltas unacknowledged');
    if (delta.base !== 0 && delta.base !== this.version) {
      this.gap = true;
      return;
    }
    if (delta.version <= this.version && delta.base !== 0) this.violations.push('version does not grow');
    this.gap = false;
    if (delta.base === 0) {
      this.mappings = new Map();
      this.upstreams = new Map();
      this.endpoints = new Map();
    }
    for (const mapping of delta.mappings) this.mappings.set(mapping.id, mapping);
    for (const id of delta.removedMappings) this.mappings.delete(id);
    for (const upstream of delta.upstreams) this.upstreams.set(upstream.key, upstream);
    for (const endpoints of delta.endpoints) this.endpoints.set(endpoints.key, endpoints);
    for (const key of delta.removedUpstreams) {
      this.upstreams.delete(key);
      this.endpoints.delete(key);
    }
    for (const { id, target } of this.mappings.values()) {
      if (target.kind === 'forward' && !this.upstreams.has(target.upstream)) this.violations.push(`${id} names unknown ${target.upstream}`);
    }
    if (delta.slots.length !== delta.mappings.length) this.violations.push('a Mapping without slot');
    this.version = delta.version;
  }

  /** Answers the delta, if there is one. */
  answer(publisher: Publisher, number: number): void {
    const delta = this.unacknowledged.shift();
    if (delta === undefined) return;
    if (this.gap) publisher.gap(number);
    else publisher.acknowledged(number, delta.version, 0);
  }

  holds(state: State): boolean {
    const same = (a: ReadonlyMap<string, unknown>, b: ReadonlyMap<string, unknown>): boolean => a.size === b.size && [...a].every(([key, value]) => b.get(key) === value);
    return same(this.mappings, state.mappings) && same(this.upstreams, state.upstreams) && same(this.endpoints, state.endpoints);
  }
}

function start(state: State): { publisher: Publisher; lives: number[] } {
  const lives: number[] = [];
  const publisher = new Publisher(state, { numbered: () => {}, departed: () => {}, hashOf: (version) => `hash ${version - 1}`, live: (seconds) => lives.push(seconds), acknowledged: () => {} }, 0, false);
  return { publisher, lives };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('publisher', () => {
  test('the first change leaves at once, those within 20 ms leave together', () => {
    const state = new State();
    const { publisher } = start(state);
    const worker = new FakeWorker();
    publisher.join(0, (message) => worker.receive(message));
    publisher.open();
    worker.answer(publisher, 0);
    expect(worker.inbox).toHaveLength(1);

    publisher.change(state.setMapping('a', 'u', 1), 0);
    expect(worker.inbox).toHaveLength(2);
    worker.answer(publisher, 0);
    publisher.change(state.setMapping('b', 'u', 1), 0);
    publisher.change(state.setMapping('c', 'v', 1), 0);
    expect(worker.inbox).toHaveLength(2);
    vi.advanceTimersByTime(batchMs);
    expect(worker.inbox).toHaveLength(3);
    expect(worker.inbox[2]).toMatchObject({ kind: 'delta', delta: { base: 2, version: 3, removedMappings: [] } });
    expect(worker.holds(state)).toBe(true);
  });

  test('a delta holds only what changed', () => {
    const state = new State();
    for (let index = 0; index < 100; index++) state.setMapping(`m${index}`, `u${index}`, 1);
    const { publisher } = start(state);
    const worker = new FakeWorker();
    publisher.open();
    publisher.join(0, (message) => worker.receive(message));
    worker.answer(publisher, 0);
    publisher.change(state.setMapping('m7', 'u7', 2), 0);
    const last = worker.inbox.at(-1);
    expect(last?.kind === 'delta' ? last.delta.mappings.map(({ id }) => id) : []).toEqual(['m7/http']);
    expect(last?.kind === 'delta' ? last.delta.upstreams : null).toEqual([]);
  });

  test('endpoints that flip no ready bit go without a table', () => {
    const state = new State();
    state.setMapping('a', 'u', 1);
    const { publisher } = start(state);
    const worker = new FakeWorker();
    publisher.join(0, (message) => worker.receive(message));
    publisher.open();
    worker.answer(publisher, 0);
    publisher.change(state.setEndpoints('u', [1, 2]), 0);
    expect(worker.inbox.at(-1)).toEqual({ kind: 'endpoints', endpoints: [endpointsOf('u', [1, 2])] });
    vi.advanceTimersByTime(batchMs);
    publisher.change(state.setEndpoints('u', []), 0);
    expect(worker.inbox.at(-1)).toMatchObject({ kind: 'delta', delta: { endpoints: [{ key: 'u', ready: false }] } });
  });

  test('a worker that sees a gap gets the whole', () => {
    const state = new State();
    state.setMapping('a', 'u', 1);
    const { publisher } = start(state);
    const worker = new FakeWorker();
    publisher.join(0, (message) => worker.receive(message));
    publisher.open();
    worker.answer(publisher, 0);
    worker.version = 77;
    publisher.change(state.setMapping('b', 'u', 1), 0);
    worker.answer(publisher, 0);
    vi.advanceTimersByTime(batchMs);
    expect(worker.inbox.at(-1)).toMatchObject({ kind: 'delta', delta: { base: 0 } });
    expect(worker.holds(state)).toBe(true);
  });

  test('a change is live once the last worker acknowledged', () => {
    const state = new State();
    const { publisher, lives } = start(state);
    const workers = [new FakeWorker(), new FakeWorker()];
    for (const [index, worker] of workers.entries()) publisher.join(index, (message) => worker.receive(message));
    publisher.open();
    for (const [index, worker] of workers.entries()) worker.answer(publisher, index);
    publisher.change(state.setMapping('a', 'u', 1), 1000);
    publisher.acknowledged(0, 2, 1004);
    expect(lives).toEqual([]);
    publisher.acknowledged(1, 2, 1003);
    expect(lives).toEqual([0.004]);
  });

  test('a delta never holds half of the changes that still gather', () => {
    const state = new State();
    const { publisher } = start(state);
    const worker = new FakeWorker();
    publisher.join(0, (message) => worker.receive(message));
    publisher.open();
    publisher.change(state.setMapping('a', 'u', 1), 0);
    vi.advanceTimersByTime(batchMs);
    publisher.change(state.setMapping('a', 'u', 2), 0);
    publisher.change(state.setMapping('a', 'v', 3), 0);
    worker.answer(publisher, 0);
    expect(worker.violations).toEqual([]);
    vi.advanceTimersByTime(batchMs);
    worker.answer(publisher, 0);
    vi.advanceTimersByTime(batchMs);
    expect(worker.holds(state)).toBe(true);
  });

  test('endpoints wait with the delta that changes their Upstream', () => {
    const state = new State();
    state.setMapping('a', 'u', 1);
    const { publisher } = start(state);
    const worker = new FakeWorker();
    publisher.join(0, (message) => worker.receive(message));
    publisher.open();
    publisher.change(state.touchUpstream('u'), 0);
    vi.advanceTimersByTime(batchMs);
    publisher.change(state.setEndpoints('u', [1, 2]), 0);
    worker.answer(publisher, 0);
    vi.advanceTimersByTime(batchMs);
    expect(worker.holds(state)).toBe(true);
  });

  test('numbers go on where an earlier control worker stopped', () => {
    const state = new State();
    const worker = new FakeWorker();
    const publisher = new Publisher(state, { numbered: () => {}, departed: () => {}, hashOf: (version) => `hash ${version - 1}`, live: () => {}, acknowledged: () => {} }, 41, true);
    publisher.join(0, (message) => worker.receive(message));
    publisher.open();
    expect(worker.inbox).toMatchObject([{ kind: 'delta', ready: true, delta: { base: 0, version: 42 } }]);
  });

  test('a worker that holds the same Routes already gets Upstreams and Endpoints, no Mapping; another gets the whole', () => {
    const state = new State();
    state.setMapping('a', 'u', 1);
    const [same, other] = [new FakeWorker(), new FakeWorker()];
    const publisher = new Publisher(state, { numbered: () => {}, departed: () => {}, hashOf: () => 'the same', live: () => {}, acknowledged: () => {} }, 41, true);
    publisher.join(0, (message) => same.receive(message));
    publisher.join(1, (message) => other.receive(message));
    publisher.holds(0, 40, 'the same');
    publisher.holds(1, 41, 'another');
    publisher.open();
    expect(same.inbox).toMatchObject([{ kind: 'delta', delta: { base: 40, version: 42, mappings: [], upstreams: [{ key: 'u' }], endpoints: [{ key: 'u' }] } }]);
    expect(other.inbox).toMatchObject([{ kind: 'delta', delta: { base: 0, version: 42, mappings: [{ id: 'a/http' }] } }]);
    // The worker's table was not what it said: it gets the whole after all.
    publisher.gap(0);
    expect(same.inbox.at(-1)).toMatchObject({ kind: 'delta', delta: { base: 0, version: 42 } });
  });

  test('whatever the order of changes, answers, gaps and restarts, every worker ends with the newest state and never holds half a change', () => {
    const name = fc.constantFrom('a', 'b', 'c', 'd');
    const upstream = fc.constantFrom('u', 'v', 'w');
    const worker = fc.nat(1);
    const step = fc.oneof(
      fc.record({ kind: fc.constant('set' as const), name, upstream, weight: fc.nat(3) }),
      fc.record({ kind: fc.constant('remove' as const), name }),
      fc.record({ kind: fc.constant('endpoints' as const), upstream, ports: fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 2 }) }),
      fc.record({ kind: fc.constant('touch' as const), upstream }),
      fc.record({ kind: fc.constant('answer' as const), worker }),
      fc.record({ kind: fc.constant('restart' as const), worker }),
      fc.record({ kind: fc.constant('lose' as const), worker }),
      fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 30 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const state = new State();
        const { publisher } = start(state);
        const workers = [new FakeWorker(), new FakeWorker()];
        const violations: string[] = [];
        const join = (index: number): void => {
          const one = workers[index]!;
          publisher.join(index, (message) => one.receive(message));
        };
        join(0);
        join(1);
        publisher.open();
        for (const one of steps) {
          if (one.kind === 'set') publisher.change(state.setMapping(one.name, one.upstream, one.weight), 0);
          if (one.kind === 'remove') publisher.change(state.removeMapping(one.name), 0);
          if (one.kind === 'endpoints') publisher.change(state.setEndpoints(one.upstream, one.ports), 0);
          if (one.kind === 'touch') publisher.change(state.touchUpstream(one.upstream), 0);
          if (one.kind === 'answer') workers[one.worker]!.answer(publisher, one.worker);
          if (one.kind === 'lose') workers[one.worker]!.version += 1000;
          if (one.kind === 'wait') vi.advanceTimersByTime(one.ms);
          if (one.kind === 'restart') {
            violations.push(...workers[one.worker]!.violations);
            publisher.leave(one.worker);
            workers[one.worker] = new FakeWorker();
            join(one.worker);
          }
        }
        for (let round = 0; round < 5; round++) {
          vi.advanceTimersByTime(batchMs);
          for (const [index, one] of workers.entries()) one.answer(publisher, index);
        }
        publisher.stop();
        for (const one of workers) violations.push(...one.violations);
        expect(violations).toEqual([]);
        // A worker that was made to lose its table without a delta since does not know it yet.
        for (const one of workers) expect(one.version >= 1000 || one.holds(state)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
