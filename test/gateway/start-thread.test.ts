import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { GatewayProcess } from "./gateway-process.ts";

test("threads keep their compiled code where NODE_COMPILE_CACHE says, for the next start", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-code-"));
  const manifests = mkdtempSync(join(tmpdir(), "sluice-none-"));
  const gateway = new GatewayProcess(
    [
      "serve",
      "--folder",
      manifests,
      "--listen",
      "127.0.0.1:0",
      "--admin",
      "127.0.0.1:0",
      "--workers",
      "1",
      "--drain-wait-ms",
      "0",
    ],
    { NODE_COMPILE_CACHE: folder },
  );
  await gateway.seen("listening");
  gateway.process.kill("SIGTERM");
  await gateway.exited;
  expect(readdirSync(folder)).not.toEqual([]);
  for (const one of [folder, manifests]) rmSync(one, { recursive: true, force: true });
});
