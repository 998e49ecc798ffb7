// sizing: CPU and memory of one gateway by requests a second, for a number of deployments.
import { join } from "node:path";
import { statusBytes } from "../account.ts";
import { load } from "../load.ts";
import { requireNoErrors } from "../load-plan.ts";
import { startSluice } from "../proxies/sluice.ts";
import { number, table } from "../report.ts";
import { setSluiceStage } from "../sluice-stage.ts";
import { spread } from "../statistics.ts";
import type { Suite, SuiteOptions } from "./suite.ts";

const perSecond = [100, 500, 2000, 5000];

export const sizing: Suite = {
  name: "sizing",
  does: "CPU and memory by requests a second",
  deployments: 10_000,
  async run(options: SuiteOptions): Promise<string> {
    const stage = await setSluiceStage(options, ["main", "canary"]);
    const workers = options.workers[0]!;
    const sluice = await startSluice({
      manifests: stage.manifests,
      workers,
      logFile: join(options.folder, "sluice.log"),
    });
    const rows: string[][] = [];
    for (const rate of perSecond) {
      const cores: number[] = [];
      const p99Us: number[] = [];
      for (let round = 0; round < options.rounds; round++) {
        const result = await load({
          ...stage.plan,
          port: sluice.port,
          pace: { kind: "open", perSecond: rate, spins: false },
          accountPids: [sluice.pid],
        });
        requireNoErrors("sluice", result);
        cores.push(result.threads.reduce((sum, { ns }) => sum + ns, 0) / 1e9 / result.seconds);
        p99Us.push(result.latency.p99Us);
      }
      rows.push([
        String(rate),
        spread(cores).median.toFixed(2),
        number(spread(p99Us).median),
        number((statusBytes(sluice.pid, "VmRSS") ?? Number.NaN) / 2 ** 20),
      ]);
    }
    return table(
      [`requests/s (${options.deployments} deployments, ${workers} workers)`, "cores", "p99 µs", "RSS MiB"],
      rows,
    );
  },
};
