// Faults around the table in memory, in a real gateway: a control worker that ends in the middle of a write, memory that is damaged, data workers
// that are replaced while no control worker works.
import { Agent } from 'node:http';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { WritePoint } from '../../routing/table-edit.ts';
import { GatewayProcess, Manifests, ModelServer } from './gateway-process.ts';
import { LoadClient, post } from './load-client.ts';
import { listeners } from './listeners.ts';

const writePoints: readonly WritePoint[] = ['begun', 'portion written', 'routes written', 'pages written', 'root written'];

let manifests: Manifests;
let model: ModelServer;
let gateway: GatewayProcess;

/** Two data workers, whose model answers with the path that it was asked for. */
async function serve(...argv: readonly string[]): Promise<{ readonly traffic: string; readonly admin: string; readonly port: number }> {
  gateway = new GatewayProcess(['serve', '--folder', manifests.folder, '--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0', '--workers', '2', '--drain-wait-ms', '0', ...argv]);
  const { traffic, admin } = await gateway.listening();
  return { traffic, admin, port: Number(new URL(traffic).port) };
}

function pathOf(name: string): string {
  return `/seldon/prod/${name}/api/v1.0/predictions`;
}

async function until(holds: () => Promise<boolean> | boolean): Promise<void> {
  while (!(await holds())) {
    await new Promise((resolve) => {
      setTimeout(resolve, 10);
    });
  }
}

function ended(thread: string): number {
  return gateway.records.filter((record) => record.event === 'worker-ended' && record['thread'] === thread).length;
}

beforeEach(async () => {
  manifests = await Manifests.create();
  model = await ModelServer.start();
  await manifests.deploy('iris', model.port);
});
afterEach(async () => {
  await gateway.kill();
  await model.stop();
  await manifests.remove();
});

describe('a control worker that ends in the middle of a write', { timeout: 120_000 }, () => {
  test('costs no request, and its successor writes that change and the next', async () => {
    const { traffic, admin } = await serve();
    const load = new LoadClient(4, () => traffic + pathOf('iris'));
    const agent = new Agent();
    for (const [index, point] of writePoints.entries()) {
      await gateway.endControlAt(point);
      const name = `rose${index}`;
      await manifests.deploy(name, model.port);
      await until(() => ended('control') === index + 1);
      // By the table before, or already by that of the successor.
      expect([404, 200]).toContain((await post(traffic + pathOf(name), agent)).status);
      await load.more(50);
      await until(async () => (await post(traffic + pathOf(name), agent)).status === 200);
    }
    await until(async () => (await fetch(`${admin}/readyz`).catch(() => null))?.status === 200);
    await manifests.deploy('lily', model.port);
    await until(async () => (await post(traffic + pathOf('lily'), agent)).status === 200);
    for (const [index] of writePoints.entries()) expect((await post(`${traffic}${pathOf(`rose${index}`)}`, agent)).status).toBe(200);
    await load.stop();
    expect(load.failures).toEqual([]);
    expect(gateway.records.filter(({ event }) => event === 'table-write-torn')).toHaveLength(writePoints.length);
    expect(ended('data-0') + ended('data-1')).toBe(0);
    agent.destroy();
  });
});

describe('memory of the table that is damaged', { timeout: 120_000 }, () => {
  test('ends the worker that meets it; nobody answers by it, and a table in other memory takes its place', async () => {
    await manifests.deploy('rose', model.port);
    const { traffic, admin } = await serve();
    const agent = new Agent();
    // No worker has read what is declared for rose yet.
    await gateway.damageTable('/seldon/prod/rose/');
    const outcome = await post(traffic + pathOf('rose'), agent).then(({ status }) => String(status), (error: unknown) => String(error));
    expect(outcome).toMatch(/ECONNRESET|socket hang up/);
    expect(await gateway.seen('table-damaged')).toMatchObject({ thread: expect.stringMatching(/^data-[01]$/) as string, sentence: expect.stringContaining('damaged') as string });
    const statuses = new Set<string>();
    await until(async () => {
      const answer = await post(traffic + pathOf('rose'), agent).then(({ status }) => String(status), (error: unknown) => String(error));
      statuses.add(answer);
      return answer === '200';
    });
    expect([...statuses].filter((status) => status !== '200' && !/ECONN|hang up/.test(status))).toEqual([]);
    // Both workers, and no other: each has its own connections.
    for (let i = 0; i < 20; i++) expect((await post(traffic + pathOf('rose'), new Agent())).status).toBe(200);
    await until(async () => (await fetch(`${admin}/readyz`).catch(() => null))?.status === 200);
    expect((await fetch(`${traffic}/ambassador/v0/check_ready`)).status).toBe(200);
    await manifests.deploy('lily', model.port);
    await until(async () => (await post(traffic + pathOf('lily'), agent)).status === 200);
    expect(ended('control')).toBe(1);
    agent.destroy();
  });

  test('is found by the next control worker, which begins anew; no request fails meanwhile', async () => {
    await manifests.deploy('rose', model.port);
    const { traffic, admin } = await serve();
    const load = new LoadClient(4, () => traffic + pathOf('iris'));
    await load.more(50);
    await gateway.damageTable('/seldon/prod/rose/');
    gateway.endThread('control');
    expect(await gateway.seen('table-damaged')).toMatchObject({ thread: 'control' });
    await until(() => ended('control') === 2);
    await load.more(50);
    await until(async () => (await fetch(`${admin}/readyz`).catch(() => null))?.status === 200);
    for (let i = 0; i < 20; i++) expect((await post(traffic + pathOf('rose'), new Agent())).status).toBe(200);
    await manifests.deploy('lily', model.port);
    await until(async () => (await post(traffic + pathOf('lily'), new Agent())).status === 200);
    await load.more(50);
    await load.stop();
    expect(load.failures).toEqual([]);
    expect(ended('data-0') + ended('data-1')).toBe(0);
    expect((await fetch(`${traffic}/ambassador/v0/check_ready`)).status).toBe(200);
  });
});

test('a data worker is replaced, and serves with the table that is there, while the control worker does nothing', { timeout: 120_000 }, async () => {
  const { traffic, port } = await serve();
  gateway.hangThread('control');
  for (const thread of ['data-0', 'data-1', 'data-0']) {
    const before = ended(thread);
    gateway.endThread(thread);
    await until(() => ended(thread) === before + 1);
    await until(async () => (await listeners(port)) === 2);
  }
  const load = new LoadClient(8, () => traffic + pathOf('iris'));
  await load.more(200);
  await load.stop();
  expect(load.failures).toEqual([]);
  expect((await fetch(`${traffic}/ambassador/v0/check_ready`)).status).toBe(200);
  expect(ended('control')).toBe(0);
});
