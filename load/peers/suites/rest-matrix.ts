// rest-matrix: every shape of HTTP/1.1 traffic of issue 4, "Speed", beside the peers, in one run.
import { plainPlan, type LoadPlan } from '../load-plan.ts';
import { setRealTime } from '../process.ts';
import { ratioTable, table } from '../report.ts';
import { cpuTable, doesTable, medianOf, restRounds, takeRounds, threadTable, valuesOf, type Contender, type Turn, type TurnsByPeer } from '../rounds.ts';
import { setStage } from '../stage.ts';
import { ratios } from '../statistics.ts';
import type { Suite, SuiteOptions } from './suite.ts';

interface Workload {
  readonly title: string;
  readonly plan: Partial<LoadPlan>;
}

const closedLoops: readonly Workload[] = [
  { title: '70 B POST, one head, 64 connections', plan: { connections: 64, called: 'one' } },
  { title: '70 B POST, distinct heads over all deployments, 64 connections', plan: { connections: 64 } },
  { title: '100 kB POST, 64 connections', plan: { connections: 64, bodyBytes: 100_000 } },
  { title: 'chunked 96 kB POST, 64 connections', plan: { connections: 64, bodyBytes: 96 * 1024, chunkBytes: 16 * 1024 } },
  { title: '70 B POST, 512 connections', plan: { connections: 512 } },
  { title: '70 B POST, 1 connection', plan: { connections: 1 } },
  { title: '70 B POST, 16 connections, pipelined × 16', plan: { connections: 16, pipelined: 16 } },
];
/** The closed loop whose throughput is called saturation. */
const saturating = closedLoops[1]!;
/** A peer whose saturation is not above the rate by so much is left out of an open loop: its queue would only grow. */
const headroom = 1.2;

interface Measured {
  readonly title: string;
  readonly contenders: readonly Contender[];
  readonly turns: TurnsByPeer;
  /** Latency is judged as well as CPU time. */
  readonly timed: boolean;
}

function perSecond(turn: Turn): number {
  return turn.result.requests / turn.result.seconds;
}

function cells(measured: Measured, pick: (turn: Turn) => number): ReadonlyMap<string, string> {
  const values = valuesOf(measured.turns, pick);
  const [subject, ...others] = [...values];
  return new Map(others.map(([name, own]) => [name, ratios(subject![1], own).median.toFixed(2)]));
}

/** First peer against every other, a line for each workload. */
function summary(all: readonly Measured[], names: readonly string[]): string {
  const [subject, ...others] = names;
  const rows = all.flatMap((measured) => {
    const own = measured.turns.get(subject!);
    if (own === undefined) return [];
    const row = (what: string, pick: (turn: Turn) => number): readonly string[] => {
      const found = cells(measured, pick);
      return [measured.title, what, medianOf(own, pick).toFixed(1), ...others.map((name) => found.get(name) ?? '–')];
    };
    const latency = [row('p50 µs', (turn) => turn.result.latency.p50Us), row('p99 µs', (turn) => turn.result.latency.p99Us)];
    return [row('CPU µs', (turn) => turn.cpuUs), ...(measured.timed ? latency : [])];
  });
  return table(['work', 'of a request', subject!, ...others.map((name) => `/ ${name}`)], rows);
}

function details({ title, contenders, turns, timed }: Measured): readonly string[] {
  return [
    `## ${title}`,
    cpuTable(contenders, turns),
    'Ratios of CPU time, each round against itself:',
    ratioTable(valuesOf(turns, (turn) => turn.cpuUs)),
    ...(timed ? ['Ratios of p50:', ratioTable(valuesOf(turns, (turn) => turn.result.latency.p50Us)), 'Ratios of p99:', ratioTable(valuesOf(turns, (turn) => turn.result.latency.p99Us))] : []),
  ];
}

async function run(options: SuiteOptions): Promise<string> {
  const { fleet, contenders, upstream } = await setStage(options, false);
  const names = contenders.map(({ kind }) => kind.name);
  const plain = plainPlan(fleet, options);
  const all: Measured[] = [];
  for (const { title, plan } of closedLoops) {
    const rounds = restRounds(title, options.rounds, { ...plain, ...plan });
    // After the first workload the programs are warm.
    const turns = await takeRounds(contenders, all.length === 0 ? rounds : { ...rounds, firstWarmUpMs: 1000 });
    all.push({ title, contenders, turns, timed: plan.connections === 1 });
  }
  const saturated = all.find(({ title }) => title === saturating.title)!.turns;
  const saturation = (name: string): number => medianOf(saturated.get(name)!, perSecond);
  setRealTime(upstream.pid, true);
  for (const paceSetter of [names[0]!, ...names.filter((name) => name === 'haproxy-one' || name === 'haproxy-map')]) {
    const rate = Math.round(saturation(paceSetter) / 2);
    const able = contenders.filter(({ kind }) => saturation(kind.name) > rate * headroom);
    const title = `70 B POST, open loop at ${rate}/s: half of the saturation of ${paceSetter}, 64 connections`;
    const rounds = restRounds(title, options.rounds, { ...plain, connections: 64, pace: { kind: 'open', perSecond: rate, spins: true } });
    const turns = await takeRounds(able, { ...rounds, firstWarmUpMs: 1000 });
    all.push({ title, contenders: able, turns, timed: true });
  }
  return [
    doesTable(contenders),
    `${options.rounds} rounds. Medians; a ratio is the median of the rounds' ratios, first peer over the other. –: its saturation is too near to the rate.`,
    summary(all, names),
    ...all.flatMap(details),
    '## Threads, last round of the second closed loop',
    threadTable(contenders, saturated),
  ].join('\n\n');
}

export const restMatrix: Suite = { name: 'rest-matrix', does: 'CPU time and latency of every shape of HTTP/1.1 traffic beside the peers', deployments: 1000, run };
