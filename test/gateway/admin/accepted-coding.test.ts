import { expect, test } from 'vitest';
import { takesGzip } from '../../../gateway/admin/accepted-coding.ts';

test.each([
  ['gzip', true],
  ['deflate, GZIP;q=0.5, br', true],
  ['x-gzip', true],
  ['identity', false],
  ['gzip;q=0', false],
  ['gzip ; q=0.000', false],
  ['gzip;q=0.001', true],
  ['*', false],
  ['gzippo', false],
  ['', false],
  [undefined, false],
])('accept-encoding %j: %j', (field, takes) => {
  expect(takesGzip(field)).toBe(takes);
});
