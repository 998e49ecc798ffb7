// Memory goes back after a large piece of work.
import { expect, test } from 'vitest';
import { releaseMemory } from '../../gateway/release-memory.ts';

test('garbage and the pages that held it are given back', () => {
  const piles = Array.from({ length: 100 }, (_, pile) => Array.from({ length: 10_000 }, (__, index) => ({ pile, index })));
  const beforeBytes = process.memoryUsage().heapTotal;
  expect(piles.splice(0)).toHaveLength(100);
  releaseMemory();
  expect(process.memoryUsage().heapTotal).toBeLessThan(beforeBytes - 30 * 2 ** 20);
});
