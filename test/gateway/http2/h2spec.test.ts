// h2spec, strict, against a small server on the engine. Skipped where the tool is not cached: build it with `test/tools/h2spec.sh`.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { answer, answerAtEnd, startServer } from './peers.ts';

const h2spec = new URL('../../../.cache/tools/h2spec-v2.2.1-incompatible', import.meta.url).pathname;

describe.runIf(existsSync(h2spec))('h2spec', () => {
  test('all strict cases pass and none is skipped', { timeout: 120_000 }, async () => {
    const server = await startServer(
      answerAtEnd((stream) => answer(stream, 200, [['content-type', 'text/plain']], 'a body of more than one byte')),
      {},
    );
    const run = promisify(execFile)(h2spec, ['-h', '127.0.0.1', '-p', String(server.port), '--strict', '-o', '2'], { maxBuffer: 1 << 24 });
    const { stdout } = await run.catch((error: { stdout: string }) => error);
    expect(stdout.slice(Math.max(0, stdout.indexOf('Failures:')))).toContain('146 tests, 146 passed, 0 skipped, 0 failed');
    expect(server.shared.faults).toEqual([]);
  });
});
