// The dashboard for Grafana: its panels as data, and the JSON that Grafana imports.
import { alerts, failedCodes } from "./alerts.ts";
import type { GeneratedFile } from "../generated.ts";

export interface Panel {
  readonly title: string;
  /** A unit of Grafana. */
  readonly unit: "reqps" | "percentunit" | "s" | "short" | "bytes" | "ops" | "none";
  /** PromQL, and the name of its lines. */
  readonly queries: readonly (readonly [expression: string, legend: string])[];
}

const chosen = 'namespace=~"$namespace",deployment=~"$deployment"';
const live = `${chosen},role="live"`;
const byPredictor = "sum by (namespace, deployment, predictor)";
const predictor = "{{namespace}}/{{deployment}} {{predictor}}";

function percentile(part: number): string {
  return `histogram_quantile(${part}, sum by (namespace, deployment, predictor, le) (rate(sluice_latency_seconds_bucket{${live}}[$__rate_interval])))`;
}

/** By row. */
export const dashboardRows: Readonly<Record<string, readonly Panel[]>> = {
  Deployments: [
    {
      title: "Requests by predictor",
      unit: "reqps",
      queries: [[`${byPredictor} (rate(sluice_requests_total{${live}}[$__rate_interval]))`, predictor]],
    },
    {
      title: "Failed share by predictor",
      unit: "percentunit",
      queries: [
        [
          `${byPredictor} (rate(sluice_requests_total{${live},code=~"${failedCodes}"}[$__rate_interval])) / ${byPredictor} (rate(sluice_requests_total{${live}}[$__rate_interval]))`,
          predictor,
        ],
      ],
    },
    {
      title: "Failures: the model's or the gateway's",
      unit: "reqps",
      queries: [
        [
          `sum by (namespace, deployment, origin) (rate(sluice_requests_total{${live},code=~"${failedCodes}"}[$__rate_interval]))`,
          "{{namespace}}/{{deployment}} {{origin}}",
        ],
      ],
    },
    {
      title: "Failures by flag",
      unit: "reqps",
      queries: [
        [
          `sum by (namespace, deployment, flag) (rate(sluice_failures_total{${chosen}}[$__rate_interval]))`,
          "{{namespace}}/{{deployment}} {{flag}}",
        ],
      ],
    },
    { title: "Latency, p50", unit: "s", queries: [[percentile(0.5), predictor]] },
    { title: "Latency, p99", unit: "s", queries: [[percentile(0.99), predictor]] },
    {
      title: "Endpoints",
      unit: "short",
      queries: [
        [`min by (namespace, deployment, predictor, state) (sluice_endpoints{${chosen}})`, `${predictor} {{state}}`],
      ],
    },
    {
      title: "Shadow copies by outcome",
      unit: "reqps",
      queries: [
        [
          `sum by (namespace, deployment, outcome) (rate(sluice_shadow_requests_total{${chosen}}[$__rate_interval]))`,
          "{{namespace}}/{{deployment}} {{outcome}}",
        ],
      ],
    },
  ],
  Gateway: [
    { title: "Requests in flight", unit: "short", queries: [["sum by (pod) (sluice_requests_in_flight)", "{{pod}}"]] },
    {
      title: "Connections",
      unit: "short",
      queries: [["sum by (side, protocol) (sluice_connections)", "{{side}} {{protocol}}"]],
    },
    {
      title: "A change is live after, p99",
      unit: "s",
      queries: [
        [
          "histogram_quantile(0.99, sum by (pod, le) (rate(sluice_change_live_seconds_bucket[$__rate_interval])))",
          "{{pod}}",
        ],
      ],
    },
    {
      title: "Age of the source",
      unit: "s",
      queries: [["max by (pod, source) (sluice_source_age_seconds)", "{{pod}} {{source}}"]],
    },
    {
      title: "Problems by level",
      unit: "short",
      queries: [["max by (level) (sum by (pod, level) (sluice_problems))", "{{level}}"]],
    },
    {
      title: "Threads that Sluice replaced",
      unit: "short",
      queries: [["sum by (pod) (increase(sluice_worker_restarts_total[$__rate_interval]))", "{{pod}}"]],
    },
    {
      title: "Memory of the routing table",
      unit: "bytes",
      queries: [["max by (pod, state) (sluice_table_bytes)", "{{pod}} {{state}}"]],
    },
    { title: "Hash of the routing table", unit: "none", queries: [["sluice_table_hash", "{{pod}}"]] },
  ],
  "Redis and external services": [
    {
      title: "Calls to Redis by outcome",
      unit: "ops",
      queries: [["sum by (outcome) (rate(sluice_redis_calls_total[$__rate_interval]))", "{{outcome}}"]],
    },
    {
      title: "Calls to AuthService and RateLimitService",
      unit: "ops",
      queries: [
        ["sum by (service, outcome) (rate(sluice_external_calls_total[$__rate_interval]))", "{{service}} {{outcome}}"],
      ],
    },
  ],
};

export const dashboardFile: GeneratedFile = {
  file: "k8s/chart/files/dashboard.json",
  text: () => `${JSON.stringify(dashboard(), null, 2)}\n`,
};

/** Of the two columns of Grafana's grid of 24. */
const [panelWidth, panelHeight] = [12, 8];

function dashboard(): unknown {
  const panels: unknown[] = [];
  let top = 0;
  for (const [title, row] of Object.entries(dashboardRows)) {
    panels.push({
      id: panels.length + 1,
      type: "row",
      title,
      collapsed: false,
      panels: [],
      gridPos: place(0, top, 24, 1),
    });
    for (const [at, panel] of row.entries()) {
      const y = top + 1 + Math.floor(at / 2) * panelHeight;
      panels.push(drawn(panels.length + 1, panel, place((at % 2) * panelWidth, y, panelWidth, panelHeight)));
    }
    top += 1 + Math.ceil(row.length / 2) * panelHeight;
  }
  return {
    uid: "sluice",
    title: "Sluice",
    description: `Alerts beside it: ${alerts.map(({ name }) => name).join(", ")}`,
    tags: ["sluice", "seldon"],
    schemaVersion: 39,
    editable: true,
    refresh: "30s",
    time: { from: "now-1h", to: "now" },
    templating: {
      list: [
        { name: "datasource", type: "datasource", query: "prometheus", label: "Data source" },
        variable("namespace", "label_values(sluice_requests_total, namespace)"),
        variable("deployment", 'label_values(sluice_requests_total{namespace=~"$namespace"}, deployment)'),
      ],
    },
    panels,
  };
}

const source = { type: "prometheus", uid: "${datasource}" };

function variable(name: string, query: string): unknown {
  return {
    name,
    type: "query",
    datasource: source,
    query: { query, refId: name },
    refresh: 2,
    sort: 1,
    multi: true,
    includeAll: true,
    allValue: ".*",
    current: { text: "All", value: "$__all" },
  };
}

function drawn(id: number, { title, unit, queries }: Panel, gridPos: unknown): unknown {
  return {
    id,
    type: "timeseries",
    title,
    gridPos,
    datasource: source,
    fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
    options: { legend: { displayMode: "list", placement: "bottom" }, tooltip: { mode: "multi", sort: "desc" } },
    targets: queries.map(([expr, legendFormat], at) => ({
      refId: String.fromCodePoint(65 + at),
      datasource: source,
      expr,
      legendFormat,
    })),
  };
}

function place(x: number, y: number, w: number, h: number): unknown {
  return { x, y, w, h };
}
