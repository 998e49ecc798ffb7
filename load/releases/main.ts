// Simulations of releases: node load/releases/main.ts --rollouts 100000, or --bandits 20
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { parseArgs, promisify } from "node:util";
import { banditReport } from "./bandit-report.ts";
import { rolloutReport } from "./rollout-report.ts";
import { type Tally, tally } from "./rollouts.ts";
import { type Named, scenarios } from "./scenarios.ts";

const { values } = parseArgs({
  options: {
    rollouts: { type: "string", default: "1000" },
    /** How many bandits of each kind, in place of rollouts. */
    bandits: { type: "string" },
    output: { type: "string" },
    /** Index of the one scenario that this process simulates; it prints its tally as JSON. */
    one: { type: "string" },
  },
  allowPositionals: true,
});
const rollouts = Number(values.rollouts);

function write(page: string): void {
  if (values.output === undefined) console.log(page);
  else writeFileSync(values.output, page);
}

if (values.one !== undefined) {
  const scenario = scenarios[Number(values.one)]!;
  console.log(JSON.stringify(tally(scenario, Math.max(1, Math.round(rollouts * scenario.part)), 1)));
} else if (values.bandits !== undefined) {
  write(banditReport(`node load/releases/main.ts --bandits ${values.bandits}`, Number(values.bandits)));
} else {
  const results: (readonly [Named, Tally])[] = [];
  const left = scenarios.map((scenario, at) => [at, scenario] as const);
  // Two processes, the slowest scenarios first as they are listed.
  await Promise.all([worker(), worker()]);
  write(rolloutReport(`node load/releases/main.ts --rollouts ${rollouts}`, results));

  async function worker(): Promise<void> {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const [at, scenario] = next;
      const { stdout } = await promisify(execFile)(process.execPath, [
        import.meta.filename,
        "--rollouts",
        String(rollouts),
        "--one",
        String(at),
      ]);
      results[at] = [scenario, JSON.parse(stdout) as Tally];
      console.error(`${scenario.name}: ${stdout.trim()}`);
    }
  }
}
