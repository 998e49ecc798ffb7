// Suites that need the built programs: skipped, with the reason in their name, where these are not.
import { describe } from 'vitest';
import { binaries } from './binaries.ts';

export function describeCluster(name: string, tests: () => void): void {
  if (binaries.kind === 'built') describe(name, tests);
  else describe.skip(`${name} (${binaries.reason})`, tests);
}
