// re-spread: four gRPC channels of which most came to one of four workers, before and after that worker lets its surplus go. The
// clients are @grpc/grpc-js, which connects again by itself after a GOAWAY.
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { join } from 'node:path';
import { threadTimes, timeBetween } from '../account.ts';
import { startChild } from '../child.ts';
import { deployments, type Deployment, type FleetPlan } from '../fleet.ts';
import { writeManifests } from '../manifests.ts';
import { grpcPredictors, type GrpcOriginQuestion, type GrpcOriginReport } from '../origins/grpc.ts';
import { loadCore, pause } from '../process.ts';
import { startSluice } from '../proxies/sluice.ts';
import { number, table } from '../report.ts';
import type { Suite, SuiteOptions } from './suite.ts';

const workers = 4;
const channels = 4;
/** Calls under way on a channel. */
const atOnce = 8;
const mostTries = 60;
const probeMs = 400;
/** A worker with three of four channels, or all, does more than this of the work. */
const unevenShare = 0.6;
const mostWaitMs = 90_000;
const path = '/seldon.protos.Seldon/Predict';
const payload = Buffer.alloc(67, 'q');
const same = (bytes: Buffer): Buffer => bytes;

/** What came of some time of calls. */
interface Calls {
  readonly perSecond: number;
  /** Of the CPU time of all data workers, by worker, largest first. */
  readonly shares: readonly number[];
}

/** Channels that call without a break until they are closed. A failed call is an error of the run. */
class Channels {
  readonly #clients: readonly Client[];
  readonly #metadata = new Metadata();
  answered = 0;
  failure: Error | null = null;
  #open = true;

  constructor(port: number, { name, namespace }: Deployment) {
    this.#metadata.set('seldon', name);
    this.#metadata.set('namespace', namespace);
    this.#clients = Array.from({ length: channels }, () => new Client(`127.0.0.1:${port}`, credentials.createInsecure(), { 'grpc.use_local_subchannel_pool': 1 }));
    for (const client of this.#clients) for (let call = 0; call < atOnce; call++) this.#call(client);
  }

  #call(client: Client): void {
    client.makeUnaryRequest(path, same, same, payload, this.#metadata, (error: Error | null) => {
      if (!this.#open) return;
      if (error === null) this.answered += 1;
      else this.failure ??= error;
      this.#call(client);
    });
  }

  close(): void {
    this.#open = false;
    for (const client of this.#clients) client.close();
  }
}

async function observe(pid: number, calls: Channels, ms: number): Promise<Calls> {
  const [answered, before, startMs] = [calls.answered, threadTimes(pid), performance.now()];
  await pause(ms);
  const perSecond = ((calls.answered - answered) * 1000) / (performance.now() - startMs);
  if (calls.failure !== null) throw calls.failure;
  const ns = timeBetween(before, threadTimes(pid)).threads.filter(({ name }) => name.startsWith('data-')).map((thread) => thread.ns);
  const total = ns.reduce((sum, one) => sum + one, 0);
  return { perSecond, shares: ns.map((one) => one / total) };
}

const isUneven = ({ shares }: Calls): boolean => shares[0]! > unevenShare;

async function unevenChannels(pid: number, port: number, deployment: Deployment): Promise<Channels> {
  for (let attempt = 0; attempt < mostTries; attempt++) {
    const calls = new Channels(port, deployment);
    await observe(pid, calls, probeMs);
    if (isUneven(await observe(pid, calls, probeMs))) return calls;
    calls.close();
  }
  throw new Error(`${channels} connections were never uneven in ${mostTries} tries`);
}

function row(title: string, { perSecond, shares }: Calls): readonly string[] {
  return [title, String(Math.round(perSecond)), shares.map((share) => `${number(share * 100)} %`).join(', ')];
}

async function run(options: SuiteOptions): Promise<string> {
  const origin = startChild<GrpcOriginQuestion, GrpcOriginReport>(new URL('../origins/grpc-origin.ts', import.meta.url), loadCore);
  const { ports } = await origin.ask({ predictors: grpcPredictors });
  const fleet: FleetPlan = { deployments: options.deployments, addresses: 'shared', mainPort: ports['main']!, canaryPort: ports['canary']! };
  const manifests = join(options.folder, 'manifests');
  writeManifests(manifests, fleet);
  const sluice = await startSluice({ manifests, workers, core: null, logFile: join(options.folder, 'sluice.log'), nodeOptions: [], serveOptions: [] });
  const calls = await unevenChannels(sluice.pid, sluice.port, deployments(fleet)[0]!);
  const before = await observe(sluice.pid, calls, options.measureMs);
  const startMs = performance.now();
  while (isUneven(await observe(sluice.pid, calls, probeMs))) {
    if (performance.now() - startMs > mostWaitMs) throw new Error(`still uneven after ${mostWaitMs / 1000} s`);
  }
  const evenMs = performance.now() - startMs;
  const after = await observe(sluice.pid, calls, options.measureMs);
  calls.close();
  return [
    `${channels} channels, ${atOnce} calls at once on each, ${workers} workers. The surplus was let go and had connected again ${number(evenMs / 1000)} s after the first measurement; no call failed.`,
    table(['', 'calls/s', 'share of the work, by worker'], [row('before', before), row('after', after)]),
  ].join('\n\n');
}

export const reSpread: Suite = { name: 're-spread', does: 'four gRPC channels on four workers, before and after the fullest worker lets its surplus go', deployments: 10, run };
