// cluster: Sluice on a real API server with 10,000 deployments: start to ready, resident memory, PATCH to the new table on every worker.
import { join } from "node:path";
import { PodNetwork } from "../../../test/cluster/pod-network.ts";
import type { ApiServer } from "../../../test/cluster/api-server.ts";
import { statusBytes, threadTimes, timeBetween, totalNs } from "../account.ts";
import { createAll, deploymentObject, podOf, serviceObjects, startFilledCluster } from "../cluster-stage.ts";
import { answerOf } from "../fleet.ts";
import { Pollers } from "../pollers.ts";
import { pause } from "../process.ts";
import { startSluice, type Sluice } from "../proxies/sluice.ts";
import { seededRandom } from "../random.ts";
import { number, table } from "../report.ts";
import { bucketsOf, scrapeMetrics } from "../scraping.ts";
import { quantile, spread } from "../statistics.ts";
import { startUpstream } from "../upstream.ts";
import type { Suite, SuiteOptions } from "./suite.ts";

const predictors = ["main", "canary"] as const;
/** Deployments beside the fleet that somebody answers for: these change. */
const changing = 20;
const namespace = "changing";
const changes = 300;
const settleMs = 5000;

const nameOf = (index: number): string => `changed-${index}`;
const mib = (bytes: number | null): number => (bytes ?? Number.NaN) / 2 ** 20;

async function addChanging(cluster: ApiServer, address: string, ports: ReadonlyMap<string, number>): Promise<void> {
  await cluster.admin.createNamespace(namespace);
  await createAll(
    cluster.admin,
    Array.from({ length: changing }, (_, index) => [
      deploymentObject(nameOf(index), namespace, predictors),
      ...predictors.flatMap((predictor) =>
        serviceObjects(`${nameOf(index)}-${predictor}`, namespace, address, ports.get(predictor)!),
      ),
    ]).flat(),
  );
}

/** Time from the answer to the PATCH until every worker has answered by the new table, ms. */
async function patchMany(
  pollers: Pollers,
  cluster: ApiServer,
  count: number,
  random: () => number,
): Promise<readonly number[]> {
  const moveTo = async (index: number, wanted: number): Promise<number> => {
    const traffic = predictors.map((name, at) => `${name}=${at === wanted ? 100 : 0}`).join(",");
    await cluster.admin.merge(deploymentObject(nameOf(index), namespace, predictors), {
      metadata: { annotations: { "sluice.io/traffic": traffic } },
    });
    return performance.now();
  };
  const liveMs: number[] = [];
  for (let change = 0; change < count; change++) {
    const index = Math.floor(random() * changing);
    const wanted = change % predictors.length;
    pollers.aim({ prefix: `/seldon/${namespace}/${nameOf(index)}/` });
    const before = pollers.untilEverywhere(1 - wanted);
    await moveTo(index, 1 - wanted);
    await before;
    await pause(50 + random() * 100);
    await pollers.warm();
    const live = pollers.untilEverywhere(wanted);
    const patchedMs = await moveTo(index, wanted);
    // A watch may be told before the answer to the PATCH is here.
    liveMs.push(Math.max(0, (await live).seenMs - patchedMs));
    await pause(30);
  }
  return liveMs;
}

export const cluster: Suite = {
  name: "cluster",
  does: "on a real API server with 10,000 deployments: start to ready, memory, PATCH to the new table on every worker",
  deployments: 10_000,
  async run(options: SuiteOptions): Promise<string> {
    const filled = await startFilledCluster(join(options.folder, ".."), options.deployments);
    const network = await PodNetwork.create();
    try {
      const { ports } = await startUpstream({ folder: options.folder, predictors, answer: answerOf, realTime: false });
      await addChanging(filled, network.address(), ports);
      const { account, environment } = await podOf(filled);
      const startGateway = (workers: number): Promise<Sluice> =>
        startSluice({
          manifests: null,
          workers,
          logFile: join(options.folder, `sluice-${workers}.log`),
          serveOptions: ["--service-account", account],
          environment,
        });
      const rows: string[][] = [];
      const notes: string[] = [];
      for (const workers of options.workers) {
        const readyMs: number[] = [];
        for (let round = 1; round < options.rounds; round++) {
          const sluice = await startGateway(workers);
          readyMs.push(sluice.readyMs);
          await sluice.stop();
        }
        const sluice = await startGateway(workers);
        readyMs.push(sluice.readyMs);
        const times = timeBetween([], threadTimes(sluice.pid)).threads;
        notes.push(
          `${workers} workers, CPU ms until ready: ${number(totalNs(times) / 1e6)}; busiest threads: ${times
            .slice(0, 5)
            .map(({ name, ns }) => `${name} ${number(ns / 1e6)}`)
            .join(", ")}`,
        );
        const readyMib = mib(statusBytes(sluice.pid, "VmRSS"));
        await pause(settleMs);
        const settledMib = mib(statusBytes(sluice.pid, "VmRSS"));
        const pollers = await Pollers.open(sluice, workers, predictors, {
          prefix: `/seldon/${namespace}/${nameOf(0)}/`,
        });
        const liveMs = await patchMany(pollers, filled, options.requests ?? changes, seededRandom(workers));
        pollers.stop();
        const buckets = bucketsOf((await scrapeMetrics(sluice.adminPort)).text, "sluice_change_live_seconds");
        notes.push(
          `${workers} workers, from the first byte read to the last acknowledgement, \`sluice_change_live_seconds\` (all changes, the first table too): ${[...buckets].map(([bound, count]) => `≤ ${bound} s: ${count}`).join(", ")}`,
        );
        const ready = spread(readyMs);
        rows.push([
          String(workers),
          `${number(ready.median)} (${number(ready.min)} – ${number(ready.max)})`,
          number(readyMib),
          number(settledMib),
          number(mib(statusBytes(sluice.pid, "VmHWM"))),
          ...[0.5, 0.9, 0.99, 1].map((q) => number(quantile(liveMs, q))),
        ]);
        await sluice.stop();
      }
      return [
        table(
          [
            "workers",
            "ms to ready",
            "RSS MiB ready",
            "after 5 s",
            "highest",
            "PATCH to live p50 ms",
            "p90",
            "p99",
            "highest",
          ],
          rows,
        ),
        ...notes,
      ].join("\n\n");
    } finally {
      await network.remove();
      await filled.stop();
    }
  },
};
