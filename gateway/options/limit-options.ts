// The limits of the data plane as options of `sluice serve`.
import { dayMs, hourMs, integerOf } from "./option-values.ts";
import type { Option, Written } from "./options.ts";
import { defaultLimits, type EdgeLimits } from "./settings.ts";

interface Limit {
  readonly name: string;
  readonly field: keyof EdgeLimits;
  readonly least: number;
  readonly most: number;
  readonly help: string;
}

const gibibyte = 1024 ** 3;

const limits: readonly Limit[] = [
  {
    name: "request-line-bytes",
    field: "requestLineBytes",
    least: 256,
    most: 65_536,
    help: "longest request line; a longer one gets 414",
  },
  {
    name: "head-bytes",
    field: "headBytes",
    least: 1024,
    most: 1_048_576,
    help: "largest request head; a larger one gets 431",
  },
  {
    name: "head-fields",
    field: "headFields",
    least: 8,
    most: 128,
    help: "maximum number of header fields in a request; more get 431",
  },
  {
    name: "body-bytes",
    field: "bodyBytes",
    least: 0,
    most: 1024 * gibibyte,
    help: "largest request body; a larger one gets 413; 0: no limit",
  },
  {
    name: "head-timeout-ms",
    field: "headTimeoutMs",
    least: 1,
    most: hourMs,
    help: "time limit from the first byte of a request head to its end",
  },
  {
    name: "body-idle-timeout-ms",
    field: "bodyIdleTimeoutMs",
    least: 1,
    most: dayMs,
    help: "longest pause between two pieces of a request body",
  },
  {
    name: "write-stall-timeout-ms",
    field: "writeStallTimeoutMs",
    least: 1,
    most: dayMs,
    help: "close the connection of a client that takes no byte of its response for this long",
  },
  {
    name: "half-closed-idle-ms",
    field: "halfClosedIdleMs",
    least: 1,
    most: dayMs,
    help: "longest pause in the response to an HTTP/1.1 client that has closed its sending side",
  },
  {
    name: "connection-idle-timeout-ms",
    field: "connectionIdleTimeoutMs",
    least: 1,
    most: dayMs,
    help: "close a client connection that is idle for this long",
  },
  {
    name: "connections",
    field: "connections",
    least: 0,
    most: 1_000_000,
    help: "maximum client connections in total; 0: no limit",
  },
  {
    name: "connections-per-address",
    field: "connectionsPerAddress",
    least: 0,
    most: 1_000_000,
    help: "maximum client connections from one address to one worker; 0: no limit",
  },
  {
    name: "pipelined-requests",
    field: "pipelinedRequests",
    least: 1,
    most: 1024,
    help: "maximum requests that Sluice reads ahead on one connection",
  },
  {
    name: "http2-streams",
    field: "http2Streams",
    least: 1,
    most: 10_000,
    help: "maximum streams that an HTTP/2 client may have open at once",
  },
  {
    name: "http2-stream-window-bytes",
    field: "http2StreamWindowBytes",
    least: 1024,
    most: gibibyte,
    help: "bytes that a client may send on one HTTP/2 stream before Sluice passes them on",
  },
  {
    name: "http2-connection-window-bytes",
    field: "http2ConnectionWindowBytes",
    least: 65_535,
    most: gibibyte,
    help: "the same for all streams of a connection together",
  },
  {
    name: "http2-queued-bytes",
    field: "http2QueuedBytes",
    least: 0,
    most: 64 * gibibyte,
    help: "response bytes that may wait for HTTP/2 clients, per worker; above it the clients share this amount",
  },
  {
    name: "default-timeout-ms",
    field: "defaultTimeoutMs",
    least: 0,
    most: dayMs,
    help: "time limit to the response head where no manifest sets one; 0: none",
  },
  {
    name: "stream-idle-timeout-ms",
    field: "streamIdleTimeoutMs",
    least: 0,
    most: dayMs,
    help: "end a request when no byte passes in either direction for this long; 0: never",
  },
  {
    name: "connect-timeout-ms",
    field: "connectTimeoutMs",
    least: 1,
    most: hourMs,
    help: "time limit for a connection to an Endpoint",
  },
  {
    name: "upstream-idle-ms",
    field: "upstreamIdleMs",
    least: 1,
    most: dayMs,
    help: "do not reuse an upstream connection that was idle for this long",
  },
  {
    name: "upstream-idle-connections",
    field: "upstreamIdleConnections",
    least: 0,
    most: 65_536,
    help: "maximum idle connections to one address that a worker keeps",
  },
  {
    name: "connection-max-age-ms",
    field: "connectionMaxAgeMs",
    least: 0,
    most: dayMs,
    help: "close a client connection of this age after a response, ± 10 %; 0: never",
  },
  {
    name: "retry-body-bytes",
    field: "retryBodyBytes",
    least: 0,
    most: gibibyte,
    help: "largest request body that Sluice sends again in a retry",
  },
  {
    name: "retry-total-bytes",
    field: "retryTotalBytes",
    least: 0,
    most: 64 * gibibyte,
    help: "bytes of requests that a worker keeps for retries",
  },
  {
    name: "shadow-body-bytes",
    field: "shadowBodyBytes",
    least: 0,
    most: gibibyte,
    help: "largest request body that Sluice copies to shadows",
  },
  {
    name: "shadow-total-bytes",
    field: "shadowTotalBytes",
    least: 0,
    most: 64 * gibibyte,
    help: "bytes of request bodies that a worker keeps for shadows",
  },
  {
    name: "shadow-concurrency",
    field: "shadowConcurrency",
    least: 1,
    most: 65_536,
    help: "maximum shadow copies in flight, per worker",
  },
  {
    name: "shadow-queue",
    field: "shadowQueue",
    least: 0,
    most: 1_048_576,
    help: "maximum shadow copies that wait, per worker",
  },
  {
    name: "shadow-timeout-ms",
    field: "shadowTimeoutMs",
    least: 1,
    most: dayMs,
    help: "time limit for a shadow copy, from its start to the end of its response",
  },
  {
    name: "oauth-tokens",
    field: "oauthTokens",
    least: 1024,
    most: 1_048_576,
    help: "maximum OAuth tokens in memory; above it Sluice ends the oldest",
  },
  {
    name: "rate-limit-clients",
    field: "rateLimitClients",
    least: 1,
    most: 10_000_000,
    help: "maximum clients that rate limits count at once, all workers together; 64 bytes each",
  },
  {
    name: "access-lines-per-second",
    field: "accessLinesPerSecond",
    least: 0,
    most: 1_000_000,
    help: "maximum log lines about one kind of failure per second and worker; 0: no limit; --access-log all ignores it",
  },
];

/** In the order of the help. */
export const limitOptions: readonly Option[] = limits.map(({ name, field, help }) => {
  const unit = name.endsWith("-ms") ? "MS" : name.endsWith("-bytes") ? "BYTES" : "N";
  return { name, kind: "text", placeholder: unit, help: `${help} (${defaultLimits[field]})` };
});

/** Throws `wrongValue` of one that is out of its bounds. */
export function limitsOf(options: ReadonlyMap<string, Written>): EdgeLimits {
  const found: Record<keyof EdgeLimits, number> = { ...defaultLimits };
  for (const { name, field, least, most } of limits)
    found[field] = integerOf(options, name, least, most, defaultLimits[field]);
  return found;
}
