// scrape: the time of a scrape when every deployment is active, and what it does to the latency of predictions.
import { join } from "node:path";
import { startChild, type Child } from "../child.ts";
import { load } from "../load.ts";
import { requireNoErrors, type LoadPlan } from "../load-plan.ts";
import { loadCore, pause, setIdle } from "../process.ts";
import { startSluice } from "../proxies/sluice.ts";
import { number, table } from "../report.ts";
import type { ScraperQuestion, ScraperReport } from "../scraper.ts";
import { scrapeMetrics } from "../scraping.ts";
import { setSluiceStage } from "../sluice-stage.ts";
import { ratios, spread } from "../statistics.ts";
import type { Suite, SuiteOptions } from "./suite.ts";

const defaultPerSecond = 2000;
const scrapeEveryMs = 1000;
const quietScrapes = 10;

/** Who scrapes is another machine in earnest: here it has what the generator and the upstream leave of their core. */
function startScraper(): Child<ScraperQuestion, ScraperReport> {
  const scraper = startChild<ScraperQuestion, ScraperReport>(new URL("../scraper.ts", import.meta.url), loadCore);
  setIdle(scraper.pid);
  return scraper;
}

/** Scrapes once a second for a time; gives how long each took, ms. */
async function scrapeFor(
  scraper: Child<ScraperQuestion, ScraperReport>,
  adminPort: number,
  timeMs: number,
): Promise<readonly number[]> {
  const times: number[] = [];
  for (let scrapes = 0; scrapes < timeMs / scrapeEveryMs; scrapes++) {
    const ms = await scraper.ask({ adminPort });
    times.push(ms);
    await pause(Math.max(0, scrapeEveryMs - ms));
  }
  return times;
}

export const scrape: Suite = {
  name: "scrape",
  does: "time of a scrape with 10,000 active deployments, and p99 of predictions with and without scrapes",
  deployments: 10_000,
  async run(options: SuiteOptions): Promise<string> {
    const stage = await setSluiceStage(options, ["main", "canary"]);
    const sluice = await startSluice({
      manifests: stage.manifests,
      workers: 1,
      logFile: join(options.folder, "sluice.log"),
    });
    requireNoErrors("sluice", await load({ ...stage.plan, port: sluice.port, measureMs: 15_000 }));
    const first = await scrapeMetrics(sluice.adminPort);
    const active = new Set(
      [...first.text.matchAll(/^sluice_requests_total\{[^}]*deployment="([^"]+)"/gm)].map((found) => found[1]),
    );
    const scraper = startScraper();
    const alone: number[] = [];
    for (let scrapes = 0; scrapes < quietScrapes; scrapes++) {
      alone.push(await scraper.ask({ adminPort: sluice.adminPort }));
      await pause(100);
    }
    const perSecond = options.perSecond ?? defaultPerSecond;
    const plan: LoadPlan = {
      ...stage.plan,
      port: sluice.port,
      pace: { kind: "open", perSecond, spins: false },
      measureMs: Math.max(options.measureMs, 5000),
    };
    const quiet: number[] = [];
    const scraped: number[] = [];
    const times: number[] = [];
    const without = async (): Promise<void> => {
      const result = await load(plan);
      requireNoErrors("sluice", result);
      quiet.push(result.latency.p99Us);
    };
    const beside = async (): Promise<void> => {
      const running = load(plan);
      times.push(...(await scrapeFor(scraper, sluice.adminPort, plan.warmUpMs + plan.measureMs)));
      const result = await running;
      requireNoErrors("sluice", result);
      scraped.push(result.latency.p99Us);
    };
    // One begins as often as the other: what the machine does from minute to minute hits both alike.
    for (let round = 0; round < options.rounds; round++)
      for (const turn of round % 2 === 0 ? [without, beside] : [beside, without]) await turn();
    const time = (ms: readonly number[]): string => {
      const { median, min, max, count } = spread(ms);
      return `${number(median)} (${number(min)} – ${number(max)}), ${count} scrapes`;
    };
    const ratio = ratios(scraped, quiet);
    return [
      table(
        ["what", "value"],
        [
          ["active deployments", String(active.size)],
          ["size of a scrape, MB", number(first.bytes / 1e6)],
          ["scrape ms without load: median (min – max)", time(alone)],
          [`scrape ms at ${perSecond} predictions a second`, time(times)],
          [`p99 µs at ${perSecond}/s, no scrape`, number(spread(quiet).median)],
          [`p99 µs at ${perSecond}/s, a scrape each second`, number(spread(scraped).median)],
          [
            "ratio of p99, median (min – max)",
            `${ratio.median.toFixed(2)} (${ratio.min.toFixed(2)} – ${ratio.max.toFixed(2)})`,
          ],
        ],
      ),
    ].join("\n\n");
  },
};
