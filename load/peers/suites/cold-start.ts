// cold-start: from the start of the process to ready, with every deployment in the folder.
import { join } from "node:path";
import { threadTimes, totalNs } from "../account.ts";
import { startSluice } from "../proxies/sluice.ts";
import { number, table } from "../report.ts";
import { setSluiceStage } from "../sluice-stage.ts";
import { spread } from "../statistics.ts";
import type { Suite, SuiteOptions } from "./suite.ts";

export const coldStart: Suite = {
  name: "cold-start",
  does: "from exec to /readyz 200 with 10,000 deployments in files (page cache warm)",
  deployments: 10_000,
  async run(options: SuiteOptions): Promise<string> {
    const stage = await setSluiceStage(options, ["main", "canary"]);
    const rows: string[][] = [];
    for (const workers of options.workers) {
      const readyMs: number[] = [];
      const cpuMs: number[] = [];
      for (let round = 0; round < options.rounds; round++) {
        const sluice = await startSluice({
          manifests: stage.manifests,
          workers,
          logFile: join(options.folder, `sluice-${workers}.log`),
        });
        readyMs.push(sluice.readyMs);
        cpuMs.push(totalNs(threadTimes(sluice.pid)) / 1e6);
        await sluice.stop();
      }
      const ready = spread(readyMs);
      rows.push([
        String(workers),
        number(ready.median),
        `${number(ready.min)} – ${number(ready.max)}`,
        number(spread(cpuMs).median),
      ]);
    }
    return table(["workers", "ms to ready, median", "min – max", "CPU ms"], rows);
  },
};
