import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Problem } from '../../../routing/problem.ts';
import type { TranslationChange } from '../../../k8s/translate/translation.ts';
import { Resolver, inUseMs, refreshMs } from '../../../gateway/control/resolver.ts';
import { upstreamOf } from '../fixtures.ts';

interface Names {
  resolver: Resolver;
  answers: Map<string, readonly string[] | Error>;
  lookups: string[];
  changes: TranslationChange[];
  running: { now: number; most: number };
}

function start(): Names {
  const answers = new Map<string, readonly string[] | Error>();
  const lookups: string[] = [];
  const changes: TranslationChange[] = [];
  const running = { now: 0, most: 0 };
  const resolver = new Resolver(
    {
      async lookup(host) {
        lookups.push(host);
        running.now += 1;
        running.most = Math.max(running.most, running.now);
        await Promise.resolve();
        running.now -= 1;
        const answer = answers.get(host) ?? Object.assign(new Error('not found'), { code: 'ENOTFOUND' });
        if (answer instanceof Error) throw answer;
        return answer;
      },
      refuse: (upstream, ip): Problem | null =>
        ip.startsWith('169.254.')
          ? { code: 'reach', level: 'error', subject: { kind: 'Upstream', namespace: '', name: upstream.key }, field: '', sentence: 'link-local' }
          : null,
      nowMs: () => Date.now(),
      changed: (change) => changes.push(change),
    },
    [],
  );
  return { resolver, answers, lookups, changes, running };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('resolver', () => {
  test('a name is looked up on first use, and again every 5 s while requests need it', async () => {
    const { resolver, answers, lookups, changes } = start();
    answers.set('model', ['10.0.0.2', '10.0.0.1']);
    resolver.set([upstreamOf('u', 'model')]);
    await vi.advanceTimersByTimeAsync(refreshMs * 3);
    expect(lookups).toEqual([]);
    resolver.used(['u']);
    await vi.advanceTimersByTimeAsync(0);
    expect(changes).toMatchObject([{ endpoints: [{ key: 'u', ready: true, endpoints: [{ ip: '10.0.0.1' }, { ip: '10.0.0.2' }] }], flipped: [] }]);
    await vi.advanceTimersByTimeAsync(inUseMs * 3);
    expect(lookups).toHaveLength(inUseMs / refreshMs);
    expect(changes).toHaveLength(1);
    resolver.stop();
  });

  test('the last addresses survive failures, with a Problem', async () => {
    const { resolver, answers, changes } = start();
    answers.set('model', ['10.0.0.1']);
    resolver.set([upstreamOf('u', 'model')]);
    resolver.used(['u']);
    await vi.advanceTimersByTimeAsync(0);
    answers.delete('model');
    await vi.advanceTimersByTimeAsync(refreshMs);
    expect(resolver.endpointsOf('u')?.endpoints).toHaveLength(1);
    expect(changes).toHaveLength(1);
    resolver.stop();
  });

  test('a name that never resolved is unready and tried again until it resolves', async () => {
    const { resolver, answers, changes } = start();
    resolver.set([upstreamOf('u', 'model')]);
    resolver.used(['u']);
    await vi.advanceTimersByTimeAsync(0);
    expect(changes.at(-1)).toMatchObject({ endpoints: [{ ready: false }], flipped: ['u'] });
    expect(resolver.problems).toMatchObject([{ code: 'dns-failed', level: 'error' }]);
    await vi.advanceTimersByTimeAsync(inUseMs * 5);
    answers.set('model', ['10.0.0.1']);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(changes.at(-1)).toMatchObject({ endpoints: [{ ready: true }], flipped: ['u'] });
    expect(resolver.problems).toEqual([]);
    resolver.stop();
  });

  test('every address is checked at every resolution', async () => {
    const { resolver, answers, changes } = start();
    answers.set('model', ['10.0.0.1', '169.254.169.254']);
    resolver.set([upstreamOf('u', 'model')]);
    resolver.used(['u']);
    await vi.advanceTimersByTimeAsync(0);
    expect(changes.at(-1)).toMatchObject({ endpoints: [{ endpoints: [{ ip: '10.0.0.1' }] }] });
    expect(resolver.problems).toMatchObject([{ code: 'reach' }]);
    answers.set('model', ['169.254.169.254']);
    await vi.advanceTimersByTimeAsync(refreshMs);
    expect(changes.at(-1)).toMatchObject({ endpoints: [{ ready: false, endpoints: [] }], flipped: ['u'] });
    resolver.stop();
  });

  test('two lookups at once, however many names are used', async () => {
    const { resolver, answers, lookups, running } = start();
    const upstreams = Array.from({ length: 20 }, (_, index) => upstreamOf(`u${index}`, `model${index}`));
    for (let index = 0; index < 20; index++) answers.set(`model${index}`, ['10.0.0.1']);
    resolver.set(upstreams);
    resolver.used(upstreams.map(({ key }) => key));
    await vi.advanceTimersByTimeAsync(0);
    expect(lookups).toHaveLength(20);
    expect(running.most).toBe(2);
    resolver.stop();
  });

  test('a removed Upstream is forgotten, also while it is looked up', async () => {
    const { resolver, answers, changes } = start();
    answers.set('model', ['10.0.0.1']);
    resolver.set([upstreamOf('u', 'model')]);
    resolver.used(['u']);
    resolver.remove(['u']);
    await vi.advanceTimersByTimeAsync(refreshMs * 2);
    expect(changes).toEqual([]);
    expect(resolver.addresses).toEqual([]);
    resolver.stop();
  });

  test('addresses of the control worker before hold until the first lookup', () => {
    const kept = [{ key: 'u', ready: true, endpoints: [{ ip: '10.0.0.9', port: 8000, state: 'ready' as const }] }];
    const resolver = new Resolver({ lookup: () => Promise.resolve([]), refuse: () => null, nowMs: () => 0, changed: () => {} }, kept);
    resolver.set([upstreamOf('u', 'model')]);
    expect(resolver.endpointsOf('u')).toEqual(kept[0]);
    expect(resolver.addresses).toEqual(kept);
  });
});
