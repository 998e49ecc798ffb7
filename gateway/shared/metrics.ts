// Every metric of /metrics, and where workers count what it shows: one declaration each, from which cells, /metrics, what outlives a dead worker, and the
// table of RUNBOOK.md follow. A sum over workers has a cell in `fixed`, a sum for each series one in `slotLayout`; `controlMetrics` are what the control worker knows.
import { failureFlags, grpcServerErrors, grpcStatusNames, type FailureFlag } from "../failures.ts";
import { CellTable, counter, declaredMetrics, gauge, histogram, valuesOf, type Metric } from "./metric.ts";

/** Cells of one cache line. */
export const lineCells = 8;

/** `count` cells, in whole cache lines. */
function wholeLines(count: number): number {
  return Math.ceil(count / lineCells) * lineCells;
}

/** Comparisons that have series. */
export const maxComparisonSeries = 500;

const fixedTable = new CellTable();

const connections = gauge("sluice_connections", "Open connections by side and protocol.", ["side", "protocol"]);

const externalCalls = counter(
  "sluice_external_calls_total",
  "Calls to the services of AuthService and RateLimitService, by outcome.",
  ["service", "outcome"],
  { allowed: "", denied: "", failed: "", cancelled: "the request ended first" },
);

/**
 * Status columns, in order. A code that is not listed is counted in the last column of its class. 0: the client left before an answer.
 * The usual one is the last, beside what each request counts (see `slotLayout`).
 */
export const statusColumns: readonly string[] = (
  "201 202 204 206 2xx 301 302 304 307 308 3xx 400 401 403 404 405 408 409 413 415 422 429 431 4xx " +
  "500 501 502 503 504 5xx 101 0 200"
).split(" ");

/** The columns in which a server failed: 5xx, and in `grpcColumns` the statuses that mean the same. */
export const serverErrors = { first: statusColumns.indexOf("500"), count: grpcServerErrors.length } as const;

/** The client left before the end of its answer, or before the status of a call of gRPC. */
export const unansweredColumn = statusColumns.indexOf("0");

const serverErrorNames: readonly string[] = grpcServerErrors.map((status) => grpcStatusNames[status]!);
const grpcOthers = grpcStatusNames.filter((name) => name !== "OK" && !serverErrorNames.includes(name));

/** The same columns of a Series of gRPC, by the name of the status; "": unused. A call whose client left has no status, and to its client it is CANCELLED. */
export const grpcColumns: readonly string[] = statusColumns.map((_, column) => {
  if (column === statusColumns.length - 1) return "OK";
  if (column === unansweredColumn) return "CANCELLED";
  return serverErrorNames[column - serverErrors.first] ?? grpcOthers[column] ?? "";
});

/** A cell for each failure flag, from `first` on. */
function cellsByFlag(first: number): Readonly<Record<FailureFlag, number>> {
  return Object.fromEntries(flagNames.map((flag, at) => [flag, first + at])) as Record<FailureFlag, number>;
}

export const flagNames = Object.keys(failureFlags) as readonly FailureFlag[];

/** Cells that a worker has whatever its Routes. What each request changes stands first, in one cache line. */
export const fixed = {
  inFlight: fixedTable.one(gauge("sluice_requests_in_flight", "Requests that have no complete response yet.")),
  heldBytes: fixedTable.one(
    gauge("sluice_buffered_request_bytes", "Bytes of requests that wait for a connection or are kept for a retry."),
  ),
  clientConnectionsHttp1: fixedTable.one(connections, { side: "client", protocol: "http1" }),
  clientConnectionsHttp2: fixedTable.one(connections, { side: "client", protocol: "http2" }),
  upstreamConnectionsHttp1: fixedTable.one(connections, { side: "upstream", protocol: "http1" }),
  upstreamConnectionsHttp2: fixedTable.one(connections, { side: "upstream", protocol: "http2" }),
  shadowBytes: fixedTable.one(gauge("sluice_shadow_buffered_bytes", "Bytes of request bodies kept for shadow copies.")),
  shadowInFlight: fixedTable.one(
    gauge("sluice_shadows_in_flight", "Shadow copies that were sent and have no complete response yet."),
  ),
  shadowQueued: fixedTable.one(gauge("sluice_shadows_queued", "Shadow copies that wait for a connection.")),
  comparedBytes: fixedTable.one(
    gauge("sluice_comparison_buffered_bytes", "Bytes of answers that are kept until their shadows have answered, too."),
  ),
  comparisonDrops: fixedTable.each(
    counter(
      "sluice_comparison_drops_total",
      "Pairs of answers, of a primary and its shadow, that Sluice did not compare, by reason.",
      ["reason"],
      {
        memory: "64 MiB of a worker are in use, or one shadow has its share of them",
        queue: "the comparing thread has no time",
        incomplete: "the primary gave no whole answer",
      },
    ),
  ),
  http2QueuedBytes: fixedTable.one(
    gauge("sluice_queued_response_bytes", "Response bytes that wait for the flow-control windows of HTTP/2 clients."),
  ),
  /** In sluice_ejected_endpoints. */
  endpointsEjected: fixedTable.unshown("gauge"),
  regexInputTooLong: fixedTable.one(
    counter(
      "sluice_regex_input_too_long_total",
      "Headers, hosts, methods and query parameters longer than 4096 bytes: no regex matches them.",
    ),
  ),
  /** In sluice_failures_total: failures of what has no series. */
  flags: cellsByFlag(fixedTable.unshown("counter", flagNames.length)),
  faults: fixedTable.one(
    counter(
      "sluice_faults_total",
      "Bugs of the gateway that showed. Each is a line gateway-fault of the log: report it.",
    ),
  ),
  identities: fixedTable.each(
    counter("sluice_auth_requests_total", "Requests to deployments with access rules, by outcome.", ["outcome"], {
      admitted: "",
      unauthenticated: "401",
      forbidden: "403",
      unavailable: "503",
    }),
  ),
  rateLimitEvictions: fixedTable.one(
    counter(
      "sluice_rate_limit_evictions_total",
      "Rate-limit entries that Sluice dropped because --rate-limit-clients was reached: raise it.",
    ),
  ),
  externalAuth: fixedTable.each(externalCalls, { service: "auth" }),
  externalRateLimit: fixedTable.each(externalCalls, { service: "rate-limit" }),
  externalInFlight: fixedTable.one(
    gauge(
      "sluice_external_calls_in_flight",
      "Calls to the services of AuthService and RateLimitService that have no answer yet.",
    ),
  ),
  redisReady: fixedTable.one(gauge("sluice_redis_connections", "Data workers that are connected to Redis.")),
  redisCalls: fixedTable.each(
    counter("sluice_redis_calls_total", "Calls to Redis, by outcome.", ["outcome"], {
      answered: "",
      unreachable: "",
      late: "no answer within --redis-timeout-ms",
      busy: "1024 calls of a worker wait",
      refused: "Redis answered with an error",
    }),
  ),
  oauthTokens: fixedTable.each(
    counter("sluice_oauth_tokens_total", "Requests for OAuth tokens, and tokens that ended early.", ["outcome"], {
      issued: "",
      refused: "",
      unavailable: "503: Redis did not answer",
      replaced: "the client has a newer token",
      evicted: "--oauth-tokens was reached",
      revoked: "",
    }),
  ),
  oauthRequests: fixedTable.each(
    counter("sluice_oauth_requests_total", "Requests to the OAuth gateway with a token, by outcome.", ["outcome"], {
      admitted: "",
      refused: "",
      unavailable: "503: Redis did not answer",
    }),
  ),
  workerRestarts: fixedTable.one(
    counter("sluice_worker_restarts_total", "Threads that ended and that Sluice replaced."),
  ),
  workerStalls: fixedTable.one(
    counter(
      "sluice_worker_stalls_total",
      "Threads that Sluice replaced because their event loop was blocked; sluice_worker_restarts_total counts them too.",
    ),
  ),
  changes: fixedTable.each(
    counter(
      "sluice_changes_total",
      "Changes of objects, the policy, certificates and Grants, and Problems that began or ended.",
      ["outcome"],
      {
        live: "every data worker serves it",
        unchanged: "the routing table stays as it is",
        waiting: "some data worker did not serve it within 5 s",
        sent: "a policy, certificates or Grants, which hold from now on",
        "not-taken": "Sluice does not serve it as declared",
        problem: "a Problem appeared, and its object was not edited",
        ended: "a Problem ended",
      },
    ),
  ),
  /** The thread's last heartbeat, ms of sharedNowMs; 0: it has not begun. In the base block: the control worker's. */
  beatMs: fixedTable.unshown("mark"),
  /** Of the base block only, written by the supervisor: odd while the block of a dead worker is folded. */
  foldGeneration: fixedTable.unshown("mark"),
} as const;

export const fixedRows = fixedTable.rows;
export const fixedCells = wholeLines(fixedTable.length);

/** Upper bounds of the duration histogram, seconds; the tenth bucket is +Inf. */
export const durationBounds: readonly number[] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1, 5];

/** What a circuit breaker limits, in the order of the cells. A breaker has one such row for each priority. What is in use is a gauge: it ends with its worker. */
const resources = { connections: "", pending: "requests that wait for a connection", requests: "", retries: "" };

const breakerLabels = ["namespace", "deployment", "predictor", "role", "resource"];

const seriesLabels = ["namespace", "deployment", "predictor", "role", "protocol"];

/** The families of the series. admin/families/series.ts writes them, for there may be many thousand series. */
export const seriesMetrics = {
  requests: counter(
    "sluice_requests_total",
    "Requests by what answered, the model or the gateway itself, and by status code; gRPC: by name of the status. code 0 and CANCELLED without origin: the client left before the end of its answer.",
    [...seriesLabels, "origin", "code"],
  ),
  failures: counter(
    "sluice_failures_total",
    "Failed requests, by failure flag.",
    [...seriesLabels, "flag"],
    failureFlags,
  ),
  retries: counter("sluice_retries_total", "Retries: requests that Sluice sent again to an Endpoint.", seriesLabels),
  durations: histogram(
    "sluice_request_duration_seconds",
    "Seconds from the end of the request head to the end of the response.",
    seriesLabels,
  ),
  shadows: counter("sluice_shadow_requests_total", "Shadow copies, by outcome.", [...seriesLabels, "outcome"], {
    sent: "the shadow answered",
    failed: "",
    dropped_size: "--shadow-body-bytes",
    dropped_memory: "--shadow-total-bytes",
    dropped_queue: "--shadow-queue",
    dropped_unready:
      "no Endpoint, or a pause after five failures in a row: refused, lost, timed out, or an answer over 1 MiB",
    dropped_incomplete: "the request was incomplete",
  }),
  feedback: counter(
    "sluice_feedback_total",
    "Feedback that a model took (2xx, OK), by why it went to this predictor.",
    [...seriesLabels, "routed"],
    {
      puid: "its puid names the predictor",
      sole: "the Route has one live member",
      no_puid: "by the split: it has no puid",
      unknown_puid: "by the split: its puid names no live predictor of this Route, or is the client's own",
      unready: "by the split: the predictor that it names has no ready Endpoint, or admits nobody",
      too_long: "by the split: no puid in the first --feedback-body-bytes, or in as much as there was room for",
    },
  ),
  rewards: histogram(
    "sluice_reward",
    "Rewards of that feedback; without those that are no number from -1e9 to 1e9.",
    seriesLabels,
  ),
  endpoints: gauge(
    "sluice_endpoints",
    "Endpoints of a predictor in HTTP and gRPC together, each address once, by state. A predictor without a ready Endpoint has ready 0; a name that was not looked up yet has no series.",
    ["namespace", "deployment", "predictor", "role", "state"],
    { ready: "", terminating: "", failing: "the health check fails" },
  ),
  breakerUse: gauge(
    "sluice_breaker_use",
    "Connections, requests and retries in use that the circuit breakers of a predictor limit; only where there are some. An Upstream of several predictors counts for one of them, one of no predictor without names.",
    breakerLabels,
    resources,
  ),
  breakersOpen: gauge(
    "sluice_breakers_open",
    "Circuit breakers of a predictor that have reached a limit, by resource; only where there are some.",
    breakerLabels,
    resources,
  ),
};

export const shadowOutcomes = valuesOf(seriesMetrics.shadows);
export const feedbackWays = valuesOf(seriesMetrics.feedback);

/** Upper bounds of the histogram of rewards; behind the last bucket is +Inf. Most rewards are 0 or 1, or between. */
export const rewardBounds: readonly number[] = [-1, 0, 0.1, 0.25, 0.5, 0.75, 0.9, 1, 10];

const slotTable = new CellTable();

/**
 * First cells of a slot's parts. The last status column, the two cells after it and the first five buckets share one line: a request that is
 * answered 200 within 25 ms counts in that alone, and over a thousand deployments each further line is a miss.
 */
export const slotLayout = {
  /** Answers of the model, by `statusColumns` or `grpcColumns`. */
  status: slotTable.unshown("counter", statusColumns.length),
  /** Requests of the series that have no complete answer yet. */
  inFlight: slotTable.unshown("gauge"),
  sumSeconds: slotTable.unshown("counter"),
  buckets: slotTable.unshown("counter", durationBounds.length + 1),
  /** By `shadowOutcomes`. */
  shadow: slotTable.unshown("counter", shadowOutcomes.length),
} as const;

export const slotRows = slotTable.rows;
export const slotCells = wholeLines(slotTable.length);

const failureTable = new CellTable();

/** First cells of what a slot counts beside: only requests that the gateway answers itself, or that fail, write there, and a slot without one has no memory for it. */
export const failureLayout = {
  /** Answers of the gateway itself, by column as `slotLayout.status`. */
  own: failureTable.unshown("counter", statusColumns.length),
  flags: cellsByFlag(failureTable.unshown("counter", flagNames.length)),
  retries: failureTable.unshown("counter"),
} as const;

export const failureRows = failureTable.rows;
export const failureCells = wholeLines(failureTable.length);

const feedbackTable = new CellTable();

/** First cells of what a slot counts of feedback: a slot without feedback has no memory for it. */
export const feedbackLayout = {
  /** By `feedbackWays`. */
  ways: feedbackTable.unshown("counter", feedbackWays.length),
  rewardSum: feedbackTable.unshown("counter"),
  rewardBuckets: feedbackTable.unshown("counter", rewardBounds.length + 1),
  rewardSquares: feedbackTable.unshown("counter"),
} as const;

export const feedbackRows = feedbackTable.rows;
export const feedbackCells = wholeLines(feedbackTable.length);

/** Flags of failures that are an Endpoint's. */
export const endpointFlags = ["UF", "UC", "UR", "UT", "UPE"] as const satisfies readonly FailureFlag[];

const endpointTable = new CellTable();

/** Cells of one Endpoint of one Upstream: a cache line. Each try that a request makes of it counts once, by its end; a try that the client left counts nowhere. */
export const endpointLayout = {
  answers: endpointTable.unshown("counter"),
  /** Server errors that the model itself answered. */
  modelErrors: endpointTable.unshown("counter"),
  /** By `endpointFlags`. */
  flags: endpointTable.unshown("counter", endpointFlags.length),
  /** 1: the worker has ejected it. */
  ejected: endpointTable.unshown("gauge"),
} as const;

export const endpointRows = endpointTable.rows;
export const endpointCells = wholeLines(endpointTable.length);

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
    `Answers of a shadow beside those of a predictor (sluice.io/compare), by outcome; at most ${maxComparisonSeries} pairs of them. against: the predictor that answered the client.`,
    ["namespace", "deployment", "predictor", "against", "outcome"],
    {
      agreed: "",
      disagreed: "",
      incomparable: "the primary's answer cannot be read",
      unanswered: "the shadow gave no answer",
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
  problems: gauge("sluice_problems", "Configuration problems by code and level.", ["code", "level"]),
  certificates: gauge(
    "sluice_certificate_expiry_timestamp_seconds",
    `Expiry of each served certificate, Unix time; only the ${maxCertificateSeries} that expire first.`,
    ["certificate"],
  ),
} as const;

export const breakerResources = valuesOf(seriesMetrics.breakerUse);

export const changeLive = histogram(
  "sluice_change_live_seconds",
  "Seconds from the first byte read of a change until every worker has its table.",
);

/** Every Metric, by name. */
export const metrics: ReadonlyMap<string, Metric> = declaredMetrics;
