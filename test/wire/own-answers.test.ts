// What the gateway answers by itself, whatever body comes with it: every answer is given once, the connection serves on or ends, nothing is left
// open, and other clients are served meanwhile.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { fixed } from '../../gateway/counters.ts';
import { Gateway, endpointsOn, eventually, irisTo, transports } from './gateway.ts';
import { Origin } from './origin.ts';
import { mappingOf, upstreamOf } from '../gateway/fixtures.ts';

interface OwnAnswer {
  readonly name: string;
  readonly methods: readonly string[];
  readonly path: string;
  readonly fields: string;
  readonly status: number;
}

const cors = { origins: ['https://a.example'], methods: 'GET, POST', headers: 'content-type', exposedHeaders: '', credentials: false, maxAge: '600' };
const preflight = 'Origin: https://a.example\r\nAccess-Control-Request-Method: POST\r\n';
const upgrade = 'Connection: upgrade\r\nUpgrade: websocket\r\n';

const ownAnswers: readonly OwnAnswer[] = [
  { name: 'check_alive', methods: ['GET', 'POST', 'HEAD', 'PURGE'], path: '/ambassador/v0/check_alive', fields: '', status: 200 },
  { name: 'check_ready', methods: ['GET', 'POST'], path: '/ambassador/v0/check_ready', fields: '', status: 200 },
  { name: 'readyz', methods: ['GET'], path: '/readyz', fields: '', status: 200 },
  { name: 'no Route', methods: ['GET', 'POST'], path: '/nowhere', fields: '', status: 404 },
  { name: 'redirect', methods: ['GET', 'POST'], path: '/seldon/prod/moved/x', fields: '', status: 308 },
  { name: 'preflight', methods: ['OPTIONS'], path: '/seldon/prod/iris/p', fields: preflight, status: 200 },
  { name: 'no healthy upstream', methods: ['POST'], path: '/seldon/prod/empty/p', fields: '', status: 503 },
  { name: 'refused upgrade', methods: ['GET'], path: '/seldon/prod/iris/p', fields: upgrade, status: 403 },
];

const alive = 'GET /ambassador/v0/check_alive HTTP/1.1\r\nHost: a\r\n\r\n';

/** What comes behind the head: fields and bytes. */
const bodies: readonly { readonly fields: string; readonly bytes: string; readonly whole: boolean }[] = [
  { fields: '', bytes: '', whole: true },
  { fields: 'Content-Length: 5\r\n', bytes: 'hello', whole: true },
  { fields: 'Content-Length: 5\r\n', bytes: 'hel', whole: false },
  { fields: 'Content-Length: 70000\r\n', bytes: 'hel', whole: false },
  ...['ZZ\r\n', 'ZZ', '\r\n', '5\r\nhello\r\n0\r\n\r\n', '5\r\nhelloXX', '5\r\nhel', '-5\r\n', '5;\0', '00000000000000', '0\r\n', '0\r\nbad trailer\r\n\r\n', '0\r\na: b', `0\r\n${'a: b\r\n'.repeat(3000)}`].map((bytes) => ({
    fields: 'Transfer-Encoding: chunked\r\n',
    bytes,
    whole: bytes.endsWith('0\r\n\r\n'),
  })),
];

describe.each(transports)('HTTP/1.1 %s', (_name, secure) => {
  let gateway: Gateway;
  let origin: Origin;

  beforeEach(async () => {
    origin = await new Origin().listen();
    gateway = await serveAll(origin.port);
  });
  afterEach(async () => {
    gateway.close();
    await origin.close();
  });

  test.each(ownAnswers)('$name', async ({ methods, path, fields, status }) => {
    // A handshake a request is slow: over TLS one of each.
    for (const method of secure ? methods.slice(0, 1) : methods) {
      for (const body of bodies) {
        for (const expectation of secure ? [''] : ['', 'Expect: 100-continue\r\n']) {
          const head = `${method} ${path} HTTP/1.1\r\nHost: a\r\n${fields}${expectation}${body.fields}\r\n`;
          await ask([head + body.bytes], [status], body.whole);
          await ask([head, body.bytes], [status], body.whole);
          await ask([alive + head + body.bytes], [200, status], body.whole);
          if (body.whole) await ask([alive + head + body.bytes + alive], body.fields === '' || (expectation === '' && body.fields.startsWith('Content')) ? [200, status, 200] : [200, status], true);
        }
      }
    }
    await eventually(() => gateway.counters.cells[fixed.clientConnectionsHttp1] === 0 && gateway.counters.cells[fixed.inFlight] === 0, 'nothing open');
    expect(gateway.flagged('UX')).toBe(0);
  });

  /** Sends the pieces, with and without an end behind them, and sees these final answers. Nobody need answer half a request that has ended. */
  async function ask(pieces: readonly string[], expected: readonly number[], whole: boolean): Promise<void> {
    for (const ends of [false, true]) {
      const told = JSON.stringify({ pieces, ends });
      const client = await gateway.open(secure);
      for (const piece of pieces) {
        client.write(piece);
        await new Promise(setImmediate);
      }
      if (ends) client.socket.end();
      const statuses = (): readonly number[] => [...client.text.matchAll(/HTTP\/1\.1 ([2-5]\d\d) /g)].map(([, code]) => Number(code));
      if (ends) await client.until((one) => one.ended || one.closed, `the end after ${told}`);
      else await client.until(() => statuses().length >= expected.length, `the answers to ${told}`);
      if (whole || !ends) expect(statuses(), told).toEqual(expected);
      else expect(expected.slice(0, statuses().length), told).toEqual(statuses());
      client.destroy();
    }
  }
});

async function serveAll(port: number): Promise<Gateway> {
  const gateway = await new Gateway({ accessLog: 'off' }).listen();
  const moved = { ...mappingOf('moved', 'iris'), target: { kind: 'redirect', host: 'new.example', code: 308, path: { kind: 'prefix', with: '/n/' } } as const };
  gateway.serve([irisTo('iris', { cors }), moved, mappingOf('empty', 'empty')], [upstreamOf('iris'), upstreamOf('empty')], [endpointsOn('iris', [port]), endpointsOn('empty', [])]);
  return gateway;
}
