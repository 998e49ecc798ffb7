// Requests through the data plane on real sockets: framing both ways, keep-alive, pipelining, bodiless answers.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { answersIn, fieldOf } from './client.ts';
import { Gateway, eventually, firstSlot, post, transports } from './gateway.ts';
import { Origin, answerEach, requestsIn } from './origin.ts';

describe.each(transports)('%s', (_name, secure) => {
  let gateway: Gateway;
  let origin: Origin;

  beforeEach(async () => {
    gateway = await new Gateway().listen();
    origin = await new Origin().listen();
    gateway.serveIris([origin.port]);
  });
  afterEach(async () => {
    gateway.close();
    await origin.close();
  });

  test('a POST goes through with its body, its path rewritten', async () => {
    const client = await gateway.open(secure);
    client.write(post('{"data":[1]}'));
    const [answer] = await client.answers(1);
    expect(answer).toMatchObject({ status: 200, body: 'ok' });
    const request = requestsIn(origin.text)[0]!;
    expect(request).toMatch(/^POST \/api\/v1\.0\/predictions HTTP\/1\.1\r\n/);
    expect(request).toMatch(/\r\n\r\n\{"data":\[1\]\}$/);
    expect(request.match(/content-length/gi)).toHaveLength(1);
    expect(gateway.answered('200')).toBe(1);
    expect(fieldOf(answer!, 'date')).not.toBeNull();
    expect(Number(fieldOf(answer!, 'x-envoy-upstream-service-time'))).toBeGreaterThanOrEqual(0);
    client.destroy();
  });
});
