// The limits of the data plane: each is an option of `sluice serve`, and a field of `EdgeLimits`.
import { defaultConnectTimeoutMs } from "../../routing/model/upstream.ts";
import { dayMs, hourMs, integer, type Values } from "./option.ts";

/** Data workers that a gateway may have. */
export const maxWorkers = 64;

const gibibyte = 1024 ** 3;

/** Defaults: Ambassador's and Envoy's edge values where there is no reason to differ. */
export const limitOptions = {
  requestLineBytes: integer(
    { byDefault: 8 * 1024, min: 256, max: 65_536 },
    "longest request line; a longer one gets 414",
  ),
  headBytes: integer(
    { byDefault: 60 * 1024, min: 1024, max: 1_048_576 },
    "largest request head; a larger one gets 431",
  ),
  headFields: integer(
    { byDefault: 100, min: 8, max: 128 },
    "maximum number of header fields in a request; more get 431",
  ),
  bodyBytes: integer(
    { byDefault: 0, min: 0, max: 1024 * gibibyte },
    "largest request body; a larger one gets 413; 0: no limit",
  ),
  headTimeoutMs: integer(
    { byDefault: 10_000, min: 1, max: hourMs },
    "time limit from the first byte of a request head to its end",
  ),
  bodyIdleTimeoutMs: integer(
    { byDefault: 60_000, min: 1, max: dayMs },
    "longest pause between two pieces of a request body",
  ),
  writeStallTimeoutMs: integer(
    { byDefault: 30_000, min: 1, max: dayMs },
    "close the connection of a client that takes no byte of its response for this long",
  ),
  halfClosedIdleMs: integer(
    { byDefault: 5000, min: 1, max: dayMs },
    "longest pause in the response to an HTTP/1.1 client that has closed its sending side",
  ),
  connectionIdleTimeoutMs: integer(
    { byDefault: 3_600_000, min: 1, max: dayMs },
    "close a client connection that is idle for this long",
  ),
  connections: integer(
    { byDefault: 50_000, min: 0, max: 1_000_000 },
    "maximum client connections in total; 0: no limit",
  ),
  connectionsPerAddress: integer(
    { byDefault: 0, min: 0, max: 1_000_000 },
    "maximum client connections from one address to one worker; 0: no limit",
  ),
  pipelinedRequests: integer(
    { byDefault: 8, min: 1, max: 1024 },
    "maximum requests that Sluice reads ahead on one connection",
  ),
  http2Streams: integer(
    { byDefault: 100, min: 1, max: 10_000 },
    "maximum streams that an HTTP/2 client may have open at once",
  ),
  http2StreamWindowBytes: integer(
    { byDefault: 64 * 1024, min: 1024, max: gibibyte },
    "bytes that a client may send on one HTTP/2 stream before Sluice passes them on",
  ),
  http2ConnectionWindowBytes: integer(
    { byDefault: 1024 * 1024, min: 65_535, max: gibibyte },
    "the same for all streams of a connection together",
  ),
  http2QueuedBytes: integer(
    { byDefault: 16 * 1024 * 1024, min: 0, max: 64 * gibibyte },
    "response bytes that may wait for HTTP/2 clients, per worker; above it the clients share this amount",
  ),
  defaultTimeoutMs: integer(
    { byDefault: 3000, min: 0, max: dayMs },
    "time limit to the response head where no manifest sets one; 0: none",
  ),
  streamIdleTimeoutMs: integer(
    { byDefault: 300_000, min: 0, max: dayMs },
    "end a request when no byte passes in either direction for this long; 0: never",
  ),
  connectTimeoutMs: integer(
    { byDefault: defaultConnectTimeoutMs, min: 1, max: hourMs },
    "time limit for a connection to an Endpoint",
  ),
  upstreamIdleMs: integer(
    { byDefault: 1000, min: 1, max: dayMs },
    "do not reuse an upstream connection that was idle for this long",
  ),
  upstreamIdleConnections: integer(
    { byDefault: 1024, min: 0, max: 65_536 },
    "maximum idle connections to one address that a worker keeps",
  ),
  connectionMaxAgeMs: integer(
    { byDefault: 600_000, min: 0, max: dayMs },
    "close a client connection of this age after a response, ± 10 %; 0: never",
  ),
  retryBodyBytes: integer(
    { byDefault: 64 * 1024, min: 0, max: gibibyte },
    "largest request body that Sluice sends again in a retry",
  ),
  retryTotalBytes: integer(
    { byDefault: 64 * 1024 * 1024, min: 0, max: 64 * gibibyte },
    "bytes of requests that a worker keeps for retries",
  ),
  feedbackBodyBytes: integer(
    { byDefault: 1024 * 1024, min: 0, max: gibibyte },
    "bytes of a feedback that Sluice keeps until its puid has come (also within the share of its namespace in --retry-total-bytes)",
  ),
  shadowBodyBytes: integer(
    { byDefault: 8 * 1024 * 1024, min: 0, max: gibibyte },
    "largest request body that Sluice copies to shadows",
  ),
  shadowTotalBytes: integer(
    { byDefault: 64 * 1024 * 1024, min: 0, max: 64 * gibibyte },
    "bytes of request bodies that a worker keeps for shadows",
  ),
  shadowConcurrency: integer({ byDefault: 64, min: 1, max: 65_536 }, "maximum shadow copies in flight, per worker"),
  shadowQueue: integer({ byDefault: 1024, min: 0, max: 1_048_576 }, "maximum shadow copies that wait, per worker"),
  shadowTimeoutMs: integer(
    { byDefault: 10_000, min: 1, max: dayMs },
    "time limit for a shadow copy, from its start to the end of its response",
  ),
  rateLimitClients: integer(
    { byDefault: 100_000, min: 1, max: 10_000_000 },
    "maximum clients that rate limits count at once, all workers together; 64 bytes each",
  ),
  accessLinesPerSecond: integer(
    { byDefault: 100, min: 0, max: 1_000_000 },
    "maximum log lines about one kind of failure per second and worker; 0: no limit; --access-log all ignores it",
  ),
};

/** Limits and deadlines of the data plane, as the help of each says. 0 is "none" only where it says so. */
export type EdgeLimits = Values<typeof limitOptions>;

export const limitFields = Object.keys(limitOptions) as readonly (keyof EdgeLimits)[];

export const defaultLimits = Object.fromEntries(
  limitFields.map((field) => [field, limitOptions[field].byDefault]),
) as EdgeLimits;
