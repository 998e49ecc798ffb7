// Counters in shared memory: one block a data worker, one writer each; the control worker reads and sums them.
//
// A block is an array of doubles: first the fixed counters, then what each Upstream has in use, for breakers, then one slot of
// `slotLayout.cells` a series. A double is written by one aligned store, so a reader sees the old value or the new one. No atomics: there is
// one writer. Behind them is a byte for each slot that says whether the worker has used it.

import { defaultBreaker } from "../../routing/model/upstream.ts";

/**
 * Status columns of a slot, in order. A code that is not listed is counted in the last column of its class. 0: the client left before an answer.
 * The usual one is the last, beside what each request counts (see `slotLayout`).
 */
export const statusColumns: readonly string[] = [
  "201",
  "202",
  "204",
  "206",
  "2xx",
  "301",
  "302",
  "304",
  "307",
  "308",
  "3xx",
  "400",
  "401",
  "403",
  "404",
  "405",
  "408",
  "409",
  "413",
  "415",
  "422",
  "429",
  "431",
  "4xx",
  "500",
  "501",
  "502",
  "503",
  "504",
  "5xx",
  "101",
  "0",
  "200",
];

/** Upper bounds of the duration histogram, seconds; the tenth bucket is +Inf. */
export const durationBounds: readonly number[] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 1, 5];

/** Failure flags, Envoy's letters where Envoy has them. */
export const failureFlags: readonly string[] = [
  "NR",
  "UH",
  "UF",
  "UC",
  "UR",
  "UT",
  "UO",
  "UPE",
  "SI",
  "DC",
  "DPE",
  "DT",
  "LR",
  "OM",
  "UX",
  "URX",
  "RX",
  "UAEX",
  "RL",
  "RLSE",
];

/** Outcomes of a copy to a shadow. */
export const shadowOutcomes: readonly string[] = [
  "sent",
  "failed",
  "dropped_size",
  "dropped_memory",
  "dropped_queue",
  "dropped_unready",
  "dropped_incomplete",
];

/** What became of a call of Redis. */
export const redisOutcomes = ["answered", "unreachable", "late", "busy", "refused"] as const;

/** What became of requests for tokens, and of tokens before their end. */
export const oauthOutcomes = ["issued", "refused", "unavailable", "replaced", "evicted", "revoked"] as const;

/** What was found of requests that were asked who calls. */
export const identityOutcomes = ["admitted", "unauthenticated", "forbidden", "unavailable"] as const;

/** What became of requests with a token. */
export const oauthRequestOutcomes = ["admitted", "refused", "unavailable"] as const;

/** What became of a question to an external service. */
export const externalOutcomes = ["allowed", "denied", "failed", "cancelled"] as const;
const externalServices = ["auth", "rate-limit"] as const;

/** First cells of what a worker counts whatever its Routes; what each of them is, `fixedTable` says. */
export const fixed = {
  inFlight: 0,
  retries: 1,
  clientConnectionsHttp1: 2,
  clientConnectionsHttp2: 3,
  upstreamConnectionsHttp1: 4,
  upstreamConnectionsHttp2: 5,
  shadowBytes: 6,
  shadowInFlight: 7,
  shadowQueued: 8,
  endpointsEjected: 10,
  workerRestarts: 11,
  foldGeneration: 12,
  heldBytes: 13,
  http2QueuedBytes: 14,
  regexInputTooLong: 15,
  unmatched: 16,
  flags: 16 + 40,
  rateLimitEvictions: 9,
  redisReady: 104,
  redisCalls: 105,
  oauthTokens: 110,
  oauthRequests: 116,
  identities: 80,
  externalCalls: 90,
  externalInFlight: 98,
  beatMs: 120,
  workerStalls: 122,
} as const;

export const fixedCells = 128;

/**
 * What a cell says, and so what becomes of it when its worker dies: a counter's total goes into the base block, so that no total ever falls; a
 * gauge says what the worker has now, and a mark what it does, and both end with it.
 */
export type CellKind = "counter" | "gauge" | "mark";

/** Cells beside each other that are counted alike. */
export interface CountedCells {
  readonly kind: CellKind;
  /** Family of /metrics that shows the sum over all workers; null: none, or one that its own code writes. */
  readonly metric: string | null;
  readonly help: string;
  /** Labels of each cell. */
  readonly cells: readonly Readonly<Record<string, string>>[];
}

function cells(
  kind: CellKind,
  metric: string | null,
  help: string,
  labels: CountedCells["cells"] = [{}],
): CountedCells {
  return { kind, metric, help, cells: labels };
}

function connections(side: string, protocol: string): CountedCells {
  return cells("gauge", "sluice_connections", "Open connections.", [{ side, protocol }]);
}

/** Every fixed cell: the supervisor folds and /metrics shows what stands here. A new one needs a place in `fixed` and a line here. */
export const fixedTable: Readonly<Record<keyof typeof fixed, CountedCells>> = {
  inFlight: cells("gauge", "sluice_requests_in_flight", "Requests that have no complete response yet."),
  flags: cells(
    "counter",
    "sluice_failures_total",
    "Failed requests, by failure flag.",
    failureFlags.map((flag) => ({ flag })),
  ),
  retries: cells("counter", "sluice_retries_total", "Retries: requests that Sluice sent again to an Endpoint."),
  rateLimitEvictions: cells(
    "counter",
    "sluice_rate_limit_evictions_total",
    "Rate-limit entries evicted because --rate-limit-clients was reached: raise it.",
  ),
  regexInputTooLong: cells(
    "counter",
    "sluice_regex_input_too_long_total",
    "Headers, hosts, methods and query parameters longer than 4096 bytes: no regex matches them.",
  ),
  http2QueuedBytes: cells(
    "gauge",
    "sluice_queued_response_bytes",
    "Response bytes that wait for the flow-control windows of HTTP/2 clients.",
  ),
  heldBytes: cells(
    "gauge",
    "sluice_buffered_request_bytes",
    "Bytes of requests that wait for a connection or are kept for a retry.",
  ),
  clientConnectionsHttp1: connections("client", "http1"),
  clientConnectionsHttp2: connections("client", "http2"),
  upstreamConnectionsHttp1: connections("upstream", "http1"),
  upstreamConnectionsHttp2: connections("upstream", "http2"),
  workerRestarts: cells("counter", "sluice_worker_restarts_total", "Threads that ended and that Sluice replaced."),
  workerStalls: cells(
    "counter",
    "sluice_worker_stalls_total",
    "Threads that Sluice replaced because their event loop was blocked; sluice_worker_restarts_total counts them too.",
  ),
  externalCalls: cells(
    "counter",
    "sluice_external_calls_total",
    "Calls to the services of AuthService and RateLimitService, by outcome.",
    externalServices.flatMap((service) => externalOutcomes.map((outcome) => ({ service, outcome }))),
  ),
  externalInFlight: cells(
    "gauge",
    "sluice_external_calls_in_flight",
    "Calls to the services of AuthService and RateLimitService that have no answer yet.",
  ),
  // In sluice_requests_total, with those of the series.
  unmatched: cells(
    "counter",
    null,
    "Not-found requests and others without a series, by column of statusColumns.",
    statusColumns.map((code) => ({ code })),
  ),
  // In sluice_endpoints.
  endpointsEjected: cells("gauge", null, "Endpoints that this worker ejects."),
  shadowBytes: cells("gauge", "sluice_shadow_buffered_bytes", "Bytes of request bodies kept for shadow copies."),
  shadowInFlight: cells(
    "gauge",
    "sluice_shadows_in_flight",
    "Shadow copies that were sent and have no complete response yet.",
  ),
  shadowQueued: cells("gauge", "sluice_shadows_queued", "Shadow copies that wait for a connection."),
  redisReady: cells("gauge", "sluice_redis_connections", "Data workers that are connected to Redis."),
  redisCalls: cells(
    "counter",
    "sluice_redis_calls_total",
    "Calls to Redis, by outcome.",
    redisOutcomes.map((outcome) => ({ outcome })),
  ),
  oauthTokens: cells(
    "counter",
    "sluice_oauth_tokens_total",
    "OAuth tokens: issued, refused, unavailable (Redis unreachable); ended early: replaced by a newer token of the client, evicted to make room, revoked.",
    oauthOutcomes.map((outcome) => ({ outcome })),
  ),
  identities: cells(
    "counter",
    "sluice_auth_requests_total",
    "Requests that required authentication, by outcome.",
    identityOutcomes.map((outcome) => ({ outcome })),
  ),
  oauthRequests: cells(
    "counter",
    "sluice_oauth_requests_total",
    "Requests to the OAuth gateway with a token, by outcome.",
    oauthRequestOutcomes.map((outcome) => ({ outcome })),
  ),
  beatMs: cells(
    "mark",
    null,
    "When the thread last turned, ms of sharedNowMs, 0: it has not begun. In the base block: the control worker.",
  ),
  foldGeneration: cells(
    "mark",
    null,
    "Of the base block only, written by the supervisor: odd while the block of a dead worker is folded.",
  ),
};

/** What a circuit breaker limits, in the order of the cells. A breaker has one such row for each priority. */
export const breakerResources = ["connections", "pending", "requests", "retries"] as const;

/** Rows of a breaker slot. */
export const priorities = ["default", "high"] as const;

/** What an Upstream has in use is a gauge, whatever the resource. */
export const breakerKind: CellKind = "gauge";

/** Both rows of a slot share one cache line, so that another worker's use is one load away. */
const breakerCells = breakerResources.length * priorities.length;

/** Upstreams whose breakers count across workers; those beyond count in each worker alone. */
export const maxBreakerSlots = 65_536;

/** Cells of one cache line. */
export const lineCells = 8;

/** The cells of a slot, in their order. The families of /metrics are written by admin/series.ts, for there may be many thousand series. */
export const slotTable = {
  status: cells(
    "counter",
    "sluice_requests_total",
    "Requests by response code; code 0: the client left before a response.",
    statusColumns.map((code) => ({ code })),
  ),
  inFlight: cells("gauge", null, "Requests of the series that have no complete answer yet."),
  sumSeconds: cells("counter", null, "Sum of the durations, seconds."),
  buckets: cells(
    "counter",
    "sluice_request_duration_seconds",
    "Seconds from the end of the request head to the end of the response.",
    [...durationBounds.map(String), "+Inf"].map((le) => ({ le })),
  ),
  shadow: cells(
    "counter",
    "sluice_shadow_requests_total",
    "Shadow copies, by outcome.",
    shadowOutcomes.map((outcome) => ({ outcome })),
  ),
} as const;

/**
 * First cells of a slot's parts, and its length: whole cache lines. The last status column, the two cells after it and the first five buckets
 * share one line: a request that is answered 200 within 25 ms counts in that alone, and over a thousand deployments each further line is a miss.
 */
export const slotLayout = {
  status: 0,
  inFlight: statusColumns.length,
  sumSeconds: statusColumns.length + 1,
  buckets: statusColumns.length + 2,
  shadow: statusColumns.length + 2 + durationBounds.length + 1,
  cells:
    Math.ceil((statusColumns.length + 2 + durationBounds.length + 1 + shadowOutcomes.length) / lineCells) * lineCells,
} as const;

/** Series that fit: the buffer is reserved at once and pages are only touched when a series is used. */
export const maxSlots = 131_072;

export function blockBytes(): number {
  return cellsBytes() + maxSlots + maxBreakerSlots;
}

function cellsBytes(): number {
  return slotCell(maxSlots, 0) * 8;
}

/**
 * Which slots the worker of a block may have counted in: 1 by slot, else 0. Of many slots few are used, and whoever looks at all of the others has the kernel map a page
 * for each few of them, which takes a tenth of a second at 10,000 deployments.
 */
export interface UsedSlots {
  readonly series: Uint8Array;
  readonly breakers: Uint8Array;
}

export function usedSlots(block: ArrayBufferLike): UsedSlots {
  return {
    series: new Uint8Array(block, cellsBytes(), maxSlots),
    breakers: new Uint8Array(block, cellsBytes() + maxSlots, maxBreakerSlots),
  };
}

const columnOf = new Uint8Array(1000);
for (let code = 0; code < 1000; code++) {
  const exact = statusColumns.indexOf(String(code));
  const klass = statusColumns.indexOf(`${Math.floor(code / 100)}xx`);
  columnOf[code] = exact >= 0 ? exact : klass >= 0 ? klass : statusColumns.indexOf("0");
}

/** One worker's block. `slot` −1 (no series) counts in the unmatched cells. */
export class CounterBlock {
  readonly cells: Float64Array;
  readonly #used: UsedSlots;

  constructor(buffer: SharedArrayBuffer) {
    this.cells = new Float64Array(buffer, 0, slotCell(maxSlots, 0));
    this.#used = usedSlots(buffer);
  }

  /** Before the first request that is counted in the slot; −1: none is. */
  willCount(slot: number): void {
    if (slot >= 0) this.#used.series[slot] = 1;
  }

  /** Before anything is in use of the Upstream; −1: it is not counted here. */
  willUse(breakerSlot: number): void {
    if (breakerSlot >= 0) this.#used.breakers[breakerSlot] = 1;
  }

  add(cell: number, amount: number): void {
    this.cells[cell]! += amount;
  }

  set(cell: number, value: number): void {
    this.cells[cell] = value;
  }

  enter(slot: number): void {
    this.cells[fixed.inFlight]! += 1;
    if (slot >= 0) this.cells[slotCell(slot, slotLayout.inFlight)]! += 1;
  }

  leave(slot: number): void {
    this.cells[fixed.inFlight]! -= 1;
    if (slot >= 0) this.cells[slotCell(slot, slotLayout.inFlight)]! -= 1;
  }

  /** Counts one finished request: `code` 0..999, duration in seconds. */
  finish(slot: number, code: number, seconds: number): void {
    this.#count(slot, code, seconds, 1);
  }

  /** As if `finish` had not been called: the answer was taken back before any of it left. */
  takeBack(slot: number, code: number, seconds: number): void {
    this.#count(slot, code, seconds, -1);
  }

  #count(slot: number, code: number, seconds: number, by: number): void {
    const column = columnOf[code]!;
    if (slot < 0) {
      this.cells[fixed.unmatched + column]! += by;
      return;
    }
    const first = slotCell(slot, 0);
    this.cells[first + column]! += by;
    let bucket = 0;
    while (bucket < durationBounds.length && seconds > durationBounds[bucket]!) bucket++;
    this.cells[first + slotLayout.buckets + bucket]! += by;
    this.cells[first + slotLayout.sumSeconds]! += seconds * by;
  }

  failure(flag: string): void {
    const index = failureFlags.indexOf(flag);
    if (index >= 0) this.cells[fixed.flags + index]! += 1;
  }

  shadow(slot: number, outcome: number): void {
    if (slot >= 0) this.cells[slotCell(slot, slotLayout.shadow + outcome)]! += 1;
  }
}

/** Index of the first cell of a breaker slot's row; `priority` is its index in `priorities`. */
export function breakerCell(slot: number, priority: number): number {
  return fixedCells + slot * breakerCells + priority * breakerResources.length;
}

/**
 * Half of one worker's equal share of the usual limit of a breaker: who has more in use of one thing of an Upstream is counted in its `heavyUseCell`. Half, because a
 * processor shows others what it has written a moment later: all have long been told that somebody is counted when the limit is near.
 */
export function lightUse(workers: number): number {
  return Math.floor(defaultBreaker.maxRequests / workers / 2);
}

/** Bytes of the memory in which all workers count who has much in use: 32-bit integers, changed by Atomics. */
export function heavyUseBytes(): number {
  return maxBreakerSlots * priorities.length * 4;
}

/** Index of the cell of a breaker slot's row, for all its resources and all workers. */
export function heavyUseCell(slot: number, priority: number): number {
  return heavyUseOf(breakerCell(slot, priority));
}

/** A row has a power of two of cells. */
const rowBits = 31 - Math.clz32(breakerResources.length);

/** The same of the row that begins at this cell of a block. */
export function heavyUseOf(first: number): number {
  return (first - fixedCells) >> rowBits;
}

/** Index of a slot's cell in a block. */
export function slotCell(slot: number, cell: number): number {
  return fixedCells + maxBreakerSlots * breakerCells + slot * slotLayout.cells + cell;
}
