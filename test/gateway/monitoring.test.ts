// What the alerts and the dashboard ask Prometheus for exists: in the declarations, and in a scrape of a gateway whose models fail.
import { Agent } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { dashboardRows } from "../../gateway/pages/monitoring/dashboard.ts";
import { alerts, records } from "../../gateway/pages/monitoring/alerts.ts";
import { metrics } from "../../gateway/shared/metrics/all.ts";
import { freePort } from "../ports.ts";
import { type GatewayProcess, Manifests, ModelServer, serving } from "./gateway-process.ts";
import { post } from "./load-client.ts";

/** Labels of the scrape itself, which Prometheus adds. */
const scraped = ["pod", "le"];

interface Asked {
  readonly metric: string;
  /** Those that the expression names anywhere. */
  readonly labels: ReadonlySet<string>;
}

const expressions = [
  ...Object.values(records),
  ...alerts.map(({ expression }) => expression),
  ...Object.values(dashboardRows).flatMap((row) => row.flatMap(({ queries }) => queries.map(([query]) => query))),
];

/** The metrics that PromQL names, each with the labels of its selector. */
function selectorsOf(expression: string): readonly Asked[] {
  return [...expression.matchAll(/(?<![\w:])(sluice_\w+)(?:\{([^}]*)\})?/g)].map(([, name, selector = ""]) => ({
    metric: name!.replace(/_bucket$/, ""),
    labels: new Set([...selector.matchAll(/(\w+)(?==~|=|!=|!~)/g)].map(([, label]) => label!)),
  }));
}

/** Labels that it groups by. */
function groupedBy(expression: string): readonly string[] {
  return [...expression.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, labels]) => labels!.split(/, */));
}

test.each(expressions)("%s asks for declared metrics by declared labels", (expression) => {
  // A record is judged where it is made.
  const asked = selectorsOf(expression);
  if (!expression.includes(":sluice_")) expect(asked).not.toEqual([]);
  for (const { metric, labels } of asked) {
    const known = metrics.get(metric)?.labels;
    expect(known, metric).toBeDefined();
    const all = new Set([...known!, ...scraped]);
    expect([...labels, ...groupedBy(expression)].filter((label) => !all.has(label))).toEqual([]);
  }
});

test("what an alert calls a record is one", () => {
  const named = alerts.flatMap(({ expression }) => expression.match(/\w+:sluice_\w+:\w+/g) ?? []);
  expect([...new Set(named)].toSorted()).toEqual(Object.keys(records).toSorted());
});

test("a label with declared values is compared with those alone", () => {
  for (const expression of expressions)
    for (const [, name, selector = ""] of expression.matchAll(/(sluice_\w+)\{([^}]*)\}/g)) {
      const metric = metrics.get(name!.replace(/_bucket$/, ""))!;
      const last = metric.labels.at(-1)!;
      const values = Object.keys(metric.values);
      if (values.length === 0) continue;
      for (const [, label, value] of selector.matchAll(/(\w+)(?:=~|=|!=|!~)"([^"]*)"/g))
        if (label === last) for (const one of value!.split("|")) expect(values).toContain(one);
    }
});

let gateway: GatewayProcess;
let manifests: Manifests;
let model: ModelServer;

beforeAll(async () => {
  manifests = await Manifests.create();
  model = await ModelServer.start();
  model.answer = (_, response) => response.writeHead(500).end();
  await manifests.deploy("failing", model.port);
  await manifests.deploy("dead", await freePort());
  gateway = serving(manifests.folder, 2);
});

afterAll(async () => {
  await gateway.kill();
  await model.stop();
  await manifests.remove();
});

test("a scrape has every metric and label that is asked for", async () => {
  const { traffic, admin } = await gateway.listening();
  for (const name of ["failing", "dead"])
    expect((await post(`${traffic}/seldon/prod/${name}/api/v1.0/predictions`, new Agent())).status).toBeGreaterThan(
      499,
    );
  const scrape = await (await fetch(`${admin}/metrics`)).text();
  const samples = Map.groupBy(scrape.matchAll(/^(sluice_\w+?)(?:_bucket)?(?:\{(.*)\})? /gm), ([, name]) => name!);
  for (const { metric } of expressions.flatMap(selectorsOf)) {
    expect(scrape).toContain(`# TYPE ${metric} `);
    const labels = new Set(metrics.get(metric)!.labels);
    for (const [line, , written = ""] of samples.get(metric) ?? [])
      for (const [, label] of written.matchAll(/(\w+)="/g))
        expect(labels.has(label!) || label === "le", line).toBe(true);
  }
  const series = 'namespace="prod",deployment="dead",predictor="default",role="live",protocol="http"';
  expect(scrape).toContain(`sluice_failures_total{${series},flag="UF"} 1\n`);
  expect(scrape).toContain(`sluice_requests_total{${series},origin="gateway",code="503"} 1\n`);
  expect(scrape).toContain(`sluice_requests_total{${series.replace("dead", "failing")},origin="model",code="500"} 1\n`);
});
