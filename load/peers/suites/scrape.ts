// scrape: the time of a scrape when every deployment is active, and what it does to the latency of predictions.
import { constants, setPriority } from 'node:os';
import { join } from 'node:path';
import { load } from '../load.ts';
import { requireNoErrors, type LoadPlan } from '../load-plan.ts';
import { pause } from '../process.ts';
import { startSluice } from '../proxies/sluice.ts';
import { number, table } from '../report.ts';
import { scrapeMetrics, timeScrape } from '../scraping.ts';
import { setSluiceStage } from '../sluice-stage.ts';
import { ratios, spread } from '../statistics.ts';
import type { Suite, SuiteOptions } from './suite.ts';

const defaultPerSecond = 2000;
const scrapeEveryMs = 1000;
const quietScrapes = 10;

/** Scrapes once a second for a time; gives how long each took, ms. Who scrapes is another machine in earnest, so here it stands behind generator and upstream. */
async function scrapeFor(adminPort: number, timeMs: number): Promise<readonly number[]> {
  const times: number[] = [];
  setPriority(constants.priority.PRIORITY_LOW);
  for (let scrapes = 0; scrapes < timeMs / scrapeEveryMs; scrapes++) {
    const ms = await timeScrape(adminPort);
    times.push(ms);
    await pause(Math.max(0, scrapeEveryMs - ms));
  }
  setPriority(constants.priority.PRIORITY_NORMAL);
  return times;
}

export const scrape: Suite = {
  name: 'scrape',
  does: 'time of a scrape with 10,000 active deployments, and p99 of predictions with and without scrapes',
  deployments: 10_000,
  async run(options: SuiteOptions): Promise<string> {
    const stage = await setSluiceStage(options, ['main', 'canary']);
    const sluice = await startSluice({ manifests: stage.manifests, workers: 1, core: null, logFile: join(options.folder, 'sluice.log'), nodeOptions: [], serveOptions: [] });
    requireNoErrors('sluice', await load({ ...stage.plan, port: sluice.port, measureMs: 15_000 }));
    const first = await scrapeMetrics(sluice.adminPort);
    const active = new Set([...first.text.matchAll(/^sluice_requests_total\{[^}]*deployment="([^"]+)"/gm)].map((found) => found[1]));
    const alone: number[] = [];
    for (let scrapes = 0; scrapes < quietScrapes; scrapes++) {
      alone.push(await timeScrape(sluice.adminPort));
      await pause(100);
    }
    const perSecond = options.perSecond ?? defaultPerSecond;
    const plan: LoadPlan = { ...stage.plan, port: sluice.port, pace: { kind: 'open', perSecond, spins: false }, measureMs: Math.max(options.measureMs, 5000) };
    const quiet: number[] = [];
    const scraped: number[] = [];
    const times: number[] = [];
    for (let round = 0; round < options.rounds; round++) {
      const without = await load(plan);
      requireNoErrors('sluice', without);
      quiet.push(without.latency.p99Us);
      const running = load(plan);
      times.push(...(await scrapeFor(sluice.adminPort, plan.warmUpMs + plan.measureMs)));
      const beside = await running;
      requireNoErrors('sluice', beside);
      scraped.push(beside.latency.p99Us);
    }
    const time = (ms: readonly number[]): string => {
      const { median, min, max, count } = spread(ms);
      return `${number(median)} (${number(min)} – ${number(max)}), ${count} scrapes`;
    };
    const ratio = ratios(scraped, quiet);
    return [
      table(
        ['what', 'value'],
        [
          ['active deployments', String(active.size)],
          ['size of a scrape, MB', number(first.bytes / 1e6)],
          ['scrape ms without load: median (min – max)', time(alone)],
          [`scrape ms at ${perSecond} predictions a second`, time(times)],
          [`p99 µs at ${perSecond}/s, no scrape`, number(spread(quiet).median)],
          [`p99 µs at ${perSecond}/s, a scrape each second`, number(spread(scraped).median)],
          ['ratio of p99, median (min – max)', `${ratio.median.toFixed(2)} (${ratio.min.toFixed(2)} – ${ratio.max.toFixed(2)})`],
        ],
      ),
    ].join('\n\n');
  },
};
