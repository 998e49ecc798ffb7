// idle-connections: what ten thousand client connections cost that do nothing, new ones and ones that were used. The bar: 150 MB.
import { join } from "node:path";
import { statusBytes } from "../account.ts";
import { Crowd } from "../crowd.ts";
import { load } from "../load.ts";
import { requireNoErrors } from "../load-plan.ts";
import { pause } from "../process.ts";
import { startSluice } from "../proxies/sluice.ts";
import { number, table } from "../report.ts";
import { setSluiceStage } from "../sluice-stage.ts";
import type { Suite, SuiteOptions } from "./suite.ts";

const connections = 10_000;
const settleMs = 5000;
/** Fills the heap as work does: what the crowd adds is counted from there. */
const loadMs = 3000;

interface Measured {
  readonly workers: number;
  readonly before: number;
  readonly opened: number;
  readonly used: number;
  readonly gone: number;
}

function residentMb(pid: number): number {
  return (statusBytes(pid, "VmRSS") ?? Number.NaN) / 1e6;
}

export const idleConnections: Suite = {
  name: "idle-connections",
  does: "resident memory of 10,000 client connections that are idle",
  deployments: 1000,
  async run(options: SuiteOptions): Promise<string> {
    const stage = await setSluiceStage(options, ["main", "canary"]);
    const measured: Measured[] = [];
    for (const workers of options.workers) {
      const sluice = await startSluice({
        manifests: stage.manifests,
        workers,
        logFile: join(options.folder, `sluice-${workers}.log`),
      });
      requireNoErrors("sluice", await load({ ...stage.plan, port: sluice.port, measureMs: loadMs }));
      await pause(settleMs);
      const before = residentMb(sluice.pid);
      const crowd = new Crowd(sluice.port, stage.fleet);
      await crowd.open(connections);
      await pause(settleMs);
      const opened = residentMb(sluice.pid);
      await crowd.ask();
      await pause(settleMs);
      const used = residentMb(sluice.pid);
      if (crowd.size !== connections)
        throw new Error(`${connections - crowd.size} connections of the crowd were closed`);
      await crowd.close();
      await pause(settleMs);
      measured.push({ workers, before, opened, used, gone: residentMb(sluice.pid) });
      await sluice.stop();
    }
    const rows = measured.map(({ workers, before, opened, used, gone }) => [
      String(workers),
      number(before),
      number(opened - before),
      number(used - before),
      number(((used - before) * 1e6) / connections / 1e3),
      number(gone - before),
    ]);
    return table(
      [
        "workers",
        "RSS MB before",
        "growth MB: connected",
        "growth MB: each used once, then idle",
        "kB a connection",
        "growth MB: all closed",
      ],
      rows,
    );
  },
};
