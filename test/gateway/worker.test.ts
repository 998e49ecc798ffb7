import { once } from 'node:events';
import { MessageChannel } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import { decodeServe } from '../../gateway/config.ts';
import { blockBytes } from '../../gateway/counters.ts';
import type { ControlToData, DataStart, DataToControl, FromData, ToData } from '../../gateway/messages.ts';
import { startDataWorker } from '../../gateway/worker.ts';
import type { Applied, Plane, PlaneStart } from '../../gateway/data-plane.ts';
import type { Problem } from '../../routing/problem.ts';
import type { TableDelta } from '../../routing/delta.ts';

class FakePlane implements Plane {
  version = 0;
  ready = false;
  readonly calls: string[] = [];
  readonly options: PlaneStart;

  constructor(options: PlaneStart) {
    this.options = options;
  }

  apply(message: ControlToData): Applied {
    if (message.kind === 'endpoints' || message.kind === 'failing') return { kind: 'done' };
    this.ready = message.ready;
    if (message.kind === 'ready') return { kind: 'done' };
    const { base, version } = message.delta;
    if (base !== 0 && base !== this.version) return { kind: 'gap', version: this.version };
    this.version = version;
    return { kind: 'table', version, hash: `hash ${version}`, routeCount: 0, problems: this.problems };
  }

  problems: ReadonlyMap<string, readonly Problem[]> = new Map();

  async listen(_: number, tlsPort: number): Promise<{ host: string; port: number; tlsPort: number }> {
    this.calls.push(`listen ${this.version}`);
    return { host: '127.0.0.1', port: 4000, tlsPort };
  }

  reload(): null {
    this.calls.push('reload');
    return null;
  }

  async drain(waitMs: number, graceMs: number): Promise<void> {
    this.calls.push(`drain ${waitMs} ${graceMs}`);
  }
}

function deltaOf(base: number, version: number): TableDelta {
  return { base, version, settings: { singleNamespace: null }, mappings: [], removedMappings: [], upstreams: [], removedUpstreams: [], endpoints: [], slots: [], breakerSlots: [] };
}

function startOf(changes: Partial<DataStart>): DataStart {
  const config = decodeServe(['--folder', 'd'], {});
  if (config.kind !== 'settings') throw new Error('settings');
  return { kind: 'data', settings: config.settings, worker: 0, counters: [new SharedArrayBuffer(blockBytes())], port: 0, tlsPort: 0, replacement: false, ...changes };
}

interface Thread {
  plane: FakePlane;
  supervisor: MessagePort;
  next: () => Promise<FromData>;
}

function startThread(changes: Partial<DataStart> = {}): Thread {
  const { port1: supervisor, port2: parent } = new MessageChannel();
  let plane: FakePlane | null = null;
  void startDataWorker(startOf(changes), parent, (options) => (plane = new FakePlane(options)));
  return { plane: plane!, supervisor, next: async () => ((await once(supervisor, 'message')) as [FromData])[0] };
}

function connect(supervisor: MessagePort): { post: (message: ControlToData) => void; next: () => Promise<DataToControl> } {
  const { port1: control, port2: channel } = new MessageChannel();
  supervisor.postMessage({ kind: 'control', channel } satisfies ToData, [channel]);
  return { post: (message) => control.postMessage(message), next: async () => ((await once(control, 'message')) as [DataToControl])[0] };
}

describe('a data worker', () => {
  test('acknowledges what applies, asks for the whole when it does not', async () => {
    const { supervisor, plane, next } = startThread();
    expect(await next()).toMatchObject({ kind: 'listening', port: 4000 });
    const control = connect(supervisor);
    control.post({ kind: 'delta', delta: deltaOf(0, 5), ready: false });
    expect(await control.next()).toMatchObject({ kind: 'acknowledged', version: 5, hash: 'hash 5' });
    control.post({ kind: 'delta', delta: deltaOf(7, 8), ready: true });
    expect(await control.next()).toEqual({ kind: 'gap', version: 5 });
    control.post({ kind: 'delta', delta: deltaOf(0, 8), ready: true });
    expect(await control.next()).toMatchObject({ kind: 'acknowledged', version: 8 });
    expect(plane.ready).toBe(true);
    supervisor.close();
  });

  test('Problems of a table are told once, and to a new control worker again', async () => {
    const { supervisor, plane, next } = startThread();
    await next();
    const problem: Problem = { code: 'x', level: 'error', subject: { kind: 'File', namespace: '', name: 'f' }, field: '', sentence: '.' };
    const first = connect(supervisor);
    plane.problems = new Map([['a', [problem]], ['b', [problem]]]);
    first.post({ kind: 'delta', delta: deltaOf(0, 1), ready: true });
    expect(await first.next()).toMatchObject({ version: 1, problems: [['a', [problem]], ['b', [problem]]] });
    first.post({ kind: 'delta', delta: deltaOf(1, 2), ready: true });
    expect(await first.next()).toMatchObject({ version: 2, problems: [] });
    plane.problems = new Map([['b', plane.problems.get('b')!]]);
    first.post({ kind: 'delta', delta: deltaOf(2, 3), ready: true });
    expect(await first.next()).toMatchObject({ version: 3, problems: [['a', []]] });
    const second = connect(supervisor);
    await second.next();
    second.post({ kind: 'delta', delta: deltaOf(3, 4), ready: true });
    expect(await second.next()).toMatchObject({ version: 4, problems: [['b', [problem]]] });
    supervisor.close();
  });

  test('a new control worker takes over where the old one stopped', async () => {
    const { supervisor, plane, next } = startThread();
    await next();
    const first = connect(supervisor);
    first.post({ kind: 'delta', delta: deltaOf(0, 5), ready: true });
    await first.next();
    const second = connect(supervisor);
    expect(await second.next()).toEqual({ kind: 'holds', version: 5, hash: 'hash 5' });
    second.post({ kind: 'delta', delta: deltaOf(0, 6), ready: true });
    expect(await second.next()).toMatchObject({ kind: 'acknowledged', version: 6 });
    plane.options.used(['dns model:80']);
    expect(await second.next()).toEqual({ kind: 'used', upstreams: ['dns model:80'] });
    supervisor.close();
  });

  test('a replacement listens once it has a table', async () => {
    const { supervisor, plane, next } = startThread({ replacement: true });
    const control = connect(supervisor);
    const listening = next();
    control.post({ kind: 'delta', delta: deltaOf(0, 9), ready: true });
    expect(await listening).toMatchObject({ kind: 'listening' });
    expect(plane.calls).toEqual(['listen 9']);
    supervisor.close();
  });

  test('drains when told to', async () => {
    const { supervisor, plane, next } = startThread();
    await next();
    supervisor.postMessage({ kind: 'drain', waitMs: 1, graceMs: 2 } satisfies ToData);
    expect(await next()).toEqual({ kind: 'drained' });
    expect(plane.calls).toContain('drain 1 2');
    supervisor.close();
  });
});
