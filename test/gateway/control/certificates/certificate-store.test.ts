// The first certificates: what the options name and cannot be used stops the start before anybody is told of it.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { CertificateStore } from "../../../../gateway/control/certificates/certificate-store.ts";
import { plainTlsDefaults } from "../../../../gateway/options/tls-defaults.ts";

test("of a pair that cannot be used nobody is told: the start ends with one sentence", () => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-certificates-"));
  const file = join(folder, "cert.pem");
  writeFileSync(file, "no certificate");
  const told: unknown[] = [];
  const outside = {
    log: { write: (...line: unknown[]): unknown => told.push(line), flush: () => undefined },
    nowMs: () => 0,
    declared: () => [],
    publish: (set: unknown): unknown => told.push(set),
    problemsChanged: () => undefined,
  };
  const store = new CertificateStore(
    {
      host: null,
      port: 0,
      certFile: file,
      keyFile: file,
      folders: [],
      ticketKeysFile: null,
      defaults: plainTlsDefaults,
    },
    null,
    outside,
  );
  try {
    expect(() => store.synced()).toThrow(/cert\.pem cannot be used .*: write --tls-cert and --tls-key/);
    expect([told, store.set]).toEqual([[], null]);
  } finally {
    store.stop();
    rmSync(folder, { recursive: true });
  }
});
