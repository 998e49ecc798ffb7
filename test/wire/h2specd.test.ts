// h2specd: a server that breaks the rules of HTTP/2 in 57 ways, as the gateway's upstream. Skipped where the tool is not cached: build it with
// `test/tools/h2specd.sh`.
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { upstreamOf } from "../gateway/fixtures.ts";
import { endpointsOn, Gateway, irisTo } from "./gateway.ts";

const h2specd = new URL("../../.cache/tools/h2specd-v2.2.1-incompatible", import.meta.url).pathname;
const cases = 57;

describe.runIf(existsSync(h2specd))("h2specd", () => {
  test("all cases pass and none is skipped", async () => {
    const folder = mkdtempSync(join(tmpdir(), "sluice-h2specd-"));
    const gateway = await new Gateway({ time: "real" }).listen();
    try {
      // A port a case, one behind the other, where the kernel gives none to anybody who asks for any.
      const firstPort = 20_000 + (process.pid % 100) * 100;
      const ports = Array.from({ length: cases + 1 }, (_, index) => firstPort + index);
      gateway.serve(
        ports.map((port) => {
          const mapping = irisTo(`at ${port}`);
          return {
            ...mapping,
            id: `at ${port}`,
            match: { ...mapping.match, path: { kind: "prefix", prefix: `/seldon/prod/${port}/`, caseSensitive: true } },
          };
        }),
        ports.map((port) => ({ ...upstreamOf(`at ${port}`), protocol: "http2" })),
        ports.map((port) => endpointsOn(`at ${port}`, [port])),
      );
      // It starts a client for each case, with the URL that it listens at.
      const client = join(folder, "client.sh");
      writeFileSync(
        join(folder, "client.mjs"),
        `await fetch('http://127.0.0.1:${gateway.port}/seldon/prod/' + new URL(process.argv[2]).port + '/', { signal: AbortSignal.timeout(5000) }).catch(() => {});\nprocess.exit(0);\n`,
      );
      writeFileSync(client, `#!/bin/sh\nexec ${process.execPath} ${join(folder, "client.mjs")} "$1"\n`, {
        mode: 0o755,
      });
      const run = promisify(execFile)(
        h2specd,
        ["-p", String(firstPort - 1), "-f", String(firstPort), "-e", client, "-o", "10"],
        { maxBuffer: 1 << 26 },
      );
      const { stdout } = await run.catch((error: { stdout: string }) => error);
      expect(stdout.slice(Math.max(0, stdout.indexOf("Failures:")))).toContain(
        `${cases} tests, ${cases} passed, 0 skipped, 0 failed`,
      );
    } finally {
      gateway.close();
      rmSync(folder, { recursive: true });
    }
  }, 120_000);
});
