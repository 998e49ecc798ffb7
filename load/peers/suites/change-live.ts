// change-live: one changed file among 10,000, from its rename(2) to the first answer by the new table on every worker.
import { join } from "node:path";
import { deployments, type Deployment } from "../fleet.ts";
import { startNoisyNamespace } from "../noisy-namespace.ts";
import { manifestFile, plainSplit, replaceManifest, wholeManifest, type Split } from "../manifests.ts";
import { Pollers, type Live } from "../pollers.ts";
import { pause } from "../process.ts";
import { startSluice } from "../proxies/sluice.ts";
import { seededRandom } from "../random.ts";
import { number, table } from "../report.ts";
import { bucketsOf, scrapeMetrics } from "../scraping.ts";
import { setSluiceStage } from "../sluice-stage.ts";
import { quantile } from "../statistics.ts";
import type { Suite, SuiteOptions } from "./suite.ts";

const changes = 300;
/** After the rename nobody is asked for so long: on two cores who asks stands in the way of what is measured. What is live earlier counts as live after it. */
const restMs = 1;
const restCell = new Int32Array(new SharedArrayBuffer(4));
const predictors = ["main", "canary"] as const;

function allTo(predictor: string): Split {
  const shares = predictors.map((name) => `${name}=${name === predictor ? 100 : 0}`).join(",");
  return { ...plainSplit, annotations: [`sluice.io/traffic: ${shares}`] };
}

async function changeMany(
  pollers: Pollers,
  manifests: string,
  fleet: readonly Deployment[],
  count: number,
  random: () => number,
): Promise<readonly Live[]> {
  const all: Live[] = [];
  for (let change = 0; change < count; change++) {
    const deployment = fleet[Math.floor(random() * fleet.length)]!;
    const file = manifestFile(manifests, deployment);
    pollers.aim(deployment);
    const wanted = change % predictors.length;
    // First to the other predictor, so that the measured change is one that the answers show.
    replaceManifest(file, wholeManifest(deployment, allTo(predictors[1 - wanted]!)));
    await pollers.untilEverywhere(1 - wanted);
    await pause(50 + random() * 100);
    await pollers.warm();
    const renamedMs = replaceManifest(file, wholeManifest(deployment, allTo(predictors[wanted]!)));
    Atomics.wait(restCell, 0, 0, restMs);
    const { seenMs, notBeforeMs } = await pollers.untilEverywhere(wanted);
    all.push({ seenMs: seenMs - renamedMs, notBeforeMs: Math.max(0, notBeforeMs - renamedMs) });
    await pause(30);
  }
  return all;
}

export const changeLive: Suite = {
  name: "change-live",
  does: "one changed file among 10,000: from rename(2) to the new table on every worker",
  deployments: 10_000,
  async run(options: SuiteOptions): Promise<string> {
    const stage = await setSluiceStage(options, predictors);
    const fleet = deployments(stage.fleet);
    const rows: string[][] = [];
    const notes: string[] = [];
    for (const workers of options.workers) {
      const sluice = await startSluice({
        manifests: stage.manifests,
        workers,
        logFile: join(options.folder, `sluice-${workers}.log`),
      });
      const pollers = await Pollers.open(sluice, workers, predictors, fleet[0]!);
      const measure = async (title: string): Promise<void> => {
        const random = seededRandom(workers);
        const lives = await changeMany(pollers, stage.manifests, fleet, options.requests ?? changes, random);
        const ms = (of: keyof Live, q: number): string =>
          number(
            quantile(
              lives.map((live) => live[of]),
              q,
            ),
          );
        const seen = [0.5, 0.9, 0.99, 1].map((q) => ms("seenMs", q));
        rows.push([title, String(lives.length), ...seen, ms("notBeforeMs", 0.5), ms("notBeforeMs", 0.99)]);
      };
      await measure(String(workers));
      const endNoise = startNoisyNamespace(stage.manifests);
      await measure(`${workers}, beside a noisy namespace`);
      notes.push(`${workers} workers: the noisy namespace made ${endNoise()} edits of 150 kB.`);
      pollers.stop();
      const buckets = bucketsOf((await scrapeMetrics(sluice.adminPort)).text, "sluice_change_live_seconds");
      notes.push(
        `${workers} workers, from the first byte read to the last acknowledgement, \`sluice_change_live_seconds\` (all changes since the start, cumulative): ${[...buckets].map(([bound, count]) => `≤ ${bound} s: ${count}`).join(", ")}`,
      );
      await sluice.stop();
    }
    const how = `A change is live when every worker has answered a request by the new table. Each is asked on a connection of its own, from ${restMs} ms after the rename on, the next time when all have answered; so what is told is later than what it tells of, by up to two such rounds of some tenths of a millisecond. Not live before: when the last request left that was still answered by the table before.`;
    return [
      table(
        ["workers", "changes", "p50 ms", "p90 ms", "p99 ms", "highest ms", "not live before: p50 ms", "p99 ms"],
        rows,
      ),
      how,
      ...notes,
    ].join("\n\n");
  },
};
