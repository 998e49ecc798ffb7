// rest-70, rest-100k: CPU time of each peer for a prediction, closed loop, interleaved rounds.
import { plainPlan } from "../load-plan.ts";
import { ratioTable } from "../report.ts";
import { cpuTable, doesTable, restRounds, takeRounds, threadTable, valuesOf } from "../rounds.ts";
import { setStage } from "../stage.ts";
import type { Suite, SuiteOptions } from "./suite.ts";

async function runRest(bodyBytes: number, options: SuiteOptions): Promise<string> {
  const { fleet, contenders } = await setStage(options, false);
  const parts: string[] = [doesTable(contenders)];
  for (const connections of options.connections) {
    const plan = { ...plainPlan(fleet, options), connections, bodyBytes };
    const turns = await takeRounds(contenders, restRounds(`${connections} connections`, options.rounds, plan));
    parts.push(`## ${connections} connections, ${options.rounds} rounds`, cpuTable(contenders, turns));
    parts.push("Ratios of CPU time, each round against itself:", ratioTable(valuesOf(turns, (turn) => turn.cpuUs)));
    parts.push("Threads, last round:", threadTable(contenders, turns));
  }
  return parts.join("\n\n");
}

export const rest70: Suite = {
  name: "rest-70",
  does: "CPU time of a prediction with a body of 70 bytes",
  deployments: 1000,
  run: (options) => runRest(70, options),
};
export const rest100k: Suite = {
  name: "rest-100k",
  does: "CPU time of a prediction with a body of 100 kB",
  deployments: 1000,
  run: (options) => runRest(100_000, options),
};
