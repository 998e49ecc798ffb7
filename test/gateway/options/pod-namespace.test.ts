import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { decodeServe } from "./decode-serve.ts";
import { withPodNamespace } from "../../../gateway/options/pod-namespace.ts";

async function namespaceIn(account: string | null, ...argv: readonly string[]): Promise<string | null> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-account-"));
  onTestFinished(async () => rm(folder, { recursive: true }));
  if (account !== null) await writeFile(join(folder, "namespace"), account);
  const config = decodeServe([`--service-account=${folder}`, ...argv], { KUBERNETES_SERVICE_HOST: "10.0.0.1" });
  if (config.kind !== "settings") throw new Error("no settings");
  return (await withPodNamespace(config.settings)).gatewayNamespace;
}

test("a pod's own namespace is the gateway's, unless somebody names another", async () => {
  expect(await namespaceIn("ops\n")).toBe("ops");
  expect(await namespaceIn("ops", "--gateway-namespace=edge")).toBe("edge");
  expect(await namespaceIn("")).toBeNull();
  expect(await namespaceIn(null)).toBeNull();
});
