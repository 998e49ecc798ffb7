import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { lineEnd, SampleLines } from '../../../gateway/admin/sample-lines.ts';
import { StreamedText, pieceBytes } from '../../../gateway/admin/streamed-text.ts';

async function written(write: (lines: SampleLines) => void): Promise<string> {
  const sent: Buffer[] = [];
  const text = new StreamedText(async (bytes) => {
    sent.push(Buffer.from(bytes));
  });
  write(new SampleLines(text));
  await text.end();
  return Buffer.concat(sent).toString();
}

async function numberOf(write: (lines: SampleLines) => void): Promise<string> {
  const text = await written((lines) => {
    lines.begin('a{');
    write(lines);
  });
  return /^a\{\} (\S+)\n$/.exec(text)![1]!;
}

test('a count is written in digits', async () => {
  const counts = fc.oneof(fc.constantFrom(0, 9, 10, 99, 100, 2 ** 31 - 1, 2 ** 31, 2 ** 53), fc.maxSafeNat(), fc.nat());
  await fc.assert(fc.asyncProperty(counts, async (count) => {
    expect(await numberOf((lines) => lines.count(lineEnd('} '), count))).toBe(String(count));
  }));
});

test('seconds are written to the nanosecond', async () => {
  const seconds = fc.oneof(fc.constantFrom(0, 0.1 + 0.2, 1e-9, 4e-10, 0.9999999999, 2 ** 31 - 1, 2 ** 31 + 0.5, 1e22), fc.double({ min: 0, max: 1e9, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true }));
  await fc.assert(fc.asyncProperty(seconds, async (one) => {
    const text = await numberOf((lines) => lines.seconds(lineEnd('} '), one));
    expect(Math.abs(Number(text) - one)).toBeLessThanOrEqual(5.1e-10 + one * 1e-15);
    expect(text).toMatch(/^\d+(\.\d{0,8}[1-9]|\.\d+)?(e\+\d+)?$/);
  }));
});

test('lines begin as they were told to, from piece to piece', async () => {
  const starts = ['a{x="1",code="', 'b{x="ü€😀",code="', `c{x="${'long'.repeat(pieceBytes / 4)}",code="`, `d{x="${'ö'.repeat(1000)}",code="`];
  const expected: string[] = [];
  const text = await written((lines) => {
    for (let round = 0; round < 100; round++) {
      const start = starts[round % 50 === 0 ? 2 : round % 2 === 0 ? 3 : round % 2]!;
      lines.begin(start);
      for (const code of ['200', '5xx']) {
        lines.count(lineEnd(`${code}"} `), round);
        expected.push(`${start}${code}"} ${round}\n`);
      }
    }
  });
  expect(text === expected.join('')).toBe(true);
});
