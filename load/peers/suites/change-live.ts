// change-live: one changed file among 10,000, from its rename(2) to the first answer by the new table on every worker.
//
// A connection stays with one worker, and which one is not visible from outside. So several connections for each worker poll the changed
// deployment once a millisecond, and a change counts as live everywhere when the last of them has seen it: an upper bound, by the poll interval.
import { join } from 'node:path';
import { answerOf, deployments, predictionBody, predictionHead, type Deployment } from '../fleet.ts';
import { LoadConnection, type LoadConnectionOwner } from '../load-connection.ts';
import { manifestFile, plainSplit, replaceManifest, wholeManifest, type Split } from '../manifests.ts';
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
const pollMs = 1;
const giveUpMs = 10_000;
const predictors = ['main', 'canary'] as const;

function allTo(predictor: string): Split {
  const shares = predictors.map((name) => `${name}=${name === predictor ? 100 : 0}`).join(',');
  return { ...plainSplit, annotations: [`sluice.io/traffic: ${shares}`] };
}

class Pollers implements LoadConnectionOwner {
  readonly #connections: readonly LoadConnection[];
  #head: Buffer;
  #wanted = 0;
  /** Counts the calls of `untilEverywhere`: a request belongs to the one that it was sent after. */
  #turn = 0;
  #waiting = new Set<LoadConnection>();
  #live: (() => void) | null = null;
  #over = false;
  answers = 0;

  constructor(port: number, count: number) {
    const bodies = predictors.map((name) => Buffer.from(answerOf(name)));
    this.#head = Buffer.alloc(0);
    this.#connections = Array.from({ length: count }, () => new LoadConnection({ host: '127.0.0.1', port }, bodies, this));
  }

  aim(deployment: Deployment): void {
    const body = predictionBody(70);
    this.#head = Buffer.from(predictionHead(deployment.prefix, `Content-Length: ${body.length}`, []) + body);
  }

  start(): void {
    for (const connection of this.#connections) this.#send(connection);
  }

  /** Resolves when every connection has got an answer of predictor `wanted` to a request that was sent after this call. */
  async untilEverywhere(wanted: number): Promise<void> {
    this.#wanted = wanted;
    this.#turn++;
    this.#waiting = new Set(this.#connections);
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`not live on every connection in ${giveUpMs} ms: ${this.#waiting.size} still get the old table`)), giveUpMs);
      this.#live = () => {
        clearTimeout(late);
        resolve();
      };
    });
  }

  stop(): void {
    this.#over = true;
    for (const connection of this.#connections) connection.end();
  }

  answered(connection: LoadConnection, status: number, body: number, text: () => string): void {
    if (status !== 200 || body < 0) throw new Error(`status ${status}: ${text()}`);
    this.answers++;
    const counts = body === this.#wanted && connection.requestIndex === this.#turn;
    if (counts && this.#waiting.delete(connection) && this.#waiting.size === 0) this.#live?.();
    setTimeout(() => {
      if (!this.#over) this.#send(connection);
    }, pollMs);
  }

  failed(_connection: LoadConnection, sentence: string): void {
    if (!this.#over) throw new Error(sentence);
  }

  #send(connection: LoadConnection): void {
    connection.requestIndex = this.#turn;
    connection.send(this.#head, null);
  }

  reconnected(): void {
    // Sluice may close a connection after an answer; the next poll opens another.
  }
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
      const pollers = new Pollers(sluice.port, workers * connectionsPerWorker);
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
