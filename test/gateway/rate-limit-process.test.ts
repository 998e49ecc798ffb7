// A limit of rate in a whole process: all workers count together, also one that takes the place of a worker that ended.
import { Agent } from 'node:http';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { GatewayProcess, Manifests, ModelServer } from './gateway-process.ts';
import { post } from './load-client.ts';

let manifests: Manifests;
let model: ModelServer;
let gateway: GatewayProcess;

beforeEach(async () => {
  manifests = await Manifests.create();
  model = await ModelServer.start();
});
afterEach(async () => {
  await gateway.kill();
  await model.stop();
  await manifests.remove();
});

test('two workers admit a burst together, and a worker that is replaced forgets nothing', { timeout: 60_000 }, async () => {
  await manifests.deploy('iris', model.port, 'prod', { 'sluice.io/rate-limit': '40/d; 1000/h per address' });
  gateway = new GatewayProcess(['serve', '--folder', manifests.folder, '--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0', '--workers', '2', '--drain-wait-ms', '0']);
  const { traffic, admin } = await gateway.listening();
  // A connection that the ended worker had in its queue is nobody's.
  const ask = (): Promise<number> => post(`${traffic}/seldon/prod/iris/api/v1.0/predictions`, new Agent()).then(({ status }) => status, () => 0);
  const admitted = async (count: number): Promise<number> => (await Promise.all(Array.from({ length: count }, ask))).filter((status) => status === 200).length;
  expect(await admitted(30)).toBe(30);
  gateway.endThread('data-0');
  await gateway.seen('worker-ended', { thread: 'data-0' });
  let left = 0;
  for (let round = 0; round < 4; round++) left += await admitted(10);
  expect(left).toBe(10);
  expect(await admitted(50)).toBe(0);
  const metrics = await (await fetch(`${admin}/metrics`)).text();
  expect(metrics).toMatch(/^sluice_rate_limit_clients 1$/m);
  expect(metrics).toMatch(/^sluice_rate_limit_evictions_total 0$/m);
  expect(metrics).toMatch(/^sluice_failures_total\{flag="RL"\} [1-9]\d*$/m);
  expect(gateway.errors).toBe('');
});
