// What a worker counts whatever its Routes: metrics and their cells, one declaration each. A sum over workers has a cell here.
import { cellsByFlag, flagNames, wholeLines } from "./cells.ts";
import { CellTable, counter, gauge } from "./metric.ts";
import { leftOutWords } from "./left-out.ts";

const fixedTable = new CellTable();

const connections = gauge("sluice_connections", "Open connections by side and protocol.", ["side", "protocol"]);

const externalCalls = counter(
  "sluice_external_calls_total",
  "Calls to the services of AuthService and RateLimitService, by outcome.",
  ["service", "outcome"],
  { allowed: "", denied: "", failed: "", cancelled: "the request ended first" },
);

/** Cells that a worker has whatever its Routes. What each request changes stands first, in one cache line. */
export const fixed = {
  inFlight: fixedTable.one(gauge("sluice_requests_in_flight", "Requests that have no complete response yet.")),
  heldBytes: fixedTable.one(
    gauge("sluice_buffered_request_bytes", "Bytes of requests that wait for a connection or are kept for a retry."),
  ),
  clientConnectionsHttp1: fixedTable.one(connections, { side: "client", protocol: "http1" }),
  clientConnectionsHttp2: fixedTable.one(connections, { side: "client", protocol: "http2" }),
  clientConnectionsLingering: fixedTable.one(
    gauge(
      "sluice_lingering_connections",
      "HTTP/1.1 connections that were answered before their request was complete, and of which the rest is read and thrown away.",
    ),
  ),
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
      "Pairs of answers, of a primary and its shadow, that are not in the sample that Sluice compares, by reason.",
      ["reason"],
      leftOutWords,
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
    counter("sluice_oauth_tokens_total", "Requests for OAuth tokens, and revocations.", ["outcome"], {
      issued: "",
      refused: "",
      unavailable: "503: the gateway does not know its clients yet",
      revoked: "one token, or all of a client",
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
} as const;

export const fixedRows = fixedTable.rows;
export const fixedCells = wholeLines(fixedTable.length);
