import { gunzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { shifted, shiftOf, withBytes } from '../../../gateway/admin/crc32.ts';
import { copyRoom, GzipText, leastCopy, mostDistance } from '../../../gateway/admin/gzip-text.ts';
import { StreamedText } from '../../../gateway/admin/streamed-text.ts';

/** What follows itself nowhere near. */
const varied = Buffer.from(Array.from({ length: mostDistance }, (_, at) => (at * 7 + (at >> 8) * 13 + (at >> 5)) & 0xff));

/** Writes `varied`, then copies; gives what is read of it, after the checksum of that was found right. */
async function copied(copies: readonly (readonly [distance: number, length: number])[]): Promise<boolean> {
  const sent: Buffer[] = [];
  const text = new StreamedText(async (bytes) => {
    sent.push(Buffer.from(bytes));
  });
  const gzip = new GzipText(text);
  gzip.write(varied);
  const expected = [...varied];
  for (const [distance, length] of copies) {
    text.room(copyRoom * (1 + Math.ceil(length / 255)));
    gzip.copy(gzip.at - distance, length);
    const from = expected.length;
    for (let byte = 0; byte < length; byte++) expected.push(expected[expected.length - distance]!);
    gzip.sum = withBytes(gzip.sum, Uint8Array.from(expected.slice(from)), 0, length);
  }
  gzip.end();
  await text.end();
  return gunzipSync(Buffer.concat(sent)).equals(Buffer.from(expected));
}

test('copies of every length are read', async () => {
  expect(await copied(Array.from({ length: 800 }, (_, at) => [1000, at + leastCopy] as const))).toBe(true);
});

test('copies from every distance are read', async () => {
  const distances = Array.from({ length: mostDistance }, (_, at) => at + 1).filter((distance) => distance < 600 || distance % 61 === 0 || (distance & (distance - 1)) === 0 || ((distance - 1) & (distance - 2)) === 0);
  expect(await copied(distances.map((distance) => [distance, 4] as const))).toBe(true);
});

test('the sum of a text follows from the sums of its parts, of any length', () => {
  for (const [first, second] of [[0, 0], [1, 1], [17, 256], [300, 257], [5, 1024], [1024, 5000]] as const) {
    const [one, other] = [varied.subarray(0, first), varied.subarray(first, first + second)];
    const whole = withBytes(-1, varied, 0, first + second);
    expect(shifted(withBytes(-1, one, 0, first), shiftOf(second)) ^ withBytes(0, other, 0, second)).toBe(whole);
  }
});
