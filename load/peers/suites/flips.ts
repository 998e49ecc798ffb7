// flips: weight, header, service and shadow of the very routes that are being called change 50 times a second. No request may fail,
// and each answer must fit the table before or after the last change of its route; once a change must be live, only the table after it.
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { answerOf, deployments, predictionBody, predictionHead, type Deployment, type Place } from '../fleet.ts';
import { LoadConnection, type LoadConnectionOwner } from '../load-connection.ts';
import { deploymentManifest, manifestFile, plainSplit, replaceManifest, serviceManifests, wholeManifest } from '../manifests.ts';
import { pause } from '../process.ts';
import { startSluice } from '../proxies/sluice.ts';
import { seededRandom } from '../random.ts';
import { table } from '../report.ts';
import { scrapeMetrics, sumOf } from '../scraping.ts';
import { setSluiceStage, type SluiceStage } from '../sluice-stage.ts';
import type { Suite, SuiteOptions } from './suite.ts';

const perSecond = 50;
const requestsWanted = 200_000;
const flipsWanted = 1000;
const connections = 16;
const predictors = ['main', 'canary', 'blue'] as const;
const variantField = 'x-variant: b';

interface FlippedRoute {
  readonly kind: 'weight' | 'header' | 'service' | 'shadow';
  readonly request: Buffer;
  readonly file: string;
  /** Manifest of each of its two states, and the predictor that answers in it. */
  readonly states: readonly [FlippedState, FlippedState];
}

interface FlippedState {
  readonly manifest: string;
  readonly predictor: number;
}

function state(manifest: string, predictor: (typeof predictors)[number]): FlippedState {
  return { manifest, predictor: predictors.indexOf(predictor) };
}

function weightStates(deployment: Deployment): FlippedRoute['states'] {
  const to = (shares: string): string => wholeManifest(deployment, { ...plainSplit, annotations: [`sluice.io/traffic: ${shares}`] });
  return [state(to('main=100,canary=0'), 'main'), state(to('main=0,canary=100'), 'canary')];
}

/** A second SeldonDeployment on the same prefix takes the requests with a header; it flips between our header and another. */
function headerStates(deployment: Deployment): FlippedRoute['states'] {
  const main = wholeManifest(deployment, { mainFields: ['traffic: 100'], canaryFields: ['traffic: 0'], annotations: [] });
  const second = { ...deployment, name: `${deployment.name}-header` };
  const to = (header: string): string =>
    `${main}---\n${deploymentManifest(second, {
      mainFields: ['traffic: 100'],
      canaryFields: ['traffic: 0'],
      annotations: [`seldon.io/ambassador-service-name: ${deployment.name}`, `seldon.io/ambassador-header: "${header}"`],
    })}${serviceManifests(`${second.name}-main`, deployment.namespace, deployment.canary)}${serviceManifests(`${second.name}-canary`, deployment.namespace, deployment.canary)}`;
  return [state(to(variantField), 'canary'), state(to('x-variant: other'), 'main')];
}

function serviceStates(deployment: Deployment, blue: Place): FlippedRoute['states'] {
  const to = (service: string): string =>
    wholeManifest(deployment, { mainFields: ['traffic: 100', `annotations: { seldon.io/svc-name: ${service} }`], canaryFields: ['traffic: 0'], annotations: [] }) +
    serviceManifests(`${deployment.name}-blue`, deployment.namespace, blue);
  return [state(to(`${deployment.name}-main`), 'main'), state(to(`${deployment.name}-blue`), 'blue')];
}

function shadowStates(deployment: Deployment): FlippedRoute['states'] {
  const to = (canaryFields: readonly string[]): string => wholeManifest(deployment, { mainFields: ['traffic: 100'], canaryFields, annotations: [] });
  return [state(to(['traffic: 0']), 'main'), state(to(['shadow: true', 'traffic: 100']), 'main')];
}

function routes(stage: SluiceStage): readonly FlippedRoute[] {
  const body = predictionBody(70);
  const blue: Place = { host: '127.0.0.1', port: stage.ports.get('blue')! };
  const kinds = ['weight', 'header', 'service', 'shadow'] as const;
  return deployments(stage.fleet)
    .slice(0, 20)
    .map((deployment, index) => {
      const kind = kinds[index % kinds.length]!;
      const states = { weight: weightStates, header: headerStates, service: (one: Deployment) => serviceStates(one, blue), shadow: shadowStates }[kind](deployment);
      const request = Buffer.from(predictionHead(deployment.prefix, `Content-Length: ${body.length}`, [variantField]) + body);
      return { kind, request, file: manifestFile(stage.manifests, deployment), states };
    });
}

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
    const bodies = predictors.map((name) => Buffer.from(answerOf(name)));
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
        this.first ??= `${route.kind}: ${predictors[body]} answered ${(connection.dueMs - this.#flippedMs[index]!).toFixed(1)} ms after a change`;
      }
      const key = `${route.kind} ${predictors[body]}`;
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
    const stage = await setSluiceStage(options, predictors);
    const flipped = routes(stage);
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
