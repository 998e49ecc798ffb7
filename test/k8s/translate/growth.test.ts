import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

// Twice the objects, twice the work of each function, and a little for what sorting adds; with a square it is four times.
test('work grows with the manifests, not with their square', { timeout: 120_000 }, () => {
  // Optimised code does not keep all counters.
  const { stdout, stderr } = spawnSync(process.execPath, ['--no-opt', '--no-maglev', '--no-sparkplug', join(import.meta.dirname, 'growth-count.ts'), '250'], { encoding: 'utf8' });
  expect(stderr).toBe('');
  const steeper = JSON.parse(stdout) as Record<string, Record<string, number>>;
  expect(Object.entries(steeper).filter(([, functions]) => Object.keys(functions).length > 0)).toEqual([]);
  expect(Object.keys(steeper).length).toBe(17);
});
