// h2spec, strict, against the gateway's own ports. Skipped where the tool is not cached: build it with `test/tools/h2spec.sh`.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { promisify } from "node:util";
import { describe, expect, onTestFinished, test } from "vitest";
import { endpointsOn, Gateway, irisTo, transports } from "./gateway.ts";
import { upstreamOf } from "../gateway/fixtures.ts";
import { answerEach, Origin } from "./origin.ts";

const h2spec = new URL("../../.cache/tools/h2spec-v2.2.1-incompatible", import.meta.url).pathname;

describe.runIf(existsSync(h2spec))("h2spec", () => {
  test.each(transports)(
    "%s: all strict cases pass and none is skipped",
    { timeout: 240_000 },
    async (_name, secure) => {
      const gateway = await new Gateway({ time: "real" }).listen();
      const origin = await new Origin(
        answerEach(
          "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 28\r\n\r\na body of more than one byte",
        ),
      ).listen();
      onTestFinished(async () => {
        gateway.close();
        await origin.close();
      });
      const root = irisTo("iris");
      gateway.serve(
        [
          {
            ...root,
            space: null,
            match: { ...root.match, path: { kind: "prefix", prefix: "/", caseSensitive: true } },
          },
        ],
        [upstreamOf("iris")],
        [endpointsOn("iris", [origin.port])],
      );
      const secured = secure ? ["-t", "-k"] : [];
      const run = promisify(execFile)(
        h2spec,
        ["-h", "127.0.0.1", "-p", String(secure ? gateway.tlsPort : gateway.port), ...secured, "--strict", "-o", "3"],
        { maxBuffer: 1 << 24 },
      );
      const { stdout } = await run.catch((error: { stdout: string }) => error);
      expect(stdout.slice(Math.max(0, stdout.indexOf("Failures:")))).toContain(
        "146 tests, 146 passed, 0 skipped, 0 failed",
      );
      expect(gateway.faults).toBe(0);
    },
  );
});
