// busy-changes: 500 changed files a second beside predictions: p99 of predictions with, without, and beside as many files that no gateway watches; when a change is live, and what it costs.
import { cpSync } from "node:fs";
import { constants, setPriority } from "node:os";
import { join } from "node:path";
import { deployments, type Deployment } from "../fleet.ts";
import { load } from "../load.ts";
import { requireNoErrors, type LoadPlan } from "../load-plan.ts";
import { manifestFile, plainSplit, replaceManifest, wholeManifest, type Split } from "../manifests.ts";
import { pause } from "../process.ts";
import { startSluice } from "../proxies/sluice.ts";
import { number, table } from "../report.ts";
import { bucketsOf, scrapeMetrics } from "../scraping.ts";
import { setSluiceStage } from "../sluice-stage.ts";
import { ratios, spread } from "../statistics.ts";
import type { Suite, SuiteOptions } from "./suite.ts";

const changesPerSecond = 500;
const defaultPerSecond = 2000;
const stepMs = 10;

const otherSplit: Split = { ...plainSplit, annotations: ["sluice.io/traffic: main=60,canary=40"] };

/** Changes files until it is over, one after the other in all of the fleet; gives how many. Who changes is another machine in earnest, so here it stands behind generator and upstream. */
class Changer {
  readonly #manifests: string;
  readonly #fleet: readonly Deployment[];
  #next = 0;
  #over = false;

  constructor(manifests: string, fleet: readonly Deployment[]) {
    this.#manifests = manifests;
    this.#fleet = fleet;
  }

  async run(): Promise<number> {
    this.#over = false;
    setPriority(constants.priority.PRIORITY_LOW);
    const startedMs = performance.now();
    let count = 0;
    while (!this.#over) {
      for (const due = ((performance.now() - startedMs) / 1000) * changesPerSecond; count < due; count++)
        this.#change();
      await pause(stepMs);
    }
    setPriority(constants.priority.PRIORITY_NORMAL);
    return count;
  }

  stop(): void {
    this.#over = true;
  }

  #change(): void {
    const deployment = this.#fleet[this.#next % this.#fleet.length]!;
    const round = Math.floor(this.#next / this.#fleet.length);
    this.#next += 1;
    replaceManifest(
      manifestFile(this.#manifests, deployment),
      wholeManifest(deployment, round % 2 === 0 ? otherSplit : plainSplit),
    );
  }
}

/** Tables that were live on every worker within so many seconds, cumulative. */
async function liveTables(adminPort: number): Promise<ReadonlyMap<string, number>> {
  return bucketsOf((await scrapeMetrics(adminPort)).text, "sluice_change_live_seconds");
}

export const busyChanges: Suite = {
  name: "busy-changes",
  does: "500 changed files a second among 10,000 deployments: p99 of predictions with and without, and when changes are live",
  deployments: 10_000,
  async run(options: SuiteOptions): Promise<string> {
    const stage = await setSluiceStage(options, ["main", "canary"]);
    const workers = options.workers[0]!;
    const sluice = await startSluice({
      manifests: stage.manifests,
      workers,
      logFile: join(options.folder, "sluice.log"),
    });
    requireNoErrors("sluice", await load({ ...stage.plan, port: sluice.port, measureMs: 10_000 }));
    const perSecond = options.perSecond ?? defaultPerSecond;
    const plan: LoadPlan = {
      ...stage.plan,
      port: sluice.port,
      pace: { kind: "open", perSecond, spins: false },
      measureMs: Math.max(options.measureMs, 5000),
      accountPids: [sluice.pid],
    };
    const fleet = deployments(stage.fleet);
    const changer = new Changer(stage.manifests, fleet);
    // Of the same disk and size: what is dearer beside these is not the gateway's.
    const unwatched = join(options.folder, "unwatched");
    cpSync(stage.manifests, unwatched, { recursive: true });
    const writer = new Changer(unwatched, fleet);
    const quiet: number[] = [];
    const written: number[] = [];
    const busy: number[] = [];
    const rates: number[] = [];
    const controlUs: number[] = [];
    const before = await liveTables(sluice.adminPort);
    for (let round = 0; round < options.rounds; round++) {
      const without = await load(plan);
      requireNoErrors("sluice", without);
      quiet.push(without.latency.p99Us);
      const writing = load(plan);
      const wrote = writer.run();
      const besideFiles = await writing;
      writer.stop();
      await wrote;
      requireNoErrors("sluice", besideFiles);
      written.push(besideFiles.latency.p99Us);
      const running = load(plan);
      const changing = changer.run();
      const beside = await running;
      changer.stop();
      const changed = await changing;
      requireNoErrors("sluice", beside);
      busy.push(beside.latency.p99Us);
      const rate = changed / (beside.seconds + plan.warmUpMs / 1000);
      rates.push(rate);
      const control = beside.threads.find(({ name }) => name === "control");
      controlUs.push((control?.ns ?? Number.NaN) / 1000 / (rate * beside.seconds));
    }
    const after = await liveTables(sluice.adminPort);
    const live = [...after].map(([bound, count]) => [bound, count - (before.get(bound) ?? 0)] as const);
    const all = live.at(-1)![1];
    const ratioRow = (title: string, of: readonly number[], to: readonly number[]): string[] => {
      const { median, min, max } = ratios(of, to);
      return [title, `${median.toFixed(2)} (${min.toFixed(2)} – ${max.toFixed(2)})`];
    };
    return table(
      ["what", "value"],
      [
        ["workers", String(workers)],
        ["changes a second", number(spread(rates).median)],
        [`p99 µs at ${perSecond}/s, no changes`, number(spread(quiet).median)],
        [`p99 µs at ${perSecond}/s, beside as many files that nobody watches`, number(spread(written).median)],
        [`p99 µs at ${perSecond}/s, beside changes`, number(spread(busy).median)],
        ratioRow("ratio of p99, changes to none, median (min – max)", busy, quiet),
        ratioRow("ratio of p99, files alone to none: the kernel's and the disk's", written, quiet),
        ratioRow("ratio of p99, changes to files alone: the gateway's", busy, written),
        ["CPU µs of the control thread, a change", number(spread(controlUs).median)],
        [
          "tables, and how many of them were live everywhere in so many seconds of their first byte",
          `${all}: ${live.map(([bound, count]) => `≤ ${bound} s: ${((100 * count) / all).toFixed(1)} %`).join(", ")}`,
        ],
      ],
    );
  },
};
