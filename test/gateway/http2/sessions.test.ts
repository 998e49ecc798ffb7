import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { EndpointSessions } from '../../../gateway/edge/http2/sessions.ts';
import type { Http2Limits } from '../../../gateway/edge/http2/shared.ts';
import { answer, answerAtEnd, Caller, dialTo, sharedOf, startServer } from './peers.ts';

function poolTo(port: number, limits: Partial<Http2Limits>): { pool: EndpointSessions; caller: Caller } {
  const shared = sharedOf(limits);
  const pool = new EndpointSessions((owner) => dialTo(port, shared, owner).connection);
  return { pool, caller: new Caller(() => pool.pick()) };
}

test('one connection while it has room, more when it has none', async () => {
  const server = await startServer(answerAtEnd((stream) => answer(stream, 200, [], 'ok')), { concurrentStreams: 10 });
  const { pool, caller } = poolTo(server.port, {});
  await caller.call('/', null).reply;
  expect(pool.count).toBe(1);
  const replies = await Promise.all(Array.from({ length: 25 }, () => caller.call('/', null).reply));
  expect(replies.every((reply) => reply.status === 200)).toBe(true);
  expect(pool.count).toBeGreaterThanOrEqual(2);
  expect(pool.count).toBeLessThanOrEqual(8);
});

test('beyond eight connections requests wait', async () => {
  const held: (() => void)[] = [];
  const server = await startServer(answerAtEnd((stream) => held.push(() => answer(stream, 200, [], 'ok'))), { concurrentStreams: 1 });
  const { pool, caller } = poolTo(server.port, {});
  const first = caller.call('/', null).reply;
  await expect.poll(() => held.length).toBe(1);
  held.shift()!();
  await first;
  const replies = [];
  for (let i = 0; i < 8; i++) {
    replies.push(caller.call('/', null).reply);
    await expect.poll(() => held.length).toBe(i + 1);
  }
  replies.push(caller.call('/', null).reply, caller.call('/', null).reply);
  expect(pool.count).toBe(8);
  expect(pool.pendingCount).toBe(2);
  for (let answered = 0; answered < 10; answered++) {
    await expect.poll(() => held.length).toBeGreaterThan(0);
    held.shift()!();
  }
  expect((await Promise.all(replies)).every((reply) => reply.status === 200)).toBe(true);
});

test('connections change hands by age, and no call is lost', async () => {
  const server = await startServer(answerAtEnd((stream) => answer(stream, 200, [], 'ok')), {});
  const { pool, caller } = poolTo(server.port, { maxAgeMs: 30 });
  const untilMs = performance.now() + 500;
  let calls = 0;
  while (performance.now() < untilMs) {
    const replies = await Promise.all(Array.from({ length: 20 }, () => caller.call('/', Buffer.from('x')).reply));
    calls += replies.filter((reply) => reply.status === 200 && reply.loss === null).length;
    expect(calls % 20).toBe(0);
  }
  expect(server.connections.length).toBeGreaterThan(3);
  await expect.poll(() => pool.count).toBeLessThanOrEqual(2);
  expect(server.failures.every((failure) => failure === '')).toBe(true);
});

test('a server that drains loses no call that is sent again when told to be unprocessed', async () => {
  const server = await startServer(answerAtEnd((stream) => answer(stream, 200, [], 'ok')), { maxAgeMs: 40 });
  const { caller } = poolTo(server.port, {});
  const untilMs = performance.now() + 500;
  let served = 0;
  const call = async (): Promise<void> => {
    for (;;) {
      const { status, loss } = await caller.call('/', null).reply;
      if (loss !== null) {
        expect(loss.unprocessed).toBe(true);
        continue;
      }
      expect(status).toBe(200);
      served++;
      return;
    }
  };
  let asked = 0;
  while (performance.now() < untilMs) {
    asked += 10;
    await Promise.all(Array.from({ length: 10 }, call));
  }
  expect(served).toBe(asked);
  expect(server.connections.length).toBeGreaterThan(3);
});

test('a connection that does not come about loses its requests as unprocessed', async () => {
  const closed = createServer();
  closed.listen(0, '127.0.0.1');
  await once(closed, 'listening');
  const { port } = closed.address() as AddressInfo;
  await new Promise((resolve) => closed.close(resolve));
  const { pool, caller } = poolTo(port, {});
  const replies = await Promise.all([caller.call('/', Buffer.from('a')).reply, caller.call('/', null).reply]);
  expect(replies.map((reply) => reply.loss?.unprocessed)).toEqual([true, true]);
  expect(pool.count).toBe(0);
});
