// change-live: one changed file among 10,000, from its rename(2) to the first answer by the new table on every worker.
import { join } from 'node:path';
import { deployments, type Deployment } from '../fleet.ts';
import { manifestFile, plainSplit, replaceManifest, wholeManifest, type Split } from '../manifests.ts';
import { Pollers } from '../pollers.ts';
import { pause } from '../process.ts';
import { startSluice } from '../proxies/sluice.ts';
import { seededRandom } from '../random.ts';
import { number, table } from '../report.ts';
import { bucketsOf, scrapeMetrics } from '../scraping.ts';
import { setSluiceStage } from '../sluice-stage.ts';
import { quantile } from '../statistics.ts';
import type { Suite, SuiteOptions } from './suite.ts';

const changes = 300;
const connectionsPerWorker = 8;
const predictors = ['main', 'canary'] as const;

function allTo(predictor: string): Split {
  const shares = predictors.map((name) => `${name}=${name === predictor ? 100 : 0}`).join(',');
  return { ...plainSplit, annotations: [`sluice.io/traffic: ${shares}`] };
}

async function changeMany(pollers: Pollers, manifests: string, fleet: readonly Deployment[], random: () => number): Promise<readonly number[]> {
  const liveMs: number[] = [];
  for (let change = 0; change < changes; change++) {
    const deployment = fleet[Math.floor(random() * fleet.length)]!;
    const file = manifestFile(manifests, deployment);
    pollers.aim(deployment);
    const wanted = change % predictors.length;
    // First to the other predictor, so that the measured change is one that the answers show.
    replaceManifest(file, wholeManifest(deployment, allTo(predictors[1 - wanted]!)));
    await pollers.untilEverywhere(1 - wanted);
    await pause(50 + random() * 100);
    const live = pollers.untilEverywhere(wanted);
    const renamedMs = replaceManifest(file, wholeManifest(deployment, allTo(predictors[wanted]!)));
    await live;
    liveMs.push(performance.now() - renamedMs);
    await pause(30);
  }
  return liveMs;
}

export const changeLive: Suite = {
  name: 'change-live',
  does: 'one changed file among 10,000: from rename(2) to the new table on every worker',
  deployments: 10_000,
  async run(options: SuiteOptions): Promise<string> {
    const stage = await setSluiceStage(options, predictors);
    const fleet = deployments(stage.fleet);
    const rows: string[][] = [];
    const notes: string[] = [];
    for (const workers of options.workers) {
      const sluice = await startSluice({ manifests: stage.manifests, workers, core: null, logFile: join(options.folder, `sluice-${workers}.log`), nodeOptions: [], serveOptions: [] });
      const pollers = new Pollers(sluice.port, workers * connectionsPerWorker, predictors);
      pollers.aim(fleet[0]!);
      pollers.start();
      const liveMs = await changeMany(pollers, stage.manifests, fleet, seededRandom(workers));
      pollers.stop();
      const buckets = bucketsOf((await scrapeMetrics(sluice.adminPort)).text, 'sluice_change_live_seconds');
      rows.push([String(workers), String(liveMs.length), ...[0.5, 0.9, 0.99, 1].map((q) => number(quantile(liveMs, q)))]);
      notes.push(`${workers} workers, from the first byte read to the last acknowledgement, \`sluice_change_live_seconds\` (all changes since the start, cumulative): ${[...buckets].map(([bound, count]) => `≤ ${bound} s: ${count}`).join(', ')}`);
      await sluice.stop();
    }
    return [table(['workers', 'changes', 'p50 ms', 'p90 ms', 'p99 ms', 'highest ms'], rows), ...notes].join('\n\n');
  },
};
