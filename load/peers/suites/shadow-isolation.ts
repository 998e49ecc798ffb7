// shadow-isolation: what a shadow does to the primary, by the state of the shadow (issue 4 item 7). A gateway for each state, all alike but for the
// shadow's address, take turns; `none` runs twice, so that the second one shows what two equal gateways differ by.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { statusBytes } from '../account.ts';
import { startChild } from '../child.ts';
import { deployments, answerOf, type Deployment, type FleetPlan, type Place } from '../fleet.ts';
import { load } from '../load.ts';
import { plainPlan, requireNoErrors } from '../load-plan.ts';
import { deploymentManifest, mainOnly, manifestFile, serviceManifests, type Split } from '../manifests.ts';
import type { Behaviour, FaultyQuestion, FaultyReport } from '../origins/behaviours.ts';
import { freePort, loadCore, pause, proxyCore } from '../process.ts';
import type { PeerKind } from '../proxies/peer.ts';
import { startSluice, type Sluice } from '../proxies/sluice.ts';
import { number, table } from '../report.ts';
import { cpuTable, medianOf, restRounds, takeRounds, valuesOf, type Contender } from '../rounds.ts';
import { scrapeMetrics, sumOf } from '../scraping.ts';
import { ratios } from '../statistics.ts';
import { startUpstream } from '../upstream.ts';
import type { Suite, SuiteOptions } from './suite.ts';

type ShadowState = 'none' | 'none again' | 'healthy' | 'slow' | 'stuck' | 'resetting' | 'refusing' | 'huge' | 'absent';

const states: readonly (readonly [ShadowState, string])[] = [
  ['none', 'no shadow'],
  ['none again', 'no shadow: what two equal gateways differ by'],
  ['healthy', 'answers at once'],
  ['slow', 'answers after 60 s'],
  ['stuck', 'takes the connection and never reads'],
  ['resetting', 'resets the connection when the request has come'],
  ['refusing', 'nobody listens'],
  ['huge', 'answers with 100 MB'],
  ['absent', 'no Endpoint'],
];
const faulty: readonly Behaviour[] = ['slow', 'stuck', 'resetting', 'huge'];

const mostP50 = 1.05;
const mostP99 = 1.1;
const shareOfSaturation = 0.3;
/** Beyond what a gateway without a shadow grows by: the budget of copies (64 MiB), and connections. */
const mostExtraBytes = 96 * 2 ** 20;
/** The queue of a shadow that answers nothing, 1,024 copies by 64 at once, each 10 s. */
const settleMs = 200_000;

const shadowed: Split = { mainFields: ['traffic: 100'], canaryFields: ['shadow: true', 'traffic: 100'], annotations: [] };

interface Side {
  readonly state: ShadowState;
  readonly sluice: Sluice;
  readonly readyBytes: number;
}

function writeSide(folder: string, fleet: FleetPlan, state: ShadowState, shadow: Place | null): void {
  for (const deployment of deployments(fleet)) {
    const file = manifestFile(folder, deployment);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, sideManifest(deployment, state.startsWith('none') ? mainOnly : shadowed, shadow));
  }
}

function sideManifest(deployment: Deployment, split: Split, shadow: Place | null): string {
  const { name, namespace } = deployment;
  return deploymentManifest(deployment, split) + serviceManifests(`${name}-main`, namespace, deployment.main) + serviceManifests(`${name}-canary`, namespace, shadow);
}

function kindOf(state: ShadowState, does: string): PeerKind {
  return {
    name: state,
    does,
    rewrites: true,
    splits: false,
    start: () => Promise.reject(new Error('the suite starts it')),
  };
}

async function copiesOf(sluice: Sluice): Promise<{ readonly requests: number; readonly outcomes: ReadonlyMap<string, number>; readonly inFlight: number }> {
  const { text } = await scrapeMetrics(sluice.adminPort);
  const outcomes = new Map<string, number>();
  for (const found of text.matchAll(/^sluice_shadow_requests_total\{[^}]*outcome="([a-z_]+)"[^}]*\} (\d+)$/gmu)) outcomes.set(found[1]!, (outcomes.get(found[1]!) ?? 0) + Number(found[2]));
  return { requests: sumOf(text, 'sluice_requests_total', 'role="live"'), outcomes, inFlight: sumOf(text, 'sluice_requests_in_flight') };
}

/** What became of the copies, once all are accounted for; throws when they never are. */
async function settle({ state, sluice }: Side): Promise<readonly string[]> {
  const deadlineMs = performance.now() + settleMs;
  for (;;) {
    const { requests, outcomes, inFlight } = await copiesOf(sluice);
    const counted = [...outcomes.values()].reduce((sum, count) => sum + count, 0);
    const words = [...outcomes].filter(([, count]) => count > 0).map(([outcome, count]) => `${outcome} ${count}`).join(', ');
    if (counted === (state.startsWith('none') ? 0 : requests) && inFlight === 0) return [state, String(requests), String(counted), words === '' ? '–' : words];
    if (performance.now() > deadlineMs || counted > requests) throw new Error(`${state}: ${requests} requests, but ${counted} copies are accounted for (${words}), ${inFlight} in flight`);
    await pause(500);
  }
}

async function run(options: SuiteOptions): Promise<string> {
  const upstream = await startUpstream({ folder: options.folder, predictors: ['main', 'healthy'], answer: () => answerOf('main'), realTime: true });
  const origin = startChild<FaultyQuestion, FaultyReport>(new URL('../origins/faulty-origin.ts', import.meta.url), loadCore);
  const { ports } = await origin.ask({ behaviours: faulty });
  const addresses: Readonly<Record<string, number>> = { ...ports, healthy: upstream.ports.get('healthy')!, refusing: await freePort() };
  const mainPort = upstream.ports.get('main')!;
  const fleet: FleetPlan = { deployments: options.deployments, addresses: 'shared', mainPort, canaryPort: mainPort };
  const sides: Side[] = [];
  const contenders: Contender[] = [];
  for (const [state, does] of states) {
    const folder = join(options.folder, state.replace(' ', '-'));
    const port = addresses[state];
    writeSide(join(folder, 'manifests'), fleet, state, port === undefined ? null : { host: '127.0.0.1', port });
    const sluice = await startSluice({ manifests: join(folder, 'manifests'), workers: 1, core: proxyCore, logFile: join(folder, 'sluice.log'), nodeOptions: [], serveOptions: [] });
    sides.push({ state, sluice, readyBytes: statusBytes(sluice.pid, 'VmRSS') ?? 0 });
    contenders.push({ kind: kindOf(state, does), peer: { ...sluice, name: state } });
  }
  const plan = { ...plainPlan(fleet, options), connections: 64, answers: [answerOf('main')] };
  const saturated = await load({ ...plan, port: sides[0]!.sluice.port, warmUpMs: 3000 });
  requireNoErrors('none', saturated);
  const rate = options.perSecond ?? Math.round((saturated.requests / saturated.seconds) * shareOfSaturation);
  const turns = await takeRounds(contenders, restRounds('shadow', options.rounds, { ...plan, pace: { kind: 'open', perSecond: rate, spins: true } }));
  // Large bodies as fast as they go: what copies may hold in memory is bounded.
  for (const { state, sluice } of sides) requireNoErrors(state, await load({ ...plan, port: sluice.port, connections: 32, bodyBytes: 100_000 }));
  const settled: (readonly string[])[] = [];
  for (const side of sides) settled.push(await settle(side));
  const grown = sides.map((side) => (statusBytes(side.sluice.pid, 'VmHWM') ?? 0) - side.readyBytes);
  const none = turns.get('none')!;
  const wrong: string[] = [];
  const rows = sides.map(({ state, sluice }, index) => {
    const own = turns.get(state)!;
    const p50 = ratios(own.map((turn) => turn.result.latency.p50Us), none.map((turn) => turn.result.latency.p50Us));
    const p99 = ratios(own.map((turn) => turn.result.latency.p99Us), none.map((turn) => turn.result.latency.p99Us));
    const extra = grown[index]! - grown[0]!;
    if (p50.median > mostP50) wrong.push(`${state}: p50 × ${p50.median.toFixed(2)}`);
    if (p99.median > mostP99) wrong.push(`${state}: p99 × ${p99.median.toFixed(2)}`);
    if (extra > mostExtraBytes) wrong.push(`${state}: ${number(extra / 2 ** 20)} MiB more than without a shadow`);
    return [
      state,
      number(medianOf(own, (turn) => turn.result.latency.p50Us)),
      `${p50.median.toFixed(3)} (${p50.min.toFixed(2)} – ${p50.max.toFixed(2)})`,
      number(medianOf(own, (turn) => turn.result.latency.p99Us)),
      `${p99.median.toFixed(3)} (${p99.min.toFixed(2)} – ${p99.max.toFixed(2)})`,
      `+${number(grown[index]! / 2 ** 20)}`,
      number((statusBytes(sluice.pid, 'VmRSS') ?? 0) / 2 ** 20),
    ];
  });
  const others = [...valuesOf(turns, (turn) => turn.othersShare)].flatMap(([, shares]) => shares);
  return [
    `Open loop at ${rate} requests a second, ${shareOfSaturation * 100} % of the saturation without a shadow; ${options.rounds} rounds. Bars: p50 at most ${mostP50}, p99 at most ${mostP99}.`,
    table(['shadow', 'p50 µs', 'of none (min – max)', 'p99 µs', 'of none (min – max)', 'highest RSS since ready, MiB', 'RSS at the end'], rows),
    wrong.length === 0 ? 'All bars are held. No request failed.' : `Not held: ${wrong.join('; ')}. No request failed.`,
    `What became of the copies (others on the core: ${number(Math.max(...others) * 100)} % in the worst round):`,
    table(['shadow', 'requests', 'copies accounted for', 'of them'], settled),
    cpuTable(contenders, turns),
  ].join('\n\n');
}

export const shadowIsolation: Suite = { name: 'shadow-isolation', does: 'p50 and p99 of the primary by the state of its shadow, and what became of the copies', deployments: 1000, run };
