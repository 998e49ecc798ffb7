// The adapter that gives accepted sockets the static read buffer works on the pinned Node; the fallback behaves alike.
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { acceptedTransport } from '../../../gateway/edge/accepted.ts';
import { ReadBuffer } from '../../../gateway/edge/read-buffer.ts';
import type { Transport, TransportOwner } from '../../../gateway/edge/transport.ts';

class Echo implements TransportOwner {
  transport: Transport | null = null;
  readonly buffers = new Set<Buffer>();
  readonly sentinels: number[] = [];
  isEnded = false;
  brokenBy = '';
  readonly crashes: unknown[] = [];

  received(bytes: Buffer, start: number, end: number): void {
    this.buffers.add(bytes);
    this.sentinels.push(bytes[end]!);
    if (bytes.toString('latin1', start, end) === 'bug') throw new Error('planted');
    this.transport!.write(Buffer.from(bytes.subarray(start, end)));
  }

  ended(): void {
    this.isEnded = true;
    this.transport!.end();
  }

  drained(): void {}

  broken(reason: string): void {
    this.brokenBy = reason;
  }

  crashed(error: unknown): void {
    this.crashes.push(error);
  }
}

test.each([
  ['the static buffer', true],
  ["'data' events", false],
] as const)('an accepted socket on %s: bytes, half-close, back-pressure and faults', async (_what, fast) => {
  const reads = new ReadBuffer();
  const echoes: Echo[] = [];
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
    const echo = new Echo();
    echo.transport = acceptedTransport(socket, reads, echo, fast);
    echoes.push(echo);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const open = async (): Promise<{ readonly socket: ReturnType<typeof connect>; text: string }> => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const client = { socket, text: '' };
    socket.on('data', (chunk) => (client.text += chunk.toString()));
    socket.on('error', () => undefined);
    await new Promise((resolve) => {
      socket.once('connect', resolve);
    });
    return client;
  };
  const one = await open();
  const two = await open();
  for (const text of ['hello', 'again']) {
    one.socket.write(text);
    two.socket.write(text.toUpperCase());
    await new Promise((resolve) => {
      one.socket.once('data', resolve);
    });
  }
  one.socket.end();
  await new Promise((resolve) => {
    one.socket.once('end', resolve);
  });
  expect(one.text).toBe('helloagain');
  expect(echoes.some(({ isEnded }) => isEnded)).toBe(true);
  expect(echoes[0]!.transport!.peer).toBe('127.0.0.1');
  // One buffer for all connections.
  if (fast) expect(new Set(echoes.flatMap(({ buffers }) => [...buffers])).size).toBe(1);
  expect(echoes.flatMap(({ sentinels }) => sentinels).every((byte) => byte === 0)).toBe(true);

  const paused = echoes.find(({ isEnded }) => !isEnded)!;
  paused.transport!.pause();
  const before = two.text;
  two.socket.write('held');
  await new Promise((resolve) => {
    setTimeout(resolve, 50);
  });
  expect(two.text).toBe(before);
  paused.transport!.resume();
  await new Promise((resolve) => {
    two.socket.once('data', resolve);
  });
  expect(two.text).toBe(`${before}held`);

  two.socket.write('bug');
  await new Promise((resolve) => {
    two.socket.once('close', resolve);
    two.socket.once('end', () => two.socket.end());
  });
  expect(paused.crashes).toHaveLength(1);
  const three = await open();
  three.socket.write('still here');
  await new Promise((resolve) => {
    three.socket.once('data', resolve);
  });
  expect(three.text).toBe('still here');
  three.socket.destroy();
  server.close();
});
