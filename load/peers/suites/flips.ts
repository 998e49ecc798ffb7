// flips: weight, header, service and shadow of the very routes that are being called change 50 times a second. No request may fail,
// and each answer must fit the table before or after the last change of its route; once a change must be live, only the table after it.
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { answerOf } from '../fleet.ts';
import { flippedPredictors, flippedRoutes, type FlippedRoute } from '../flipped-routes.ts';
import { LoadConnection, type LoadConnectionOwner } from '../load-connection.ts';
import { replaceManifest } from '../manifests.ts';
import { pause } from '../process.ts';
import { startSluice } from '../proxies/sluice.ts';
import { seededRandom } from '../random.ts';
import { table } from '../report.ts';
import { scrapeMetrics, sumOf } from '../scraping.ts';
import { setSluiceStage } from '../sluice-stage.ts';
import type { Suite, SuiteOptions } from './suite.ts';

const perSecond = 50;
const requestsWanted = 200_000;
const flipsWanted = 1000;
const connections = 16;
class Callers implements LoadConnectionOwner {
  readonly #routes: readonly FlippedRoute[];
  readonly #liveMs: number;
  readonly #current: number[];
  readonly #flippedMs: number[];
  readonly #random = seededRandom(7);
  readonly #connections: readonly LoadConnection[];
  #over = false;
  requests = 0;
  failures = 0;
  misfits = 0;
  first: string | null = null;
  /** Answers of the new state by kind: that the changes were seen at all. */
  readonly seen = new Map<string, number>();

  constructor(port: number, flipped: readonly FlippedRoute[], liveMs: number) {
    this.#routes = flipped;
    this.#liveMs = liveMs;
    this.#current = flipped.map(() => 0);
    this.#flippedMs = flipped.map(() => Number.NEGATIVE_INFINITY);
    const bodies = flippedPredictors.map((name) => Buffer.from(answerOf(name)));
    this.#connections = Array.from({ length: connections }, () => new LoadConnection({ host: '127.0.0.1', port }, bodies, this));
  }

  start(): void {
    for (const connection of this.#connections) this.#send(connection);
  }

  /** Stops sending and waits for what is on its way. */
  async stop(): Promise<void> {
    this.#over = true;
    await pause(1000);
    this.failures += this.#connections.filter((connection) => connection.busy).length;
    for (const connection of this.#connections) connection.end();
  }

  flip(index: number): void {
    const route = this.#routes[index]!;
    const next = 1 - this.#current[index]!;
    this.#flippedMs[index] = performance.now();
    this.#current[index] = next;
    replaceManifest(route.file, route.states[next]!.manifest);
  }

  answered(connection: LoadConnection, status: number, body: number, text: () => string): void {
    this.requests++;
    const index = connection.requestIndex;
    const route = this.#routes[index]!;
    if (status !== 200 || body < 0) {
      this.failures++;
      this.first ??= `${route.kind}: status ${status}: ${text().slice(0, 200)}`;
    } else {
      const current = this.#current[index]!;
      const mayBeOld = connection.dueMs < this.#flippedMs[index]! + this.#liveMs;
      const fits = body === route.states[current]!.predictor || (mayBeOld && body === route.states[1 - current]!.predictor);
      if (!fits) {
        this.misfits++;
        this.first ??= `${route.kind}: ${flippedPredictors[body]} answered ${(connection.dueMs - this.#flippedMs[index]!).toFixed(1)} ms after a change`;
      }
      const key = `${route.kind} ${flippedPredictors[body]}`;
      this.seen.set(key, (this.seen.get(key) ?? 0) + 1);
    }
    if (!this.#over) this.#send(connection);
  }

  failed(connection: LoadConnection, sentence: string): void {
    this.failures++;
    this.first ??= sentence;
    if (!this.#over) setTimeout(() => this.#send(connection), 10);
  }

  reconnected(): void {
    // A connection that ends between two requests is no failure.
  }

  #send(connection: LoadConnection): void {
    connection.requestIndex = Math.floor(this.#random() * this.#routes.length);
    connection.dueMs = performance.now();
    connection.send(this.#routes[connection.requestIndex]!.request, null);
  }
}

export const flips: Suite = {
  name: 'flips',
  does: 'weight, header, service and shadow flips on the routes being called, 50 a second: failed requests and answers that fit no table',
  deployments: 1000,
  async run(options: SuiteOptions): Promise<string> {
    const stage = await setSluiceStage(options, flippedPredictors);
    const flipped = flippedRoutes(stage);
    for (const route of flipped) {
      mkdirSync(dirname(route.file), { recursive: true });
      replaceManifest(route.file, route.states[0].manifest);
    }
    const sluice = await startSluice({ manifests: stage.manifests, workers: 2, core: null, logFile: join(options.folder, 'sluice.log'), nodeOptions: [], serveOptions: [] });
    const callers = new Callers(sluice.port, flipped, options.liveMs);
    callers.start();
    const startedMs = performance.now();
    let flipCount = 0;
    while (callers.requests < requestsWanted || flipCount < flipsWanted) {
      callers.flip(flipCount % flipped.length);
      flipCount++;
      await pause(Math.max(0, startedMs + (flipCount * 1000) / perSecond - performance.now()));
    }
    const seconds = (performance.now() - startedMs) / 1000;
    await callers.stop();
    const shadows = sumOf((await scrapeMetrics(sluice.adminPort)).text, 'sluice_shadow_requests_total', 'outcome="sent"');
    const rows = [
      ['requests', String(callers.requests)],
      ['flips', `${flipCount}, ${(flipCount / seconds).toFixed(1)} a second, ${flipped.length} routes`],
      ['failed', String(callers.failures)],
      [`answers that fit no table (old allowed for ${options.liveMs} ms)`, String(callers.misfits)],
      ['copies sent to shadows', String(shadows)],
      ...[...callers.seen].sort(([a], [b]) => a.localeCompare(b)).map(([kind, count]) => [`answers: ${kind}`, String(count)]),
      ['first trouble', callers.first ?? 'none'],
    ];
    const result = table(['what', 'value'], rows);
    if (callers.failures + callers.misfits > 0) throw new Error(result);
    if (shadows === 0) throw new Error(`no copy was sent to a shadow:\n${result}`);
    return result;
  },
};
