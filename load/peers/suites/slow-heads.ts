// slow-heads: what 2,000 clients that send a byte of their head every second do to everybody else. Quiet and slow turns are interleaved; the
// bar: p99 within 1.5 of the quiet run.
import { join } from 'node:path';
import { Crowd } from '../crowd.ts';
import { load } from '../load.ts';
import { requireNoErrors, type LoadPlan, type LoadResult } from '../load-plan.ts';
import { pause, proxyCore } from '../process.ts';
import { startSluice } from '../proxies/sluice.ts';
import { number, ratioTable, table } from '../report.ts';
import { setSluiceStage } from '../sluice-stage.ts';
import { spread } from '../statistics.ts';
import type { Suite, SuiteOptions } from './suite.ts';

const slowClients = 2000;
/** Requests a second of the others, where the command line does not say: far below saturation, so that waiting is what shows. */
const defaultPerSecond = 2000;
const settleMs = 2000;

export const slowHeads: Suite = {
  name: 'slow-heads',
  does: 'p99 of normal clients beside 2,000 that send a byte of their head every second',
  deployments: 1000,
  async run(options: SuiteOptions): Promise<string> {
    const stage = await setSluiceStage(options, ['main', 'canary']);
    const sluice = await startSluice({ manifests: stage.manifests, workers: 1, core: proxyCore, logFile: join(options.folder, 'sluice.log'), nodeOptions: [], serveOptions: [] });
    // The crowd lives on the generator's core: a generator that spins would keep it from dripping.
    const pace: LoadPlan['pace'] = { kind: 'open', perSecond: options.perSecond ?? defaultPerSecond, spins: false };
    const plan: LoadPlan = { ...stage.plan, port: sluice.port, connections: options.connections.at(-1)!, pace };
    const results = new Map<'quiet' | 'slow', LoadResult[]>([['slow', []], ['quiet', []]]);
    const turn = async (name: 'quiet' | 'slow'): Promise<void> => {
      const crowd = new Crowd(sluice.port, stage.fleet);
      if (name === 'slow') {
        await crowd.open(slowClients);
        crowd.drip();
      }
      await pause(settleMs);
      const result = await load(plan);
      requireNoErrors(name, result);
      if (name === 'slow' && crowd.size < slowClients * 0.8) throw new Error(`only ${crowd.size} slow clients were there at the end`);
      await crowd.close();
      results.get(name)!.push(result);
      console.error(`${name}: p50 ${result.latency.p50Us} µs, p99 ${result.latency.p99Us} µs`);
    };
    requireNoErrors('warm-up', await load({ ...plan, warmUpMs: 3000, measureMs: 500 }));
    for (let round = 0; round < options.rounds; round++) {
      for (const name of round % 2 === 0 ? (['quiet', 'slow'] as const) : (['slow', 'quiet'] as const)) await turn(name);
    }
    await sluice.stop();
    const rows = [...results].map(([name, own]) => [name, ...[50, 99].map((percent) => number(spread(own.map(({ latency }) => (percent === 50 ? latency.p50Us : latency.p99Us))).median))]);
    const p99 = new Map([...results].map(([name, own]) => [name, own.map(({ latency }) => latency.p99Us)]));
    return [`${plan.connections} normal connections, ${String(options.perSecond ?? defaultPerSecond)} requests a second (Poisson), one worker; medians of ${options.rounds} rounds.`, table(['run', 'p50 µs', 'p99 µs'], rows), 'Ratios of p99, each round against itself:', ratioTable(p99)].join('\n\n');
  },
};
