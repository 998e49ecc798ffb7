// Metrics of the control worker: what it knows, and what is no sum over workers.
import { counter, gauge, histogram } from "./metric.ts";

/** Comparisons that have series. */
export const maxComparisonSeries = 500;

/** Releases that have series. */
export const maxRolloutSeries = 1000;

/** Certificates that have a series. */
export const maxCertificateSeries = 1000;

/** What the control worker knows, or what is no sum; admin/families/fixed-families.ts fills each. */
export const controlMetrics = {
  buildInfo: gauge(
    "sluice_build_info",
    "1, with the version, commit and build of this Sluice as `sluice version` prints them.",
    ["version", "commit", "build"],
  ),
  ejectedEndpoints: gauge(
    "sluice_ejected_endpoints",
    "Endpoints that Sluice ejected for errors in a row, by the worker that ejects most. sluice_endpoints counts them by their other state.",
  ),
  endpointsWithoutNumbers: gauge(
    "sluice_endpoints_without_numbers",
    "Endpoints of the routing table without counters of their own: all 131072 are in use, or half of them by Endpoints of one namespace.",
  ),
  tableVersion: gauge("sluice_table_version", "Version of the routing table."),
  tableHash: gauge(
    "sluice_table_hash",
    "First 52 bits of the hash of the routing table: replicas with equal hashes serve the same table.",
  ),
  tableRoutes: gauge("sluice_table_routes", "Routes in the routing table."),
  tableBytes: gauge(
    "sluice_table_bytes",
    "Memory of the routing table, which all threads share. --table-mib is the limit of one table; the next one is written beside it.",
    ["state"],
    { used: "now", touched: "the maximum so far" },
  ),
  rateLimitClients: gauge(
    "sluice_rate_limit_clients",
    "Clients that rate limits count now, at most --rate-limit-clients; an estimate if there are many.",
  ),
  comparisons: counter(
    "sluice_comparisons_total",
    `Answers of a shadow, a sample of them, beside those of a predictor (sluice.io/compare), by outcome; at most ${maxComparisonSeries} pairs of them. against: the predictor that answered the client.`,
    ["namespace", "deployment", "predictor", "against", "outcome"],
    {
      agreed: "",
      disagreed: "",
      incomparable: "the primary's answer cannot be read, or the shadow gave none",
    },
  ),
  sourceAge: gauge("sluice_source_age_seconds", "Seconds since Sluice last heard from the cluster or folder.", [
    "source",
  ]),
  rolloutStep: gauge(
    "sluice_rollout_step",
    "Step of each rollout and bandit, from 1; 0: it has not begun. Only the first 1000.",
    ["namespace", "deployment"],
  ),
  rolloutStepAge: gauge(
    "sluice_rollout_step_age_seconds",
    "Seconds since a rollout came to the step that it is at. Without a series: it has not begun, or it has ended.",
    ["namespace", "deployment"],
  ),
  rolloutAborted: gauge(
    "sluice_rollout_aborted",
    "1 where a rollout was aborted and its predictor gets no traffic, else 0.",
    ["namespace", "deployment"],
  ),
  releaseRequestsLeftOut: counter(
    "sluice_release_requests_left_out_total",
    "Requests of released predictors that no gate and no bandit counts, at least: more than 4096 predictors are released. Where there is no room, the namespace that has most of them gives, and its rollouts wait.",
  ),
  problems: gauge("sluice_problems", "Configuration problems by code and level.", ["code", "level"]),
  certificates: gauge(
    "sluice_certificate_expiry_timestamp_seconds",
    `Expiry of each served certificate, Unix time; only the ${maxCertificateSeries} that expire first.`,
    ["certificate"],
  ),
} as const;

export const changeLive = histogram(
  "sluice_change_live_seconds",
  "Seconds from the first byte read of a change until every worker has its table.",
);
