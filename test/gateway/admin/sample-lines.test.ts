import { gunzipSync } from 'node:zlib';
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { GzipLines } from '../../../gateway/admin/gzip-lines.ts';
import { SampleLines, wordsOf } from '../../../gateway/admin/sample-lines.ts';
import type { Lines, Words } from '../../../gateway/admin/sample-lines.ts';
import { StreamedText, pieceBytes } from '../../../gateway/admin/streamed-text.ts';

const [head, other, tail] = ['a{', 'other{', '"} '].map(wordsOf) as [Words, Words, Words];

const names = ['x="', '",y="'].map(wordsOf);

async function sentBy(make: (text: StreamedText) => Lines, write: (lines: Lines) => void): Promise<Buffer> {
  const sent: Buffer[] = [];
  const text = new StreamedText(async (bytes) => {
    sent.push(Buffer.from(bytes));
  });
  const lines = make(text);
  write(lines);
  lines.end();
  await text.end();
  return Buffer.concat(sent);
}

/** The text, which is the same compressed. */
async function written(write: (lines: Lines) => void): Promise<string> {
  const text = await sentBy((plain) => new SampleLines(plain, names), write);
  const gzip = await sentBy((compressed) => new GzipLines(compressed, names), write);
  expect(gunzipSync(gzip).equals(text)).toBe(true);
  return text.toString();
}

async function numberOf(write: (lines: Lines) => void): Promise<string> {
  const text = await written((lines) => {
    lines.of(['1', '']);
    write(lines);
  });
  return /^a\{x="1",y=""\} (\S+)\n$/.exec(text)![1]!;
}

test('a count is written in digits', async () => {
  const counts = fc.oneof(fc.constantFrom(0, 9, 10, 99, 100, 2 ** 31 - 1, 2 ** 31, 2 ** 53), fc.maxSafeNat(), fc.nat());
  await fc.assert(fc.asyncProperty(counts, async (count) => {
    expect(await numberOf((lines) => lines.count(head, tail, count))).toBe(String(count));
  }));
});

test('seconds are written to the nanosecond', async () => {
  const seconds = fc.oneof(fc.constantFrom(0, 0.1 + 0.2, 1e-9, 4e-10, 0.9999999999, 2 ** 31 - 1, 2 ** 31 + 0.5, 1e22), fc.double({ min: 0, max: 1e9, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }));
  await fc.assert(fc.asyncProperty(seconds, async (one) => {
    const text = await numberOf((lines) => lines.seconds(head, tail, one));
    expect(Math.abs(Number(text) - one)).toBeLessThanOrEqual(5.1e-10 + one * 1e-15);
    expect(text).toMatch(/^\d+(\.\d{0,8}[1-9]|\.\d+)?(e\+\d+)?$/);
  }));
});

test('lines say the labels of their series, whatever line came before, from piece to piece', async () => {
  const values = ['1', 'ü€😀', 'ö'.repeat(1000), 'long'.repeat(pieceBytes / 4)];
  const expected: string[] = [];
  const text = await written((lines) => {
    expected.length = 0;
    for (let round = 0; round < 200; round++) {
      const labels = [values[round % 50 === 0 ? 3 : round % 3]!, values[round % 2]!];
      lines.of(labels);
      for (const [name, words] of [['a{', head], ['a{', head], ['other{', other], ['a{', head]] as const) {
        lines.count(words, tail, round);
        expected.push(`${name}x="${labels[0]}",y="${labels[1]}"} ${round}\n`);
      }
    }
  });
  expect(text === expected.join('')).toBe(true);
});

test('any series of lines is the same compressed', async () => {
  const heads = [head, other, ...['sluice_requests_total{', 'z'.repeat(400), 'only_once{'].map(wordsOf)];
  const tails = [tail, ...['",le="0.5"} ', '",le="+Inf"} ', '",code="200"} '].map(wordsOf)];
  const value = fc.oneof(fc.constantFrom('', 'team-1', 'team-2', 'team-10', 'model-00001', 'model-00002', 'ö', 'öx', 'xö', '😀', '\ud800', 'n'.repeat(40_000), `${'n'.repeat(300)}1`, `${'n'.repeat(300)}2`), fc.string({ unit: 'grapheme', maxLength: 12 }));
  const line = fc.record({
    before: fc.constantFrom(0, 0, 0, 0, 1, 33_000),
    labels: fc.option(fc.tuple(value, value), { freq: 2 }),
    head: fc.nat(heads.length - 1),
    tail: fc.nat(tails.length - 1),
    number: fc.oneof(fc.nat(20), fc.nat(), fc.maxSafeNat(), fc.double({ min: 0, max: 1e12, noNaN: true })),
  });
  await fc.assert(fc.asyncProperty(fc.array(line, { minLength: 1, maxLength: 30 }), async (all) => {
    await written((lines) => {
      lines.of(['first', '']);
      for (const one of all) {
        if (one.before > 0) lines.write(Buffer.alloc(one.before, '# \n'));
        if (one.labels !== null) lines.of(one.labels);
        if (Number.isInteger(one.number)) lines.count(heads[one.head]!, tails[one.tail]!, one.number);
        else lines.seconds(heads[one.head]!, tails[one.tail]!, one.number);
      }
    });
  }));
});

test('of many series like those of a large gateway little is left', async () => {
  const write = (lines: Lines): void => {
    for (let series = 0; series < 2000; series++) {
      lines.of([`team-${series % 10}`, `model-${String(series >> 1).padStart(5, '0')}`]);
      for (let bucket = 0; bucket < 10; bucket++) lines.count(head, tail, series * bucket);
    }
  };
  const gzip = await sentBy((text) => new GzipLines(text, names), write);
  expect((await written(write)).length / gzip.length).toBeGreaterThan(3);
});
