// rest-70, rest-100k: CPU time of each peer for a prediction, closed loop, interleaved rounds.
import { softInterruptThread, totalNs } from '../account.ts';
import { answerOf } from '../fleet.ts';
import { load } from '../load.ts';
import { requireNoErrors, type LoadPlan, type LoadResult } from '../load-plan.ts';
import { checkShare } from '../probe.ts';
import { proxyCore } from '../process.ts';
import { number, ratioTable, table } from '../report.ts';
import { setStage, type Contender } from '../stage.ts';
import { spread } from '../statistics.ts';
import type { Suite, SuiteOptions } from './suite.ts';

/** Time in which a peer's program is warmed before the first round, ms: its pools, and the compilers of those that have one. */
const firstWarmUpMs = 3000;

interface Turn {
  readonly cpuUs: number;
  readonly softInterruptUs: number;
  /** Time of the proxy's core that went to anything but this peer, of the window's: others' programs, and what the host took. */
  readonly othersShare: number;
  readonly result: LoadResult;
}

function turnOf(result: LoadResult): Turn {
  const soft = result.threads.filter((thread) => thread.name.startsWith('ksoftirqd'));
  const perRequest = (ns: number): number => ns / 1000 / result.requests;
  const othersMs = result.core.busyMs + result.core.stolenMs - totalNs(result.threads) / 1e6;
  return {
    cpuUs: perRequest(totalNs(result.threads) - totalNs(soft)),
    softInterruptUs: perRequest(totalNs(soft)),
    othersShare: Math.max(0, othersMs / 1000 / result.seconds),
    result,
  };
}

/** One turn of one peer. Rejects when anything went wrong in it: a round with an error tells nothing. */
async function takeTurn(contender: Contender, plan: LoadPlan): Promise<Turn> {
  const soft = softInterruptThread(proxyCore);
  const result = await load({ ...plan, port: contender.peer.port, accountPids: [contender.peer.pid, ...(soft === null ? [] : [soft])] });
  requireNoErrors(contender.kind.name, result);
  if (result.endedThreads > 0) throw new Error(`${contender.kind.name}: the round is void: ${result.endedThreads} threads ended in it`);
  checkShare(contender.kind, result.byAnswer[1] ?? 0, result.requests);
  return turnOf(result);
}

async function takeRounds(contenders: readonly Contender[], plan: LoadPlan, options: SuiteOptions): Promise<ReadonlyMap<string, readonly Turn[]>> {
  const turns = new Map<string, Turn[]>(contenders.map((contender) => [contender.kind.name, []]));
  for (const contender of contenders) await takeTurn(contender, { ...plan, warmUpMs: firstWarmUpMs, measureMs: 500 });
  for (let round = 0; round < options.rounds; round++) {
    // Each round starts with another peer, so that no one always follows the same neighbour.
    for (let place = 0; place < contenders.length; place++) {
      const contender = contenders[(place + round) % contenders.length]!;
      const turn = await takeTurn(contender, plan);
      turns.get(contender.kind.name)!.push(turn);
      console.error(`round ${round + 1}, ${plan.connections} connections, ${contender.kind.name}: ${turn.cpuUs.toFixed(1)} µs (others ${(turn.othersShare * 100).toFixed(0)} %), ${Math.round(turn.result.requests / turn.result.seconds)}/s`);
    }
  }
  return turns;
}

function cpuTable(contenders: readonly Contender[], turns: ReadonlyMap<string, readonly Turn[]>): string {
  const rows = contenders.map(({ kind }) => {
    const own = turns.get(kind.name)!;
    const cpu = spread(own.map((turn) => turn.cpuUs));
    const over = (pick: (turn: Turn) => number): number => spread(own.map(pick)).median;
    return [
      kind.name,
      number(cpu.median),
      `${number(cpu.min)} – ${number(cpu.max)}`,
      `${number(spread(own.map((turn) => turn.othersShare * 100)).max)} %`,
      number(over((turn) => turn.softInterruptUs)),
      String(Math.round(over((turn) => turn.result.requests / turn.result.seconds))),
      String(over((turn) => turn.result.latency.p50Us)),
      String(over((turn) => turn.result.latency.p99Us)),
      number(over((turn) => turn.result.generatorNs / 1000 / turn.result.requests)),
      kind.splits ? `${number(over((turn) => ((turn.result.byAnswer[1] ?? 0) / turn.result.requests) * 100))} %` : '–',
    ];
  });
  return table(['peer', 'CPU µs a request, median', 'min – max', 'others on the core, worst round', 'ksoftirqd µs', 'requests/s', 'p50 µs', 'p99 µs', 'generator µs', 'canary'], rows);
}

/** Share of each thread, from the last round. */
function threadTable(contenders: readonly Contender[], turns: ReadonlyMap<string, readonly Turn[]>): string {
  const rows = contenders.flatMap(({ kind }) => {
    const last = turns.get(kind.name)!.at(-1)!.result;
    return last.threads.slice(0, 8).map((thread) => [kind.name, `${thread.name} (${thread.thread})`, number(thread.ns / 1000 / last.requests)]);
  });
  return table(['peer', 'thread', 'µs a request'], rows);
}

async function runRest(bodyBytes: number, options: SuiteOptions): Promise<string> {
  const { fleet, contenders } = await setStage(options, false);
  const parts: string[] = [table(['peer', 'does'], contenders.map(({ kind }) => [kind.name, kind.does]))];
  for (const connections of options.connections) {
    const plan: LoadPlan = {
      host: '127.0.0.1',
      port: 0,
      connections,
      fleet,
      bodyBytes,
      pace: { kind: 'closed' },
      warmUpMs: options.warmUpMs,
      measureMs: options.measureMs,
      answers: [answerOf('main'), answerOf('canary')],
      accountPids: [],
      accountCore: proxyCore,
    };
    const turns = await takeRounds(contenders, plan, options);
    const cpu = new Map([...turns].map(([name, own]) => [name, own.map((turn) => turn.cpuUs)]));
    parts.push(`## ${connections} connections, ${options.rounds} rounds`, cpuTable(contenders, turns));
    parts.push('Ratios of CPU time, each round against itself:', ratioTable(cpu));
    parts.push('Threads, last round:', threadTable(contenders, turns));
  }
  return parts.join('\n\n');
}

export const rest70: Suite = { name: 'rest-70', does: 'CPU time of a prediction with a body of 70 bytes', deployments: 1000, run: (options) => runRest(70, options) };
export const rest100k: Suite = { name: 'rest-100k', does: 'CPU time of a prediction with a body of 100 kB', deployments: 1000, run: (options) => runRest(100_000, options) };
