import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mostHelloBytes, plainServerName, readClientHello } from '../../../../gateway/edge/tls/client-hello.ts';
import { keyNamed, ticketKeys, ticketPeriodMs } from '../../../../gateway/edge/tls/ticket-keys.ts';

function counted(size: 1 | 2 | 3, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const length = Buffer.alloc(size);
  length.writeUIntBE(body.length, 0, size);
  return Buffer.concat([length, body]);
}
const bytesOf = (hex: string): Buffer => Buffer.from(hex, 'hex');
const extension = (type: string, ...parts: readonly Buffer[]): Buffer => Buffer.concat([bytesOf(type), counted(2, ...parts)]);
const serverName = (name: string): Buffer => extension('0000', counted(2, bytesOf('00'), counted(2, Buffer.from(name, 'latin1'))));

function message(...extensions: readonly Buffer[]): Buffer {
  return Buffer.concat([bytesOf('01'), counted(3, bytesOf('0303'), Buffer.alloc(32), counted(1, Buffer.alloc(32)), counted(2, bytesOf('1301')), counted(1, bytesOf('00')), counted(2, ...extensions))]);
}

/** The message in records of at most so many bytes. */
function records(whole: Buffer, most = 16_384): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < whole.length; at += most) parts.push(bytesOf('160301'), counted(2, whole.subarray(at, at + most)));
  return Buffer.concat(parts);
}

const read = (bytes: Buffer): ReturnType<typeof readClientHello> => readClientHello(bytes, 0, bytes.length);

describe('a ClientHello', () => {
  const ticket = Buffer.alloc(200, 5);

  test.each<readonly [string, readonly Buffer[], string | null, boolean]>([
    ['a name', [serverName('A.example.')], 'a.example', false],
    ['none', [], null, false],
    ['an address', [serverName('127.0.0.1')], null, false],
    ['two names', [extension('0000', counted(2, bytesOf('00'), counted(2, Buffer.from('a')), bytesOf('00'), counted(2, Buffer.from('b'))))], null, false],
    ['a ticket of TLS 1.2', [serverName('a.example'), extension('0023', ticket)], 'a.example', true],
    ['a ticket of TLS 1.3', [serverName('a.example'), extension('0029', counted(2, counted(2, ticket), Buffer.alloc(4)), counted(2, counted(1, Buffer.alloc(32))))], 'a.example', true],
    ['an empty ticket', [extension('0023')], null, false],
  ])('with %s', (_what, extensions, name, hasTicket) => {
    for (const most of [16_384, 7, 1]) {
      expect(read(records(message(...extensions), most))).toEqual({ kind: 'hello', hello: { serverName: name, ticketKeyName: hasTicket ? ticket.subarray(0, 16) : null } });
    }
  });

  test('cut at each byte is partial, and never another hello', () => {
    const whole = records(message(serverName('a.example'), extension('0023', ticket)), 50);
    for (let end = 0; end < whole.length; end++) expect(readClientHello(whole, 0, end)).toEqual({ kind: 'partial' });
  });

  test('with the same extension twice is not read: OpenSSL refuses it', () => {
    expect(read(records(message(serverName('a.example'), serverName('b.example'))))).toEqual({ kind: 'unreadable' });
  });

  test.each([[-1, 'hello'], [0, 'hello'], [1, 'unreadable']])('%i bytes over the longest: %s', (over, kind) => {
    const empty = message(extension('ffff')).length - 4;
    expect(read(records(message(extension('ffff', Buffer.alloc(mostHelloBytes - empty + over))))).kind).toBe(kind);
  });

  test('any bytes are read without a fault', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, isRecord) => {
      const whole = isRecord ? records(Buffer.concat([bytesOf('01'), counted(3, Buffer.from(bytes))])) : Buffer.from(bytes);
      expect(['hello', 'partial', 'unreadable']).toContain(read(whole).kind);
    }));
  });
});

test.each([['a.example', 'a.example'], ['A', 'a'], ['', null], ['.', null], ['a..b', null], ['a\0b', null], ['1.2.3.4', null], ['x'.repeat(253), 'x'.repeat(253)], ['x'.repeat(254), null]])('the name %j is %j', (text, name) => {
  expect(plainServerName(text)).toBe(name);
});

describe('keys of tickets', () => {
  const [seed, other] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)] as const;

  test('are the same for the same seed and time, and change with the period', () => {
    const [now] = ticketKeys([seed], 0);
    expect(now!.bytes).toHaveLength(48);
    expect(ticketKeys([seed], ticketPeriodMs - 1)[0]).toEqual(now);
    expect(ticketKeys([seed], ticketPeriodMs)[0]).not.toEqual(now);
    expect(ticketKeys([other], 0)[0]).not.toEqual(now);
  });

  test('of the period before still open, those of two before do not; of an older seed as well', () => {
    const [before] = ticketKeys([seed], 0);
    const name = before!.bytes.subarray(0, 16);
    expect(keyNamed(ticketKeys([other, seed], ticketPeriodMs), name)).toEqual(before);
    const later = ticketKeys([seed], 2 * ticketPeriodMs);
    expect(keyNamed(later, name)).toBe(later[0]);
    expect(keyNamed(later, null)).toBe(later[0]);
  });
});
