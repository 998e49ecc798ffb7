// memory: resident memory of the whole process by number of workers.
import { join } from "node:path";
import { statusBytes } from "../account.ts";
import { load } from "../load.ts";
import { requireNoErrors } from "../load-plan.ts";
import { pause } from "../process.ts";
import { startSluice } from "../proxies/sluice.ts";
import { number, table } from "../report.ts";
import { setSluiceStage } from "../sluice-stage.ts";
import type { Suite, SuiteOptions } from "./suite.ts";

const settleMs = 5000;
/** Long enough for several requests to each of 10,000 deployments. */
const loadMs = 10_000;

interface Measured {
  readonly workers: number;
  readonly readyMib: number;
  readonly loadedMib: number;
  readonly highestMib: number;
}

function mib(bytes: number | null): number {
  return (bytes ?? Number.NaN) / 2 ** 20;
}

/** Least squares: memory = base + slope × workers. */
function line(
  points: readonly Measured[],
  pick: (point: Measured) => number,
): { readonly base: number; readonly slope: number } {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const x = mean(points.map((point) => point.workers));
  const y = mean(points.map(pick));
  const slope =
    points.reduce((sum, point) => sum + (point.workers - x) * (pick(point) - y), 0) /
    points.reduce((sum, point) => sum + (point.workers - x) ** 2, 0);
  return { base: y - slope * x, slope };
}

export const memory: Suite = {
  name: "memory",
  does: "resident memory of the process with 10,000 deployments",
  deployments: 10_000,
  async run(options: SuiteOptions): Promise<string> {
    const stage = await setSluiceStage(options, ["main", "canary"]);
    const measured: Measured[] = [];
    for (const workers of options.workers) {
      const sluice = await startSluice({
        manifests: stage.manifests,
        workers,
        logFile: join(options.folder, `sluice-${workers}.log`),
      });
      await pause(settleMs);
      const readyMib = mib(statusBytes(sluice.pid, "VmRSS"));
      requireNoErrors("sluice", await load({ ...stage.plan, port: sluice.port, measureMs: loadMs }));
      await pause(settleMs);
      measured.push({
        workers,
        readyMib,
        loadedMib: mib(statusBytes(sluice.pid, "VmRSS")),
        highestMib: mib(statusBytes(sluice.pid, "VmHWM")),
      });
      await sluice.stop();
    }
    const rows = measured.map((one) => [
      String(one.workers),
      number(one.readyMib),
      number(one.loadedMib),
      number(one.highestMib),
    ]);
    const ready = line(measured, (point) => point.readyMib);
    const loaded = line(measured, (point) => point.loadedMib);
    return [
      table(["workers", "RSS MiB, ready", "RSS MiB, after 10 s of load on every deployment", "highest MiB"], rows),
      `Base and slope: ready ${number(ready.base)} + ${number(ready.slope)} MiB a worker; loaded ${number(loaded.base)} + ${number(loaded.slope)} MiB a worker.`,
    ].join("\n\n");
  },
};
