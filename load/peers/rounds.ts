// Rounds of turns: each round gives every peer one turn, and the CPU time of each is compared inside the round.
import { softInterruptThread, totalNs } from "./account.ts";
import { load } from "./load.ts";
import { requireNoErrors, type LoadPlan, type LoadResult } from "./load-plan.ts";
import { checkShare } from "./probe.ts";
import { proxyCore } from "./process.ts";
import type { Peer, PeerKind } from "./proxies/peer.ts";
import { number, table } from "./report.ts";
import { spread } from "./statistics.ts";

export interface Contender {
  readonly kind: PeerKind;
  readonly peer: Peer;
}

export interface Turn {
  readonly cpuUs: number;
  readonly softInterruptUs: number;
  /** Time of the proxy's core that went to anything but this peer, of the window's: others' programs, and what the host took. */
  readonly othersShare: number;
  readonly result: LoadResult;
}

/** What is asked of each peer in its turn. */
export interface Rounds {
  /** For the lines that tell how far it is. */
  readonly title: string;
  readonly count: number;
  /** Time in which a peer's program is warmed before the first round, ms: its pools, and the compilers of those that have one. */
  readonly firstWarmUpMs: number;
  readonly plan: LoadPlan;
  /** Runs the plan; rejects when anything went wrong: a round with an error tells nothing. */
  readonly run: (plan: LoadPlan) => Promise<LoadResult>;
}

export type TurnsByPeer = ReadonlyMap<string, readonly Turn[]>;

function turnOf(result: LoadResult): Turn {
  const soft = result.threads.filter((thread) => thread.name.startsWith("ksoftirqd"));
  const perRequest = (ns: number): number => ns / 1000 / result.requests;
  const othersMs = result.core.busyMs + result.core.stolenMs - totalNs(result.threads) / 1e6;
  return {
    cpuUs: perRequest(totalNs(result.threads) - totalNs(soft)),
    softInterruptUs: perRequest(totalNs(soft)),
    othersShare: Math.max(0, othersMs / 1000 / result.seconds),
    result,
  };
}

async function takeTurn(contender: Contender, plan: LoadPlan, run: Rounds["run"]): Promise<Turn> {
  const { kind, peer } = contender;
  const soft = softInterruptThread(proxyCore);
  const result = await run({ ...plan, port: peer.port, accountPids: [peer.pid, ...(soft === null ? [] : [soft])] });
  requireNoErrors(kind.name, result);
  if (result.endedThreads > 0)
    throw new Error(`${kind.name}: the round is void: ${result.endedThreads} threads ended in it`);
  checkShare(kind, result.byAnswer[1] ?? 0, result.requests);
  return turnOf(result);
}

/** One wrong answer of anyone voids the run. */
export async function takeRounds(contenders: readonly Contender[], rounds: Rounds): Promise<TurnsByPeer> {
  return (await play(contenders, rounds, false)).turns;
}

/** As `takeRounds`, but only the first must get through: another one that fails under this work is left out of it, with the turns that it had. */
export async function takeRoundsOfAble(
  contenders: readonly Contender[],
  rounds: Rounds,
): Promise<{ readonly able: readonly Contender[]; readonly turns: TurnsByPeer }> {
  return play(contenders, rounds, true);
}

async function play(
  contenders: readonly Contender[],
  rounds: Rounds,
  mayFail: boolean,
): Promise<{ readonly able: readonly Contender[]; readonly turns: TurnsByPeer }> {
  const turns = new Map<string, Turn[]>(contenders.map((contender) => [contender.kind.name, []]));
  const turn = async (contender: Contender, plan: LoadPlan): Promise<Turn | null> => {
    const { name } = contender.kind;
    if (!turns.has(name)) return null;
    try {
      return await takeTurn(contender, plan, rounds.run);
    } catch (error) {
      if (!mayFail || contender === contenders[0]) throw error;
      turns.delete(name);
      console.error(`${rounds.title}: left out: ${error instanceof Error ? error.message : String(error)}`);
      return null;
    }
  };
  for (const contender of contenders)
    await turn(contender, { ...rounds.plan, warmUpMs: rounds.firstWarmUpMs, measureMs: 500 });
  for (let round = 0; round < rounds.count; round++) {
    // Each round starts with another peer, so that no one always follows the same neighbour.
    for (let place = 0; place < contenders.length; place++) {
      const contender = contenders[(place + round) % contenders.length]!;
      const taken = await turn(contender, rounds.plan);
      if (taken === null) continue;
      if (taken.result.requests === 0) throw new Error(`${contender.kind.name}: the round is void: no answer in it`);
      turns.get(contender.kind.name)!.push(taken);
      const { requests, seconds, latency } = taken.result;
      console.error(
        `${rounds.title}, round ${round + 1}, ${contender.kind.name}: ${taken.cpuUs.toFixed(1)} µs (others ${(taken.othersShare * 100).toFixed(0)} %), ${Math.round(requests / seconds)}/s, p50 ${latency.p50Us} µs, p99 ${latency.p99Us} µs`,
      );
    }
  }
  return { able: contenders.filter(({ kind }) => turns.has(kind.name)), turns };
}

/** Rounds of predictions over HTTP/1.1. */
export function restRounds(title: string, count: number, plan: LoadPlan): Rounds {
  return { title, count, firstWarmUpMs: 3000, plan, run: load };
}

/** One value of each turn, by peer. */
export function valuesOf(turns: TurnsByPeer, pick: (turn: Turn) => number): ReadonlyMap<string, readonly number[]> {
  return new Map([...turns].map(([name, own]) => [name, own.map(pick)]));
}

export function medianOf(turns: readonly Turn[], pick: (turn: Turn) => number): number {
  return spread(turns.map(pick)).median;
}

export function cpuTable(contenders: readonly Contender[], turns: TurnsByPeer): string {
  const rows = contenders.map(({ kind }) => {
    const own = turns.get(kind.name)!;
    const cpu = spread(own.map((turn) => turn.cpuUs));
    const over = (pick: (turn: Turn) => number): number => medianOf(own, pick);
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
      kind.splits ? `${number(over((turn) => ((turn.result.byAnswer[1] ?? 0) / turn.result.requests) * 100))} %` : "–",
    ];
  });
  return table(
    [
      "peer",
      "CPU µs a request, median",
      "min – max",
      "others on the core, worst round",
      "ksoftirqd µs",
      "requests/s",
      "p50 µs",
      "p99 µs",
      "generator µs",
      "canary",
    ],
    rows,
  );
}

/** Share of each thread, from the last round. */
export function threadTable(contenders: readonly Contender[], turns: TurnsByPeer): string {
  const rows = contenders.flatMap(({ kind }) => {
    const last = turns.get(kind.name)!.at(-1)!.result;
    return last.threads
      .slice(0, 8)
      .map((thread) => [kind.name, `${thread.name} (${thread.thread})`, number(thread.ns / 1000 / last.requests)]);
  });
  return table(["peer", "thread", "µs a request"], rows);
}

export function doesTable(contenders: readonly Contender[]): string {
  return table(
    ["peer", "does"],
    contenders.map(({ kind }) => [kind.name, kind.does]),
  );
}
