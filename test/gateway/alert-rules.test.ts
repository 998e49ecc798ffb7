// The alerts of the chart, on Prometheus' own engine: each fires for what it is about, and stays silent for what is like it. Skipped where promtool is not cached:
// build it with `test/tools/promtool.sh`.
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { dump } from "js-yaml";
import { describe, expect, test } from "vitest";
import { alerts } from "../../gateway/pages/monitoring/alerts.ts";

const run = promisify(execFile);
const promtool = new URL("../../.cache/tools/promtool-v0.316.0", import.meta.url).pathname;
const rules = new URL("../../k8s/chart/files/alerts.yaml", import.meta.url).pathname;
if (!existsSync(promtool))
  console.warn("promtool is not built (test/tools/promtool.sh, with Go): its tests are skipped");

/** By series its values, a minute apart, as promtool writes them: `0+60x30` begins at 0 and grows by 60 thirty times. */
type Scrape = Readonly<Record<string, string>>;

interface Case {
  readonly fires: Scrape;
  /** Labels of what fires, without its severity. */
  readonly labels: Readonly<Record<string, string>>;
  /** Alike, and nothing to wake anybody for. */
  readonly silent: Scrape;
}

const main = 'namespace="a",deployment="iris",predictor="main"';
const canary = 'namespace="a",deployment="iris",predictor="canary"';
const mainLabels = { namespace: "a", deployment: "iris", predictor: "main" };

function requests(of: string, code: string, role = "live"): string {
  return `sluice_requests_total{${of},role="${role}",protocol="http",code="${code}",origin="model"}`;
}

function failures(flag: string): string {
  return `sluice_failures_total{${main},flag="${flag}"}`;
}

function endpoints(of: string, state: string, pod: string, role = "live"): string {
  return `sluice_endpoints{${of},role="${role}",state="${state}",pod="${pod}"}`;
}

const cases: Readonly<Record<string, Case>> = {
  SluicePredictorFailing: {
    fires: { [requests(main, "200")]: "0+10x30", [requests(main, "503")]: "0+20x30" },
    labels: mainLabels,
    // Few requests; those of clients that were wrong; those of a shadow.
    silent: {
      [requests(main, "200")]: "0+1x30",
      [requests(main, "503")]: "0+2x30",
      [requests(canary, "404")]: "0+60x30",
      [requests('namespace="b",deployment="x",predictor="s"', "500", "shadow")]: "0+60x30",
    },
  },
  SluiceCanaryFailing: {
    fires: {
      [requests(main, "200")]: "0+90x30",
      [requests(canary, "200")]: "0+8x30",
      [requests(canary, "INTERNAL")]: "0+2x30",
    },
    labels: { ...mainLabels, predictor: "canary" },
    // Both fail alike.
    silent: {
      [requests(main, "200")]: "0+72x30",
      [requests(main, "500")]: "0+18x30",
      [requests(canary, "200")]: "0+8x30",
      [requests(canary, "500")]: "0+2x30",
    },
  },
  SluiceNoEndpoint: {
    fires: { [failures("UH")]: "1+1x30" },
    labels: mainLabels,
    silent: { [failures("UH")]: "7+0x30", [failures("UT")]: "0+1x30" },
  },
  SluicePredictorWithoutEndpoint: {
    fires: { [endpoints(main, "ready", "one")]: "0x30", [endpoints(main, "ready", "two")]: "1x30" },
    labels: mainLabels,
    // One that is ready; one that comes back within the minutes; a shadow.
    silent: {
      [endpoints(main, "ready", "one")]: "1x30",
      [endpoints(main, "failing", "one")]: "0x30",
      [endpoints(canary, "ready", "one")]: "1x20 0x4 1x6",
      [endpoints('namespace="b",deployment="x",predictor="s"', "ready", "one", "shadow")]: "0x30",
    },
  },
  SluiceBreakerFull: {
    fires: { [failures("UO")]: "1+1x30" },
    labels: mainLabels,
    silent: { [failures("UO")]: "7+0x30", [failures("UH")]: "0+1x30" },
  },
  SluiceLimitsRefusing: {
    fires: { [requests(main, "200")]: "0+50x30", [requests(main, "429")]: "0+10x30", [failures("RL")]: "0+10x30" },
    labels: { namespace: "a", deployment: "iris" },
    silent: { [requests(main, "200")]: "0+100x30", [requests(main, "429")]: "0+5x30", [failures("RL")]: "0+5x30" },
  },
  SluiceRedisAway: {
    fires: {
      'sluice_redis_calls_total{outcome="answered"}': "0+60x30",
      'sluice_redis_calls_total{outcome="late"}': "0+1x30",
    },
    labels: {},
    silent: {
      'sluice_redis_calls_total{outcome="answered"}': "0+60x30",
      'sluice_redis_calls_total{outcome="late"}': "3+0x30",
    },
  },
  SluiceCertificateEnds: {
    // promtool's clock begins at 0.
    fires: { 'sluice_certificate_expiry_timestamp_seconds{certificate="shop"}': "1000000x130" },
    labels: { certificate: "shop" },
    silent: { 'sluice_certificate_expiry_timestamp_seconds{certificate="shop"}': "1300000x130" },
  },
  SluiceSourceStale: {
    fires: { 'sluice_source_age_seconds{source="cluster",pod="one"}': "0+60x30" },
    labels: { source: "cluster", pod: "one" },
    silent: { 'sluice_source_age_seconds{source="cluster",pod="one"}': "290x30" },
  },
  SluiceRolloutAborted: {
    fires: { 'sluice_rollout_aborted{namespace="a",deployment="b",pod="one"}': "0x10 1x20" },
    labels: { namespace: "a", deployment: "b" },
    silent: { 'sluice_rollout_aborted{namespace="a",deployment="b",pod="one"}': "0x30" },
  },
  SluiceRolloutWaits: {
    fires: { 'sluice_rollout_step_age_seconds{namespace="a",deployment="b",pod="one"}': "86500+60x30" },
    labels: { namespace: "a", deployment: "b" },
    silent: { 'sluice_rollout_step_age_seconds{namespace="a",deployment="b",pod="one"}': "80000+60x30" },
  },
  SluiceReplicasDisagree: {
    fires: { 'sluice_table_hash{pod="one"}': "7x30", 'sluice_table_hash{pod="two"}': "8x30" },
    labels: {},
    silent: { 'sluice_table_hash{pod="one"}': "7x30", 'sluice_table_hash{pod="two"}': "7x30" },
  },
  SluiceWorkerReplaced: {
    fires: { 'sluice_worker_restarts_total{pod="one"}': "0x10 1x20" },
    labels: { pod: "one" },
    silent: { 'sluice_worker_restarts_total{pod="one"}': "3x30" },
  },
  SluiceProblems: {
    fires: { 'sluice_problems{code="unknown-service",level="error"}': "2x30" },
    labels: { code: "unknown-service" },
    silent: {
      'sluice_problems{code="unknown-service",level="error"}': "0x30",
      'sluice_problems{code="unknown-field",level="warning"}': "9x30",
    },
  },
};

/** The rules judged over `scrape`: what promtool says where it is not as expected. */
async function judge(scrape: Scrape, name: string, atMinutes: number, expected: readonly unknown[]): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-alerts-"));
  const file = join(folder, "test.yaml");
  const one = {
    interval: "1m",
    input_series: Object.entries(scrape).map(([series, values]) => ({ series, values })),
    alert_rule_test: [{ eval_time: `${atMinutes}m`, alertname: name, exp_alerts: expected }],
  };
  try {
    await writeFile(file, dump({ rule_files: [rules], evaluation_interval: "1m", tests: [one] }));
    await run(promtool, ["test", "rules", file]);
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    throw new Error(stdout + stderr, { cause: error });
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** When every alert that is true has fired. */
const lateMinutes = { SluiceWorkerReplaced: 14, SluiceCertificateEnds: 120 } as Readonly<Record<string, number>>;

describe.runIf(existsSync(promtool))("the alerts of the chart", () => {
  test("promtool finds nothing wrong with the rules", async () => {
    const { stdout } = await run(promtool, ["check", "rules", "--lint=all", "--lint-fatal", rules]);
    expect(stdout).toContain("SUCCESS");
  });

  test("each alert has a case here", () => {
    expect(Object.keys(cases)).toEqual(alerts.map(({ name }) => name));
  });

  test.each(alerts)("$name fires for its symptom alone", async ({ name, severity }) => {
    const { fires, labels, silent } = cases[name]!;
    const atMinutes = lateMinutes[name] ?? 25;
    await judge(silent, name, atMinutes, []);
    // Annotations have values of the scrape in them: what promtool computed is read back.
    const said = await judge(fires, name, atMinutes, [{ exp_labels: { severity, ...labels } }]).catch(
      (error: Error) => error.message,
    );
    const got = String(said).split("got:")[1] ?? "";
    const expectedLabels = Object.entries({ alertname: name, severity, ...labels })
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([label, value]) => `${label}="${value}"`)
      .join(", ");
    expect(got).toContain(`Labels:{${expectedLabels}}`);
    expect(got).toMatch(/runbook_url="RUNBOOK_URL#\w+"/);
    expect(got).not.toContain("<no value>");
  });
});
