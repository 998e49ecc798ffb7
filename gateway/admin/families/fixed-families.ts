// The fixed families of /metrics: few series, held by prom-client and filled at each scrape from the shared blocks and the reconciler.
import type { CertificateExpiry } from "../../shared/certificates.ts";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { compareText, type Problem } from "../../../routing/text/problem.ts";
import { build } from "../../shared/build.ts";
import type { ComparedSidesView } from "../view/view.ts";
import type { Metric } from "../../shared/metrics/metric.ts";
import {
  changeLive,
  controlMetrics,
  maxCertificateSeries,
  maxComparisonSeries,
  maxRolloutSeries,
} from "../../shared/metrics/control.ts";
import { fixed, fixedRows } from "../../shared/metrics/fixed.ts";
import type { Rollout } from "../../api/rollouts.ts";
import type { TableFacts } from "../../shared/messages.ts";

/** What the families show. Functions are asked at each scrape. */
export interface FamilySources {
  /** `blocks[0]` is the base block. */
  readonly blocks: readonly Float64Array[];
  readonly served: () => TableFacts;
  /** Clients that limits of rate count now. */
  readonly countedClients: () => number;
  /** Endpoints of the table that have no counters of their own. */
  readonly endpointsWithoutNumbers: () => number;
  /** Requests of released predictors that nothing counts. */
  readonly releaseRequestsLeftOut: () => number;
  readonly tableBytes: () => { readonly used: number; readonly touched: number };
  readonly problems: () => Promise<readonly Problem[]>;
  readonly sourceKind: string;
  readonly sourceAgeSeconds: () => number;
  readonly certificates: () => readonly CertificateExpiry[];
  readonly comparisons: () => readonly ComparedSidesView[];
  readonly rollouts: () => readonly Rollout[];
  /** Epoch ms. */
  readonly nowMs: () => number;
}

export interface FixedFamilies {
  /** In the text format. */
  text(): Promise<string>;
  /** A change became live after so many seconds. */
  live(seconds: number): void;
}

/** The families that are sums of cells: their rows. */
const sums = Map.groupBy(
  fixedRows.filter(({ shown }) => shown !== null),
  ({ shown }) => shown!.metric,
);

/** Sets the samples of a family, of which there are none before. */
type Fill = (one: Gauge) => void | Promise<void>;

export function fixedFamilies(sources: FamilySources): FixedFamilies {
  const registry = new Registry();
  const add = ({ name, help, labels, kind }: Metric, fill: Fill): void => {
    // Both take `inc`; only a Gauge that is no sum takes `set`.
    const Family = kind === "counter" ? Counter : Gauge;
    registry.registerMetric(
      new Family({
        name,
        help,
        labelNames: [...labels],
        registers: [],
        collect() {
          this.reset();
          return fill(this as Gauge);
        },
      }),
    );
  };
  const sum = (cell: number): number => sources.blocks.reduce((total, block) => total + block[cell]!, 0);
  for (const [metric, rows] of sums)
    add(metric, (one) => {
      for (const { shown, first } of rows)
        for (const [at, labels] of shown!.labels.entries()) one.inc(labels, sum(first + at));
    });
  const rollouts = (): readonly Rollout[] => sources.rollouts().slice(0, maxRolloutSeries);
  const fills: Readonly<Record<keyof typeof controlMetrics, Fill>> = {
    buildInfo: (one) =>
      one.set({ version: build.version, commit: build.commit ?? "unknown", build: build.digest ?? "sources" }, 1),
    ejectedEndpoints: (one) => one.set(Math.max(...sources.blocks.map((block) => block[fixed.endpointsEjected]!))),
    endpointsWithoutNumbers: (one) => one.set(sources.endpointsWithoutNumbers()),
    tableVersion: (one) => one.set(sources.served().version),
    tableHash: (one) => one.set(Number.parseInt(sources.served().hash.slice(0, 13) || "0", 16)),
    tableRoutes: (one) => one.set(sources.served().routeCount),
    tableBytes(one) {
      const { used, touched } = sources.tableBytes();
      one.set({ state: "used" }, used);
      one.set({ state: "touched" }, touched);
    },
    rateLimitClients: (one) => one.set(sources.countedClients()),
    sourceAge: (one) => one.set({ source: sources.sourceKind }, sources.sourceAgeSeconds()),
    comparisons(one) {
      for (const { sides, counts } of sources.comparisons().slice(0, maxComparisonSeries)) {
        const { namespace, deployment, predictor, against } = sides;
        const { agreed, disagreed } = counts;
        const incomparable = counts.incomparable.reduce((sum, { count }) => sum + count, 0);
        for (const [outcome, count] of Object.entries({ agreed, disagreed, incomparable }))
          one.inc({ namespace, deployment, predictor, against, outcome }, count);
      }
    },
    rolloutStep(one) {
      for (const { namespace, name: deployment, step } of rollouts()) one.set({ namespace, deployment }, step);
    },
    rolloutStepAge(one) {
      for (const { namespace, name: deployment, kind, state, sinceMs } of rollouts())
        if (kind === "rollout" && (state === "stepping" || state === "held") && sinceMs !== null)
          one.set({ namespace, deployment }, Math.max(0, (sources.nowMs() - sinceMs) / 1000));
    },
    rolloutAborted(one) {
      for (const { namespace, name: deployment, state } of rollouts())
        one.set({ namespace, deployment }, state === "aborted" ? 1 : 0);
    },
    releaseRequestsLeftOut: (one) => one.inc(sources.releaseRequestsLeftOut()),
    async problems(one) {
      for (const [code, level, count] of countProblems(await sources.problems())) one.set({ code, level }, count);
    },
    certificates(one) {
      const byEnd = sources.certificates().toSorted((a, b) => a.notAfterMs - b.notAfterMs);
      for (const { name, notAfterMs } of byEnd.slice(0, maxCertificateSeries))
        one.set({ certificate: name }, notAfterMs / 1000);
    },
  };
  for (const name of Object.keys(fills) as (keyof typeof fills)[]) add(controlMetrics[name], fills[name]);
  const live = new Histogram({
    name: changeLive.name,
    help: changeLive.help,
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1],
    registers: [registry],
  });
  return {
    text: () => registry.metrics(),
    live: (seconds) => live.observe(seconds),
  };
}

function countProblems(problems: readonly Problem[]): (readonly [code: string, level: string, count: number])[] {
  const counts = new Map<string, number>();
  for (const { code, level } of problems) counts.set(`${code} ${level}`, (counts.get(`${code} ${level}`) ?? 0) + 1);
  return [...counts]
    .toSorted(([a], [b]) => compareText(a, b))
    .map(([key, count]) => [...(key.split(" ") as [string, string]), count] as const);
}
