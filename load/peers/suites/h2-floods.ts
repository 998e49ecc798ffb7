// h2-floods: each HTTP/2 flood on a few connections, a process of the gateway of its own for each; how much memory it takes, and what a quiet
// neighbour's calls feel of it.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { processTree, statusBytes } from '../account.ts';
import { startChild } from '../child.ts';
import { deployments, type FleetPlan } from '../fleet.ts';
import { floods, type FloodKind, type FloodQuestion, type FloodReport } from '../floods/floods.ts';
import { callFields, plainGrpcPlan, type GrpcPlan } from '../grpc-plan.ts';
import { grpcPeersOf } from '../grpc-stage.ts';
import { grpcLoad } from '../load.ts';
import type { LoadResult } from '../load-plan.ts';
import { grpcPredictors, type GrpcOriginQuestion, type GrpcOriginReport } from '../origins/grpc.ts';
import { loadCore, pause, proxyCore } from '../process.ts';
import { grpcPeersNamed } from '../proxies/grpc.ts';
import type { Peer, PeerKind } from '../proxies/peer.ts';
import { number, table } from '../report.ts';
import { isChosen, type Suite, type SuiteOptions } from './suite.ts';

const attackers = 4;
/** Connections that stop in the preface cost little each. */
const prefaces = 200;
const callsPerSecond = 500;
const mostGrownMib = 16;
const mostP99Ms = 20;
const sampleMs = 100;

interface Row {
  readonly cells: readonly string[];
  readonly wrong: readonly string[];
}

function rss(pid: number): number {
  return processTree(pid).reduce((sum, one) => sum + (statusBytes(one, 'VmRSS') ?? 0), 0) / 2 ** 20;
}

/** The highest memory until `work` is done, MiB. */
async function highestDuring<T>(pid: number, work: Promise<T>): Promise<{ readonly highestMib: number; readonly value: T }> {
  let highestMib = rss(pid);
  const timer = setInterval(() => {
    highestMib = Math.max(highestMib, rss(pid));
  }, sampleMs);
  try {
    return { value: await work, highestMib };
  } finally {
    clearInterval(timer);
  }
}

function troubles({ errors }: LoadResult): number {
  return errors.status + errors.body + errors.connection + errors.missing;
}

async function attack(kind: FloodKind, peer: Peer, plan: GrpcPlan): Promise<Row> {
  const neighbour: GrpcPlan = { ...plan, port: peer.port, connections: 2, streams: 16, pace: { kind: 'open', perSecond: callsPerSecond, spins: false } };
  const quiet = await grpcLoad({ ...neighbour, warmUpMs: 2000, measureMs: 2000 });
  const beforeMib = rss(peer.pid);
  const attacker = startChild<FloodQuestion, FloodReport>(new URL('../floods/attacker.ts', import.meta.url), loadCore);
  const fields = callFields(deployments(plan.fleet)[0]!);
  const during = grpcLoad({ ...neighbour, warmUpMs: 500 });
  await pause(500);
  const question: FloodQuestion = { kind, port: peer.port, connections: kind === 'unfinished prefaces' ? prefaces : attackers, ms: plan.measureMs, fields };
  const { highestMib, value: flood } = await highestDuring(peer.pid, attacker.ask(question));
  const felt = await during;
  await attacker.stop();
  const grown = highestMib - beforeMib;
  const p99Ms = felt.latency.p99Us / 1000;
  const wrong = [
    ...(grown >= mostGrownMib ? [`${kind}: +${number(grown)} MiB`] : []),
    ...(p99Ms >= mostP99Ms ? [`${kind}: the neighbour's p99 is ${number(p99Ms)} ms`] : []),
    ...(troubles(felt) + troubles(quiet) > 0 ? [`${kind}: the neighbour's calls failed: ${JSON.stringify(felt.errors)}`] : []),
    ...(felt.requests === 0 ? [`${kind}: no call of the neighbour was answered`] : []),
  ];
  const closed = Object.entries(flood.closed).map(([how, count]) => `${count} × ${how}`).join(', ');
  const cells = [
    kind,
    String(flood.frames),
    String(flood.opened),
    closed === '' ? '–' : closed,
    String(flood.longestMs),
    `+${number(grown)}`,
    number(quiet.latency.p99Us / 1000),
    number(felt.latency.p50Us / 1000),
    number(p99Ms),
    String(troubles(felt)),
  ];
  console.error(cells.join(', '));
  return { cells, wrong };
}

async function flood(kind: PeerKind, options: SuiteOptions, fleet: FleetPlan): Promise<string> {
  const rows: Row[] = [];
  const plan = { ...plainGrpcPlan(fleet, options), measureMs: Math.max(options.measureMs, 1000) };
  for (const [index, one] of (Object.keys(floods) as readonly FloodKind[]).filter((title) => isChosen(options, title)).entries()) {
    const folder = join(options.folder, kind.name, String(index));
    mkdirSync(folder, { recursive: true });
    const peer = await kind.start({ fleet, folder, core: proxyCore });
    rows.push(await attack(one, peer, plan));
    await peer.stop();
  }
  const wrong = rows.flatMap((row) => row.wrong);
  return [
    `## ${kind.name}`,
    table(
      ['flood', 'frames sent', 'connections', 'closed by the peer', 'longest until then, ms', 'RSS, MiB', 'p99 ms before', 'p50 ms', 'p99 ms', 'failed calls'],
      rows.map(({ cells }) => cells),
    ),
    wrong.length === 0 ? 'All bars are held.' : `Not held: ${wrong.join('; ')}.`,
  ].join('\n\n');
}

async function run(options: SuiteOptions): Promise<string> {
  const origin = startChild<GrpcOriginQuestion, GrpcOriginReport>(new URL('../origins/grpc-origin.ts', import.meta.url), loadCore);
  const { ports } = await origin.ask({ predictors: grpcPredictors });
  const fleet: FleetPlan = { deployments: options.deployments, addresses: 'shared', mainPort: ports['main']!, canaryPort: ports['canary']! };
  const parts: string[] = [];
  for (const kind of grpcPeersNamed(grpcPeersOf(options))) parts.push(await flood(kind, options, fleet));
  return [
    `${attackers} attacking connections (${prefaces} for prefaces) for ${options.measureMs / 1000} s, which come again when they are closed; beside them ${callsPerSecond} calls a second on 2 connections. Bars: RSS grows by less than ${mostGrownMib} MiB, the neighbour's p99 stays below ${mostP99Ms} ms.`,
    table(['flood', 'is'], Object.entries(floods)),
    ...parts,
  ].join('\n\n');
}

export const h2Floods: Suite = { name: 'h2-floods', does: 'HTTP/2 floods: memory that they take, and what a quiet neighbour feels', deployments: 100, run };
