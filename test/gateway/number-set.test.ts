import { expect, test } from 'vitest';
import { NumberSet } from '../../gateway/number-set.ts';

test('has what was taken and not freed since, however large the numbers are', () => {
  const set = new NumberSet();
  set.change([7, 50_000], [[3, 'a'], [1024, 'b'], [40_000, 'c'], [0, 'd']]);
  expect([...set.values()]).toEqual([0, 3, 1024, 40_000]);
  // A number may be freed and taken in one change.
  set.change([3, 1024], [[1024, 'e'], [1023, 'f']]);
  expect([...set.values()]).toEqual([0, 1023, 1024, 40_000]);
});
