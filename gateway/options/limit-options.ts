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
    help: "longest request line; over it 414",
  },
  { name: "head-bytes", field: "headBytes", least: 1024, most: 1_048_576, help: "longest request head; over it 431" },
  {
    name: "head-fields",
    field: "headFields",
    least: 8,
    most: 128,
    help: "most header fields of a request; over it 431",
  },
  {
    name: "body-bytes",
    field: "bodyBytes",
    least: 0,
    most: 1024 * gibibyte,
    help: "longest request body, 0: any; over it 413",
  },
  {
    name: "head-timeout-ms",
    field: "headTimeoutMs",
    least: 1,
    most: hourMs,
    help: "from the first byte of a head to its end",
  },
  {
    name: "body-idle-timeout-ms",
    field: "bodyIdleTimeoutMs",
    least: 1,
    most: dayMs,
    help: "between two pieces of a request body",
  },
  {
    name: "write-stall-timeout-ms",
    field: "writeStallTimeoutMs",
    least: 1,
    most: dayMs,
    help: "a client that takes no byte of its answer",
  },
  {
    name: "half-closed-idle-ms",
    field: "halfClosedIdleMs",
    least: 1,
    most: dayMs,
    help: "a pause of the answer to a client that has ended its side",
  },
  {
    name: "connection-idle-timeout-ms",
    field: "connectionIdleTimeoutMs",
    least: 1,
    most: dayMs,
    help: "an idle client connection",
  },
  {
    name: "connections",
    field: "connections",
    least: 0,
    most: 1_000_000,
    help: "client connections in total, 0: any number",
  },
  {
    name: "connections-per-address",
    field: "connectionsPerAddress",
    least: 0,
    most: 1_000_000,
    help: "of these, from one address to one worker, 0: any number",
  },
  {
    name: "pipelined-requests",
    field: "pipelinedRequests",
    least: 1,
    most: 1024,
    help: "requests of one connection that are read ahead",
  },
  {
    name: "http2-streams",
    field: "http2Streams",
    least: 1,
    most: 10_000,
    help: "streams that an HTTP/2 client may have open at once",
  },
  {
    name: "http2-stream-window-bytes",
    field: "http2StreamWindowBytes",
    least: 1024,
    most: gibibyte,
    help: "what one HTTP/2 stream may send before it is passed on",
  },
  {
    name: "http2-connection-window-bytes",
    field: "http2ConnectionWindowBytes",
    least: 65_535,
    most: gibibyte,
    help: "the same for all streams of a connection",
  },
  {
    name: "http2-queued-bytes",
    field: "http2QueuedBytes",
    least: 0,
    most: 64 * gibibyte,
    help: "answers that wait for HTTP/2 clients, a worker; above it they share what there is",
  },
  {
    name: "default-timeout-ms",
    field: "defaultTimeoutMs",
    least: 0,
    most: dayMs,
    help: "time to the response head where nobody wrote a limit, 0: none",
  },
  {
    name: "stream-idle-timeout-ms",
    field: "streamIdleTimeoutMs",
    least: 0,
    most: dayMs,
    help: "no byte either way for this long ends an exchange, 0: never",
  },
  {
    name: "connect-timeout-ms",
    field: "connectTimeoutMs",
    least: 1,
    most: hourMs,
    help: "time to connect to an Endpoint",
  },
  {
    name: "upstream-idle-ms",
    field: "upstreamIdleMs",
    least: 1,
    most: dayMs,
    help: "an idle upstream connection is not used again after this",
  },
  {
    name: "upstream-idle-connections",
    field: "upstreamIdleConnections",
    least: 0,
    most: 65_536,
    help: "idle connections to one address that a worker keeps",
  },
  {
    name: "connection-max-age-ms",
    field: "connectionMaxAgeMs",
    least: 0,
    most: dayMs,
    help: "age at which a client connection is closed after an answer, ± 10 %, 0: never",
  },
  {
    name: "retry-body-bytes",
    field: "retryBodyBytes",
    least: 0,
    most: gibibyte,
    help: "a longer body is not sent again",
  },
  {
    name: "retry-total-bytes",
    field: "retryTotalBytes",
    least: 0,
    most: 64 * gibibyte,
    help: "requests held for another try, a worker",
  },
  {
    name: "shadow-body-bytes",
    field: "shadowBodyBytes",
    least: 0,
    most: gibibyte,
    help: "a longer body is not copied to shadows",
  },
  {
    name: "shadow-total-bytes",
    field: "shadowTotalBytes",
    least: 0,
    most: 64 * gibibyte,
    help: "bodies held for shadows, a worker",
  },
  {
    name: "shadow-concurrency",
    field: "shadowConcurrency",
    least: 1,
    most: 65_536,
    help: "copies in flight, a worker",
  },
  { name: "shadow-queue", field: "shadowQueue", least: 0, most: 1_048_576, help: "copies that wait, a worker" },
  {
    name: "shadow-timeout-ms",
    field: "shadowTimeoutMs",
    least: 1,
    most: dayMs,
    help: "time for a copy, from its start to the end of its answer",
  },
  {
    name: "oauth-tokens",
    field: "oauthTokens",
    least: 1024,
    most: 1_048_576,
    help: "tokens kept in memory; over it the oldest end",
  },
  {
    name: "rate-limit-clients",
    field: "rateLimitClients",
    least: 1,
    most: 10_000_000,
    help: "clients that limits of rate count at once, all workers together, 64 bytes each",
  },
  {
    name: "access-lines-per-second",
    field: "accessLinesPerSecond",
    least: 0,
    most: 1_000_000,
    help: "log lines about one kind of failure, a worker, 0: any number; not with --access-log all",
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
