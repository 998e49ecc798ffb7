// The side-by-side harness: `node load/peers/main.ts --suite rest-70`. See load/README.md.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { pinHarness, stopAll } from "./process.ts";
import { heading } from "./report.ts";
import { busyChanges } from "./suites/busy-changes.ts";
import { callers } from "./suites/callers.ts";
import { changeLive } from "./suites/change-live.ts";
import { cluster } from "./suites/cluster.ts";
import { comparedShadows } from "./suites/compared-shadows.ts";
import { coldStart } from "./suites/cold-start.ts";
import { grpcMatrix } from "./suites/grpc-matrix.ts";
import { idleConnections } from "./suites/idle-connections.ts";
import { memory } from "./suites/memory.ts";
import { replacedWorker } from "./suites/replaced-worker.ts";
import { restMatrix } from "./suites/rest-matrix.ts";
import { rest100k, rest70 } from "./suites/rest.ts";
import { scrape } from "./suites/scrape.ts";
import { shadowIsolation } from "./suites/shadow-isolation.ts";
import { sizing } from "./suites/sizing.ts";
import { tls } from "./suites/tls.ts";
import type { Suite, SuiteOptions } from "./suites/suite.ts";

const suites: readonly Suite[] = [
  cluster,
  rest70,
  rest100k,
  restMatrix,
  callers,
  grpcMatrix,
  tls,
  shadowIsolation,
  comparedShadows,
  sizing,
  idleConnections,
  memory,
  changeLive,
  busyChanges,
  scrape,
  coldStart,
  replacedWorker,
];
const project = fileURLToPath(new URL("../..", import.meta.url));

const { values } = parseArgs({
  options: {
    suite: { type: "string" },
    peers: {
      type: "string",
      default: "sluice,envoy-emissary,envoy-emissary-rest,envoy-best,envoy-one,haproxy-one,haproxy-map,nginx,fastify",
    },
    rounds: { type: "string", default: "7" },
    connections: { type: "string", default: "32,64" },
    "warm-up-ms": { type: "string", default: "700" },
    "measure-ms": { type: "string" },
    seconds: { type: "string", default: "2" },
    addresses: { type: "string", default: "shared" },
    deployments: { type: "string" },
    rate: { type: "string" },
    requests: { type: "string" },
    workers: { type: "string", default: "1,2,4" },
    only: { type: "string" },
    "wrong-bodies": { type: "boolean", default: false },
    output: { type: "string" },
  },
});

function fail(sentence: string): never {
  console.error(sentence);
  process.exit(2);
}

function whole(text: string, name: string): number {
  const value = Number(text);
  return Number.isInteger(value) && value > 0 ? value : fail(`--${name} is a whole number above 0, not ${text}`);
}

const suite =
  suites.find((one) => one.name === values.suite) ??
  fail(`--suite is one of:\n${suites.map((one) => `  ${one.name}: ${one.does}`).join("\n")}`);
const folder = join(project, ".cache", "load", `run-${suite.name}`);
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });

const options: SuiteOptions = {
  peers: values.peers.split(","),
  rounds: whole(values.rounds, "rounds"),
  connections: values.connections.split(",").map((text) => whole(text, "connections")),
  warmUpMs: whole(values["warm-up-ms"], "warm-up-ms"),
  measureMs:
    values["measure-ms"] === undefined
      ? whole(values.seconds, "seconds") * 1000
      : whole(values["measure-ms"], "measure-ms"),
  addresses:
    values.addresses === "own" || values.addresses === "shared"
      ? values.addresses
      : fail("--addresses is shared or own"),
  deployments: values.deployments === undefined ? suite.deployments : whole(values.deployments, "deployments"),
  perSecond: values.rate === undefined ? null : whole(values.rate, "rate"),
  requests: values.requests === undefined ? null : whole(values.requests, "requests"),
  workers: values.workers.split(",").map((text) => whole(text, "workers")),
  only: values.only === undefined ? [] : values.only.split("|"),
  wrongBodies: values["wrong-bodies"],
  folder,
};

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    void stopAll().finally(() => process.exit(130));
  });
}

try {
  pinHarness();
  const result = await suite.run(options);
  const text = `${heading(`${suite.name}: ${suite.does}`, `node load/peers/main.ts ${process.argv.slice(2).join(" ")}`)}\n${result}\n`;
  if (values.output === undefined) console.log(text);
  else writeFileSync(values.output, text);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
} finally {
  await stopAll();
}
