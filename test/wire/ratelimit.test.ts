// Envoy's own rate limit service (Go) on a real redis-server, asked by the gateway. Skipped where the tool is not cached, or there is no redis-server:
// build it with `test/tools/ratelimit.sh`.
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { freePort } from '../ports.ts';
import { hasRedis, RedisServer } from '../redis-server.ts';
import { eventually } from '../turns.ts';
import { fieldOf } from './client.ts';
import type { RawClient, WireAnswer } from './client.ts';
import { rateLimits, serveGuarded } from './external-services.ts';
import { Gateway, post } from './gateway.ts';
import { Origin } from './origin.ts';

const program = new URL('../../.cache/tools/ratelimit-v1.4.1-0.20260122083618-3fb702589d36', import.meta.url).pathname;
if (!existsSync(program)) console.warn("Envoy's rate limit service is not built (test/tools/ratelimit.sh, with Go): its tests are skipped");

const config = `
domain: models
descriptors:
  - key: user
    rate_limit: { unit: hour, requests_per_unit: 3 }
  - key: user
    value: vip
    rate_limit: { unit: hour, requests_per_unit: 1000 }
`;

/** The service as a process, on a free port. */
class RateLimitProcess {
  readonly #folder = mkdtempSync(join(tmpdir(), 'sluice-ratelimit-'));
  readonly #child: ChildProcess;
  readonly port: number;
  readonly #statusPort: number;

  private constructor(redisPort: number, [port, statusPort, debugPort]: readonly [number, number, number]) {
    this.port = port;
    this.#statusPort = statusPort;
    mkdirSync(join(this.#folder, 'ratelimit', 'config'), { recursive: true });
    writeFileSync(join(this.#folder, 'ratelimit', 'config', 'config.yaml'), config);
    const env = {
      HOST: '127.0.0.1', PORT: String(statusPort), GRPC_HOST: '127.0.0.1', GRPC_PORT: String(port), DEBUG_HOST: '127.0.0.1', DEBUG_PORT: String(debugPort), USE_STATSD: 'false', LOG_LEVEL: 'error',
      REDIS_SOCKET_TYPE: 'tcp', REDIS_URL: `127.0.0.1:${redisPort}`, RUNTIME_ROOT: this.#folder, RUNTIME_SUBDIRECTORY: 'ratelimit', RUNTIME_WATCH_ROOT: 'false', LIMIT_RESPONSE_HEADERS_ENABLED: 'true',
    };
    this.#child = spawn(program, { env, stdio: 'ignore' });
  }

  static async start(redisPort: number): Promise<RateLimitProcess> {
    const service = new RateLimitProcess(redisPort, [await freePort(), await freePort(), await freePort()]);
    const isHealthy = (): Promise<boolean> => fetch(`http://127.0.0.1:${service.#statusPort}/healthcheck`).then(({ status }) => status === 200, () => false);
    for (let healthy = await isHealthy(); !healthy; healthy = await isHealthy()) if (service.#child.exitCode !== null) throw new Error('the rate limit service ended at its start');
    return service;
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = once(this.#child, 'exit');
      this.#child.kill('SIGKILL');
      await ended;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

describe.runIf(existsSync(program) && hasRedis)("Envoy's rate limit service", () => {
  let redis: RedisServer;
  let service: RateLimitProcess;
  let gateway: Gateway;
  let origin: Origin;
  let client: RawClient;

  beforeAll(async () => {
    redis = await RedisServer.start();
    service = await RateLimitProcess.start(redis.port);
  }, 60_000);

  afterAll(async () => {
    await service.kill();
    await redis.close();
  });

  beforeEach(async () => {
    origin = await new Origin().listen();
    gateway = await new Gateway({ time: 'real' }).listen();
    client = await gateway.open(false);
  });

  afterEach(async () => {
    client.destroy();
    await eventually(() => gateway.counted('inFlight') === 0, 'nothing in flight');
    gateway.close();
    await origin.close();
  });

  function serve(failureModeDeny = false): void {
    const labels = [{ domain: 'models', labels: [{ kind: 'header', key: 'user', header: 'x-user', optional: false } as const] }];
    serveGuarded(gateway, origin.port, { rateLimit: { ...rateLimits, domain: 'models', timeoutMs: 2000, failureModeDeny }, limitsPort: service.port, target: { kept: { bypassAuth: false, authContextExtensions: {}, labels } } });
  }

  let asked = 0;
  async function ask(user: string): Promise<WireAnswer> {
    client.write(post('x', `X-User: ${user}\r\n`));
    return (await client.answers((asked += 1)))[asked - 1]!;
  }

  /** Connections of its pool come back to Redis by themselves, one after another. */
  async function statusAtLast(user: string): Promise<number> {
    const untilMs = Date.now() + 10_000;
    let status = 0;
    while (status !== 200 && Date.now() < untilMs) ({ status } = await ask(user));
    return status;
  }

  beforeEach(() => {
    asked = 0;
  });

  test('three an hour for each user, a thousand for one of them, and whoever says no name is not limited', async () => {
    serve();
    const answers: WireAnswer[] = [];
    for (const user of ['ann', 'ann', 'ann', 'ann', 'bob', 'vip', 'vip', 'vip', 'vip', '']) answers.push(await ask(user));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429, 200, 200, 200, 200, 200, 200]);
    expect(fieldOf(answers[3]!, 'x-ratelimit-limit') ?? fieldOf(answers[3]!, 'ratelimit-limit')).toMatch(/^3\b/);
    expect(gateway.flagged('RL')).toBe(1);
  });

  test('its Redis goes: it cannot say, and failure_mode_deny decides', async () => {
    serve();
    expect((await ask('carl')).status).toBe(200);
    await redis.kill();
    expect((await ask('carl')).status).toBe(200);
    serve(true);
    const denied = await ask('carl');
    expect([denied.status, gateway.flagged('RLSE')]).toEqual([500, 1]);
    await redis.restart();
    expect(await statusAtLast('dan')).toBe(200);
  });

  test('it goes itself: the same', async () => {
    serve(true);
    expect(await statusAtLast('eve')).toBe(200);
    await service.kill();
    expect((await ask('eve')).status).toBe(500);
    serve();
    expect((await ask('eve')).status).toBe(200);
  });
});
