// The fixed families of /metrics: few series, held by prom-client and filled at each scrape from the shared blocks and the reconciler.
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { compareText, type Problem } from "../../routing/text/problem.ts";
import { fixed, fixedTable } from "../shared/counters.ts";
import { breakerUse, type BreakerUse, type CountedBreakers } from "./breakers.ts";
import type { Slices } from "./slices.ts";
import type { EndpointStates } from "./view.ts";
import type { TableFacts } from "../shared/messages.ts";

/** What the families show. Functions are asked at each scrape. */
export interface FamilySources {
  /** `blocks[0]` is the base block. */
  readonly blocks: readonly Float64Array[];
  readonly endpointStates: () => EndpointStates;
  readonly breakers: () => CountedBreakers;
  readonly served: () => TableFacts;
  /** Clients that limits of rate count now. */
  readonly countedClients: () => number;
  readonly tableBytes: () => { readonly used: number; readonly touched: number };
  readonly problems: () => Promise<readonly Problem[]>;
  readonly sourceKind: string;
  readonly sourceAgeSeconds: () => number;
  readonly certificates: () => readonly CertificateExpiry[];
}

/** When a certificate that is served ends. */
export interface CertificateExpiry {
  readonly name: string;
  /** Epoch ms. */
  readonly notAfterMs: number;
}

/** Most certificates that have a series: those that end first. */
const mostCertificateSeries = 1000;

export interface FixedFamilies {
  /** In the text format. */
  text(slices: Slices): Promise<string>;
  /** A change became live after so many seconds. */
  live(seconds: number): void;
}

/** Families that a cell of the shared blocks fills, with the cells of each. */
const cellFamilies = Map.groupBy(
  Object.entries(fixedTable).flatMap(([name, { cells, ...family }]) =>
    cells.map((labels, at) => ({ ...family, labels, cell: fixed[name as keyof typeof fixed] + at })),
  ),
  ({ metric }) => metric,
);

export function fixedFamilies(sources: FamilySources): FixedFamilies {
  const registry = new Registry();
  let use: readonly BreakerUse[] = [];
  const sum = (cell: number): number => sources.blocks.reduce((total, block) => total + block[cell]!, 0);

  const gauge = (
    name: string,
    help: string,
    labelNames: readonly string[],
    fill: (one: Gauge) => void | Promise<void>,
  ): void => {
    registry.registerMetric(
      new Gauge({
        name,
        help,
        labelNames: [...labelNames],
        registers: [],
        collect() {
          this.reset();
          return fill(this);
        },
      }),
    );
  };
  const counter = (name: string, help: string, labelNames: readonly string[], fill: (one: Counter) => void): void => {
    registry.registerMetric(
      new Counter({
        name,
        help,
        labelNames: [...labelNames],
        registers: [],
        collect() {
          this.reset();
          fill(this);
        },
      }),
    );
  };

  for (const [metric, cells] of cellFamilies) {
    if (metric === null) continue;
    const { kind, help, labels: first } = cells[0]!;
    const add = kind === "counter" ? counter : gauge;
    add(metric, help, Object.keys(first), (one) => {
      for (const { labels, cell } of cells) one.inc(labels, sum(cell));
    });
  }
  gauge(
    "sluice_endpoints",
    "Endpoints by state; failing: the health check fails; ejected: as many as the worker that ejects most.",
    ["state"],
    (one) => {
      const { ready, terminating, failing } = sources.endpointStates();
      one.set({ state: "ready" }, ready);
      one.set({ state: "terminating" }, terminating);
      one.set({ state: "failing" }, failing);
      one.set({ state: "ejected" }, Math.max(...sources.blocks.map((block) => block[fixed.endpointsEjected]!)));
    },
  );
  gauge(
    "sluice_breaker_use",
    "Connections, requests and retries in use that circuit breakers limit, all Upstreams together.",
    ["resource"],
    (one) => {
      for (const { resource, inUse } of use) one.set({ resource }, inUse);
    },
  );
  gauge("sluice_breakers_open", "Circuit breakers that have reached a limit.", ["resource"], (one) => {
    for (const { resource, open } of use) one.set({ resource }, open);
  });
  gauge("sluice_table_version", "Version of the routing table.", [], (one) => one.set(sources.served().version));
  gauge(
    "sluice_table_hash",
    "First 52 bits of the hash of the routing table: replicas that agree have the same.",
    [],
    (one) => {
      one.set(Number.parseInt(sources.served().hash.slice(0, 13) || "0", 16));
    },
  );
  gauge("sluice_table_routes", "Routes in the routing table.", [], (one) => one.set(sources.served().routeCount));
  gauge(
    "sluice_table_bytes",
    "Memory of the routing table, which all threads share; used: now; touched: the maximum so far.",
    ["state"],
    (one) => {
      const { used, touched } = sources.tableBytes();
      one.set({ state: "used" }, used);
      one.set({ state: "touched" }, touched);
    },
  );
  gauge(
    "sluice_rate_limit_clients",
    "Clients that rate limits count now, at most --rate-limit-clients; an estimate if there are many.",
    [],
    (one) => one.set(sources.countedClients()),
  );
  gauge(
    "sluice_source_age_seconds",
    "Seconds since the objects of the source were last known to be current.",
    ["source"],
    (one) => {
      one.set({ source: sources.sourceKind }, sources.sourceAgeSeconds());
    },
  );
  gauge("sluice_problems", "Configuration problems by code and level.", ["code", "level"], async (one) => {
    for (const [code, level, count] of countProblems(await sources.problems())) one.set({ code, level }, count);
  });
  gauge(
    "sluice_certificate_expiry_timestamp_seconds",
    `Expiry of each served certificate, Unix time; only the ${mostCertificateSeries} that expire first.`,
    ["certificate"],
    (one) => {
      for (const { name, notAfterMs } of sources
        .certificates()
        .toSorted((a, b) => a.notAfterMs - b.notAfterMs)
        .slice(0, mostCertificateSeries))
        one.set({ certificate: name }, notAfterMs / 1000);
    },
  );
  const live = new Histogram({
    name: "sluice_change_live_seconds",
    help: "Seconds from the first byte read of a change until every worker has its table.",
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1],
    registers: [registry],
  });
  return {
    async text(slices) {
      use = await breakerUse(sources.blocks, sources.breakers, slices);
      return registry.metrics();
    },
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
