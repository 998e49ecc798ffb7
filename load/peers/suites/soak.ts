// soak: millions of requests with faulty upstreams, edits of the manifests and slow clients, all at once. In the end nothing
// may be left of it: no memory, socket, connection, timer or count; and every failure that a client saw must be in a flag, and no other.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { statusBytes } from '../account.ts';
import { startChild } from '../child.ts';
import { answerOf, deployments, type Deployment } from '../fleet.ts';
import { flippedPredictors, flippedRoutes, type FlippedRoute } from '../flipped-routes.ts';
import { deploymentManifest, mainOnly, manifestFile, replaceManifest, serviceManifests, wholeManifest, type Split } from '../manifests.ts';
import { behaviours, type Behaviour, type FaultyQuestion, type FaultyReport } from '../origins/behaviours.ts';
import { grpcPredictors, type GrpcOriginQuestion, type GrpcOriginReport } from '../origins/grpc.ts';
import { freePort, loadCore, pause, proxyCore } from '../process.ts';
import { startSluice, type Sluice } from '../proxies/sluice.ts';
import { table } from '../report.ts';
import { scrapeMetrics, sumOf } from '../scraping.ts';
import { setSluiceStage, type SluiceStage } from '../sluice-stage.ts';
import { residueOf, type Residue } from '../soak/residue.ts';
import type { Outcomes, SoakGroup, SoakPlan, SoakQuestion, SoakReport } from '../soak/soak-plan.ts';
import { quantile } from '../statistics.ts';
import type { Suite, SuiteOptions } from './suite.ts';

const defaultRequests = 2_100_000;
const flipEveryMs = 20;
const churnEveryMs = 100;
const churned = 20;
const sampleMs = 5000;
/** Longest wait for gauges and descriptors to come back. */
const settleMs = 30_000;
/** RSS is flat when the last third of the run lies no further above the middle third. */
const flatShare = 1.03;
const flatBytes = 8 * 2 ** 20;
/** CPU time at rest that is not more than at the start, ms a second. */
const idleSlackMs = 5;

/** Deadlines short enough that slow clients come and go by the hundred. */
const serveOptions = ['--head-timeout-ms', '2000', '--body-idle-timeout-ms', '2000', '--write-stall-timeout-ms', '2000', '--shadow-timeout-ms', '3000'];
/** Who never answers is cut soon; but not where clients leave before the answer, for else it could cross their leaving. */
function limitOf(name: string): Split {
  if (name === 'hanging' || name === 'stuck') return { ...mainOnly, annotations: ['seldon.io/rest-timeout: "500"'] };
  return name === 'slow' ? { ...mainOnly, annotations: ['seldon.io/rest-timeout: "60000"'] } : mainOnly;
}

/** Which outcomes of clients are which flags: the two sides must be equal, line by line. */
const explained: readonly { readonly outcomes: readonly string[]; readonly flags: readonly string[] }[] = [
  { outcomes: ['404'], flags: ['NR'] },
  { outcomes: ['408'], flags: ['DT'] },
  { outcomes: ['502'], flags: ['UPE'] },
  { outcomes: ['504'], flags: ['UT', 'SI'] },
  { outcomes: ['503', 'cut', 'grpc 14'], flags: ['UC', 'UF', 'UH', 'UO'] },
  { outcomes: ['aborted', 'stalled'], flags: ['DC'] },
  { outcomes: ['400', '413', '414', '417', '431', '500', '429', '403', '405'], flags: ['DPE', 'UX', 'LR', 'OM', 'UR'] },
];

function faultyDeployment(name: string, port: number): Deployment {
  const place = { host: '127.0.0.1', port };
  return { index: 0, namespace: 'faulty', name, prefix: `/seldon/faulty/${name}/`, main: place, canary: place };
}

function put(stage: SluiceStage, deployment: Deployment, text: string): void {
  const file = manifestFile(stage.manifests, deployment);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

/** A deployment for each way to fail; its prefixes by name. */
function writeFaulty(stage: SluiceStage, ports: FaultyReport['ports'], refusing: number): ReadonlyMap<string, string> {
  const prefixes = new Map<string, string>();
  for (const [name, port] of [...Object.entries(ports), ['refusing', refusing] as const, ['absent', 0] as const]) {
    const deployment = faultyDeployment(name, port);
    const empty = deploymentManifest(deployment, mainOnly) + serviceManifests(`${name}-main`, 'faulty', null);
    put(stage, deployment, name === 'absent' ? empty : wholeManifest(deployment, limitOf(name)));
    prefixes.set(name, deployment.prefix);
  }
  return prefixes;
}

/** Deployments that come and go, each with an address of its own, so that its connections must go with it. */
function churnedDeployments(port: number): readonly Deployment[] {
  return Array.from({ length: churned }, (_, index) => {
    const place = { host: `127.18.0.${index + 1}`, port };
    return { index, namespace: 'churned', name: `passing-${index}`, prefix: `/seldon/churned/passing-${index}/`, main: place, canary: place };
  });
}

/** Deployments for gRPC calls. */
function callTargets(stage: SluiceStage, count: number, name: string, port: number): readonly Deployment[] {
  return Array.from({ length: count }, (_, index) => {
    const place = { host: '127.0.0.1', port };
    const deployment = { index, namespace: 'calls', name: `${name}-${index}`, prefix: '', main: place, canary: place };
    put(stage, deployment, wholeManifest(deployment, mainOnly));
    return deployment;
  });
}

/** Edits manifests until it is stopped; gives how many. */
class Editor {
  readonly #stage: SluiceStage;
  readonly #flipped: readonly FlippedRoute[];
  readonly #passing: readonly Deployment[];
  readonly #timers: readonly NodeJS.Timeout[];
  flips = 0;
  churns = 0;

  constructor(stage: SluiceStage, flipped: readonly FlippedRoute[], passing: readonly Deployment[]) {
    this.#stage = stage;
    this.#flipped = flipped;
    this.#passing = passing;
    this.#timers = [setInterval(() => this.#flip(), flipEveryMs), setInterval(() => this.#churn(), churnEveryMs)];
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
  }

  #flip(): void {
    const route = this.#flipped[this.flips % this.#flipped.length]!;
    const turn = Math.floor(this.flips / this.#flipped.length) % 2;
    replaceManifest(route.file, route.states[1 - turn]!.manifest);
    this.flips++;
  }

  #churn(): void {
    const deployment = this.#passing[this.churns % this.#passing.length]!;
    const file = manifestFile(this.#stage.manifests, deployment);
    if (Math.floor(this.churns / this.#passing.length) % 2 === 0) rmSync(file);
    else replaceManifest(file, wholeManifest(deployment, mainOnly));
    this.churns++;
  }
}

function groups(stage: SluiceStage, flipped: readonly FlippedRoute[], passing: readonly Deployment[], faulty: ReadonlyMap<string, string>): readonly SoakGroup[] {
  const target = (prefix: string, fields: readonly string[] = []): SoakGroup['targets'][number] => ({ prefix, fields });
  const bad = [...faulty].filter(([name]) => name !== 'huge' && name !== 'slow').map(([, prefix]) => target(prefix));
  return [
    { name: 'predictions', connections: 48, targets: deployments(stage.fleet).map(({ prefix }) => target(prefix)), allowed: [200] },
    { name: 'on flipped routes', connections: 16, targets: deployments(stage.fleet).slice(0, flipped.length).map(({ prefix }) => target(prefix, ['x-variant: b'])), allowed: [200] },
    { name: 'on passing routes', connections: 8, targets: passing.map(({ prefix }) => target(prefix)), allowed: [200, 404] },
    { name: 'on faulty upstreams', connections: 32, targets: bad, allowed: null },
  ];
}

function total(outcomes: Outcomes, wanted: readonly string[]): number {
  return Object.values(outcomes).reduce((sum, own) => sum + wanted.reduce((part, outcome) => part + (own[outcome] ?? 0), 0), 0);
}

function explain(outcomes: Outcomes, metrics: string, wrong: string[]): string {
  const rows = explained.map((line) => {
    const seen = total(outcomes, line.outcomes);
    const flagged = line.flags.reduce((sum, flag) => sum + sumOf(metrics, 'sluice_failures_total', `flag="${flag}"`), 0);
    if (seen !== flagged) wrong.push(`clients saw ${seen} × ${line.outcomes.join('/')}, flags ${line.flags.join('/')} say ${flagged}`);
    return [line.outcomes.join(', '), String(seen), line.flags.map((flag) => `${flag} ${sumOf(metrics, 'sluice_failures_total', `flag="${flag}"`)}`).join(', '), String(flagged)];
  });
  return table(['what clients saw', 'count', 'flags', 'count'], rows);
}

/** What is left, once it is as little as before or time is up. */
async function settled(sluice: Sluice, before: Residue): Promise<Residue> {
  const deadlineMs = performance.now() + settleMs;
  for (;;) {
    const now = await residueOf(sluice);
    const clean = now.inFlight + now.clientConnections + now.upstreamConnections === 0 && now.sockets <= before.sockets && now.idleMsPerSecond <= before.idleMsPerSecond + idleSlackMs;
    if (clean || performance.now() > deadlineMs) return now;
  }
}

function residueTable(before: Residue, after: Residue, wrong: string[]): string {
  const rows = (Object.keys(before) as (keyof Residue)[]).map((what) => {
    const most = before[what] + (what === 'idleMsPerSecond' ? idleSlackMs : 0);
    if (after[what] > most) wrong.push(`${what}: ${after[what]} at the end, ${before[what]} before`);
    return [what, before[what].toFixed(what === 'idleMsPerSecond' ? 1 : 0), after[what].toFixed(what === 'idleMsPerSecond' ? 1 : 0)];
  });
  return table(['left', 'before', 'at the end'], rows);
}

interface Sample {
  readonly seconds: number;
  readonly requests: number;
  readonly mib: number;
}

function flatness(samples: readonly Sample[], wrong: string[]): string {
  const third = (part: number): number => {
    const from = Math.floor((samples.length * part) / 3);
    return quantile(samples.slice(from, Math.floor((samples.length * (part + 1)) / 3)).map(({ mib }) => mib), 0.5);
  };
  const [middle, last] = [third(1), third(2)];
  if (last > middle * flatShare && last > middle + flatBytes / 2 ** 20) wrong.push(`RSS grew from ${middle.toFixed(0)} to ${last.toFixed(0)} MiB`);
  const every = Math.max(1, Math.floor(samples.length / 24));
  const shown = samples.filter((_, index) => index % every === 0 || index === samples.length - 1);
  return [
    `Median RSS of the middle third ${middle.toFixed(1)} MiB, of the last third ${last.toFixed(1)} MiB.`,
    table(['s', 'requests', 'RSS MiB'], shown.map((sample) => [sample.seconds.toFixed(0), String(sample.requests), sample.mib.toFixed(1)])),
  ].join('\n\n');
}

async function run(options: SuiteOptions): Promise<string> {
  const workers = options.workers[0]!;
  const stage = await setSluiceStage(options, flippedPredictors);
  const origin = startChild<FaultyQuestion, FaultyReport>(new URL('../origins/faulty-origin.ts', import.meta.url), loadCore);
  const { ports } = await origin.ask({ behaviours: Object.keys(behaviours) as readonly Behaviour[] });
  const faulty = writeFaulty(stage, ports, await freePort());
  const grpcOrigin = startChild<GrpcOriginQuestion, GrpcOriginReport>(new URL('../origins/grpc-origin.ts', import.meta.url), loadCore);
  const grpcPort = (await grpcOrigin.ask({ predictors: { main: grpcPredictors.main } })).ports['main']!;
  const calls: SoakPlan['calls'] = {
    connections: 4,
    streams: 8,
    answering: callTargets(stage, 50, 'answering', grpcPort),
    refusing: callTargets(stage, 2, 'refusing', await freePort()),
    answers: [grpcPredictors.main],
  };
  const flipped = flippedRoutes(stage);
  for (const route of flipped) replaceManifest(route.file, route.states[0].manifest);
  const passing = churnedDeployments(stage.ports.get('main')!);
  for (const deployment of passing) put(stage, deployment, wholeManifest(deployment, mainOnly));
  const sluice = await startSluice({ manifests: stage.manifests, workers, core: workers === 1 ? proxyCore : null, logFile: join(options.folder, 'sluice.log'), nodeOptions: [], serveOptions });
  await pause(2000);
  const before = await residueOf(sluice);
  const clients = startChild<SoakQuestion, SoakReport>(new URL('../soak/soak-clients.ts', import.meta.url), loadCore);
  const plan: SoakPlan = {
    port: sluice.port,
    groups: groups(stage, flipped, passing, faulty),
    answers: flippedPredictors.map(answerOf),
    calls,
    slow: { plain: deployments(stage.fleet).at(-1)!.prefix, hanging: faulty.get('slow')!, huge: faulty.get('huge')! },
    slowClients: 12,
  };
  const wanted = options.requests ?? defaultRequests;
  const startedMs = performance.now();
  const editor = new Editor(stage, flipped, passing);
  const samples: Sample[] = [];
  for (let report = await clients.ask({ kind: 'start', plan }); report.requests < wanted && report.unexpected === 0; report = await clients.ask({ kind: 'progress' })) {
    samples.push({ seconds: (performance.now() - startedMs) / 1000, requests: report.requests, mib: (statusBytes(sluice.pid, 'VmRSS') ?? 0) / 2 ** 20 });
    const { seconds, requests, mib } = samples.at(-1)!;
    console.error(`${seconds.toFixed(0)} s: ${requests} requests, RSS ${mib.toFixed(1)} MiB`);
    await pause(Math.min(sampleMs, 1 + ((wanted - requests) / Math.max(1, requests)) * seconds * 1000 + 500));
  }
  const report = await clients.ask({ kind: 'stop' });
  const seconds = (performance.now() - startedMs) / 1000;
  editor.stop();
  // Sessions over HTTP/2 are kept while their Upstream is there: they must go with it.
  rmSync(join(stage.manifests, 'calls'), { recursive: true });
  const after = await settled(sluice, before);
  const { text } = await scrapeMetrics(sluice.adminPort);
  const wrong: string[] = report.unexpected > 0 ? [`${report.unexpected} unexpected answers, the first: ${report.first}`] : [];
  const restarts = sumOf(text, 'sluice_worker_restarts_total');
  if (restarts > 0) wrong.push(`${restarts} workers were replaced`);
  const outcomes = Object.entries(report.outcomes).map(([client, own]) => [client, Object.entries(own).map(([outcome, count]) => `${outcome}: ${count}`).join(', ')]);
  const parts = [
    `${report.requests} requests in ${seconds.toFixed(0)} s on ${workers} worker${workers === 1 ? '' : 's'}; ${editor.flips} flips of routes, ${editor.churns} deployments removed or added.`,
    table(['client', 'outcomes'], outcomes),
    explain(report.outcomes, text, wrong),
    residueTable(before, after, wrong),
    flatness(samples, wrong),
  ];
  const verdict = wrong.length === 0 ? 'All as it must be.' : `NOT RIGHT: ${wrong.join('; ')}`;
  const result = [verdict, ...parts].join('\n\n');
  if (wrong.length > 0) throw new Error(result);
  return result;
}

export const soak: Suite = { name: 'soak', does: 'millions of requests with faults, edits and slow clients: what is left, and whether every failure is flagged', deployments: 500, run };
