// open-loop: latency at half of the saturation of Envoy in Emissary's form. Requests leave by a schedule that does not wait for answers,
// and their latency counts from their place in it (no coordinated omission).
import { load } from "../load.ts";
import { plainPlan, requireNoErrors, type LoadPlan, type LoadResult } from "../load-plan.ts";
import { number, ratioTable, table } from "../report.ts";
import type { Contender } from "../rounds.ts";
import { setStage } from "../stage.ts";
import { spread } from "../statistics.ts";
import type { Suite, SuiteOptions } from "./suite.ts";

async function takeTurn(contender: Contender, plan: LoadPlan): Promise<LoadResult> {
  const result = await load({ ...plan, port: contender.peer.port });
  requireNoErrors(contender.kind.name, result);
  return result;
}

async function half(contenders: readonly Contender[], plan: LoadPlan): Promise<number> {
  const envoy = contenders.find((contender) => contender.kind.name.startsWith("envoy"));
  if (envoy === undefined) throw new Error("without an Envoy among the peers, give --rate");
  const saturated = await takeTurn(envoy, { ...plan, pace: { kind: "closed" } });
  return Math.round(saturated.requests / saturated.seconds / 2);
}

export const openLoop: Suite = {
  name: "open-loop",
  does: "p50 and p99 at a fixed rate, half of the saturation of the first Envoy among the peers",
  deployments: 1000,
  async run(options: SuiteOptions): Promise<string> {
    const { fleet, contenders } = await setStage(options, true);
    const plan: LoadPlan = { ...plainPlan(fleet, options), connections: options.connections.at(-1)! };
    for (const contender of contenders) await takeTurn(contender, { ...plan, warmUpMs: 3000, measureMs: 500 });
    const perSecond = options.perSecond ?? (await half(contenders, plan));
    const results = new Map<string, LoadResult[]>(contenders.map((contender) => [contender.kind.name, []]));
    for (let round = 0; round < options.rounds; round++) {
      for (let place = 0; place < contenders.length; place++) {
        const contender = contenders[(place + round) % contenders.length]!;
        const result = await takeTurn(contender, { ...plan, pace: { kind: "open", perSecond, spins: true } });
        results.get(contender.kind.name)!.push(result);
        console.error(
          `round ${round + 1}, ${contender.kind.name}: p50 ${result.latency.p50Us} µs, p99 ${result.latency.p99Us} µs, ${Math.round(result.requests / result.seconds)}/s`,
        );
      }
    }
    const median = (name: string, pick: (result: LoadResult) => number): number =>
      spread(results.get(name)!.map(pick)).median;
    const rows = [...results.keys()].map((name) => [
      name,
      number(median(name, (result) => result.requests / result.seconds)),
      number(median(name, (result) => result.latency.p50Us)),
      number(median(name, (result) => result.latency.p99Us)),
      number(median(name, (result) => result.latency.p999Us)),
    ]);
    const p99 = new Map([...results].map(([name, own]) => [name, own.map((result) => result.latency.p99Us)]));
    return [
      `${perSecond} requests a second (Poisson), ${plan.connections} connections, ${options.rounds} rounds; medians of the rounds.`,
      table(["peer", "requests/s", "p50 µs", "p99 µs", "p99.9 µs"], rows),
      "Ratios of p99, each round against itself:",
      ratioTable(p99),
    ].join("\n\n");
  },
};
