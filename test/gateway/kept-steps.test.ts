// Steps of rollouts over a restart: a real gateway goes on from the time and the counts that its record holds, and not from old ones.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import type { Rollout } from "../../gateway/api/rollouts.ts";
import { maxEvidenceAgeMs } from "../../gateway/control/releases/kept-evidence.ts";
import { printReleases, readReleases } from "../../gateway/control/releases/release-record.ts";
import { noCounts } from "../../routing/release/statistics/arm-counts.ts";
import { type GatewayProcess, Manifests, ModelServer, serving } from "./gateway-process.ts";
import { releasedManifest } from "./release-fixtures.ts";
import { until } from "./until.ts";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

test("a gateway that starts goes on from the record, with an hour that has passed it collects anew", async () => {
  const [folder, kept, model] = [await Manifests.create(), await Manifests.create(), await ModelServer.start()];
  closers.push(
    () => folder.remove(),
    () => kept.remove(),
    () => model.stop(),
  );
  await folder.write(
    "iris.yaml",
    releasedManifest({
      name: "iris",
      annotations: { "sluice.io/rollout": "to canary; steps 20%, 100%; every 1h; min 500 requests" },
      predictors: [
        ["main", model.port, "model:1"],
        ["canary", model.port, "model:2"],
      ],
    }),
  );
  const record = join(kept.folder, "releases");
  const start = async (): Promise<{ readonly gateway: GatewayProcess; readonly rollout: () => Promise<Rollout> }> => {
    const gateway = serving(folder.folder, 1, "--releases-record", record);
    closers.push(() => gateway.kill());
    const { admin } = await gateway.listening();
    const rollout = async (): Promise<Rollout> => {
      const answer = await fetch(`${admin}/api/v1/rollouts?deployment=iris`);
      return ((await answer.json()) as { readonly items: readonly Rollout[] }).items[0]!;
    };
    await until(async () => (await rollout()).evidence !== null);
    return { gateway, rollout };
  };
  const first = await start();
  await first.gateway.kill();
  const read = readReleases(await readFile(record, "utf8"));
  if (read.kind !== "record") throw new Error(read.reason);
  for (const [agoMs, requests, waitsFor] of [
    [60_000, 400, /^100 more requests of canary; .*; 20m more in this step$/],
    [maxEvidenceAgeMs + 60_000, 0, /^500 more requests of canary; 1h more in this step$/],
  ] as const) {
    const arm = { ...noCounts, requests: 400, failed: 3 };
    const evidence = {
      atMs: Date.now() - agoMs,
      elapsedMs: 40 * 60_000,
      window: 1,
      whole: { canary: arm, main: { ...arm, requests: 1600 } },
    };
    await writeFile(record, printReleases(read.record, new Map([["prod/iris", evidence]])));
    const { gateway, rollout } = await start();
    const shown = await rollout();
    expect([shown.state, shown.step, shown.evidence!.canary.requests]).toEqual(["stepping", 1, requests]);
    expect(shown.waitsFor).toMatch(waitsFor);
    await gateway.kill();
  }
});
