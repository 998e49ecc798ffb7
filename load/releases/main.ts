// Simulations of releases: node load/releases/main.ts --rollouts 20000, or --bandits 20
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { parseArgs, promisify } from "node:util";
import { banditReport } from "./bandit-report.ts";
import { rolloutReport } from "./rollout-report.ts";
import { type Tally, tally } from "./rollout.ts";
import { type Scenario, scenarios } from "./scenarios.ts";

const { values } = parseArgs({
  options: {
    rollouts: { type: "string", default: "1000" },
    /** How many bandits of each kind, in place of rollouts. */
    bandits: { type: "string" },
    output: { type: "string" },
    /** How many processes. */
    processes: { type: "string", default: "2" },
    /** Only scenarios whose name has this text. */
    only: { type: "string", default: "" },
    /** Index of the one scenario that this process simulates; it prints its tally as JSON. */
    one: { type: "string" },
  },
});
const rollouts = Number(values.rollouts);

function write(page: string): void {
  if (values.output === undefined) console.log(page);
  else writeFileSync(values.output, page);
}

if (values.one !== undefined) {
  const scenario = scenarios[Number(values.one)]!;
  console.log(JSON.stringify(tally(scenario, Math.ceil(rollouts * scenario.part))));
} else if (values.bandits !== undefined) {
  write(banditReport(`node load/releases/main.ts --bandits ${values.bandits}`, Number(values.bandits)));
} else {
  const results: (readonly [Scenario, Tally])[] = [];
  const left = [...scenarios.entries()].filter(([, { name }]) => name.includes(values.only));
  await Promise.all(Array.from({ length: Number(values.processes) }, worker));
  const shown = results.filter((result) => result !== undefined);
  write(rolloutReport(`node load/releases/main.ts --rollouts ${rollouts}`, shown));

  async function worker(): Promise<void> {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const [at, scenario] = next;
      const args = [import.meta.filename, "--rollouts", String(rollouts), "--one", String(at)];
      const started = performance.now();
      const { stdout } = await promisify(execFile)(process.execPath, args);
      results[at] = [scenario, JSON.parse(stdout) as Tally];
      console.error(`${scenario.name}: ${stdout.trim()} ${((performance.now() - started) / 1000).toFixed(1)} s`);
    }
  }
}
