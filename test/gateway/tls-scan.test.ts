// A gateway that is started with a certificate and nothing else about TLS, as a scanner of somebody else's sees it: sslyze, against Mozilla's "intermediate".
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { promisify } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Authority } from "../authority.ts";
import { GatewayStage } from "./gateway-stage.ts";

const program = new URL("../../.cache/tools/sslyze-6.3.1/bin/sslyze", import.meta.url).pathname;
if (!existsSync(program))
  console.warn("sslyze is not installed (test/tools/sslyze.sh, with Python, from PyPI): TLS is not scanned");

let stage: GatewayStage;
let authority: Authority;

beforeEach(async () => {
  stage = await GatewayStage.open();
  authority = await Authority.make();
});
afterEach(async () => {
  await stage.close();
  authority.remove();
});

const day = (days: number): string =>
  new Date(Date.now() + days * 86_400_000).toISOString().replaceAll(/[-:T]|\.\d+/g, "");

/** What sslyze says of a gateway with these options, and whether it complies. */
async function scan(...argv: readonly string[]): Promise<{ readonly complies: boolean; readonly text: string }> {
  const { certFile, keyFile } = await authority.issue("scanned", "DNS:scanned.example", { from: day(-1), to: day(89) });
  const gateway = stage.serve(1, "--tls-listen", "127.0.0.1:0", "--tls-cert", certFile, "--tls-key", keyFile, ...argv);
  await gateway.listening();
  const { tls } = await gateway.seen("listening");
  return promisify(execFile)(program, [
    "--mozilla_config",
    "intermediate",
    "--certinfo_ca_file",
    authority.caFile,
    "--sni",
    "scanned.example",
    String(tls),
  ]).then(
    ({ stdout }) => ({ complies: true, text: stdout }),
    ({ stdout }: { readonly stdout: string }) => ({ complies: false, text: stdout }),
  );
}

test.skipIf(!existsSync(program))("complies with Mozilla's intermediate", async () => {
  const { complies, text } = await scan();
  expect(complies, text).toBe(true);
  expect(text).toMatch(/127\.0\.0\.1:\d+: OK - Compliant/);
});

test.skipIf(!existsSync(program))("and a suite that is not in it is found", async () => {
  const { complies, text } = await scan("--tls-cipher-suites", "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-SHA");
  expect([complies, text]).toEqual([false, expect.stringContaining("TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA")]);
});
