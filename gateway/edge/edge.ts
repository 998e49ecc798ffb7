// Edge: what all connections of one worker share. One object, made once.
import type { RouteTable } from '../../routing/table.ts';
import { emptyTable } from '../../routing/table.ts';
import type { CounterBlock } from '../counters.ts';
import type { EdgeLimits, Settings } from '../settings.ts';
import { entryWithoutRequest, leftOutEntry } from './access/access-entry.ts';
import type { AccessEntry } from './access/access-entry.ts';
import { AccessBudget } from './access/access-budget.ts';
import { Admission } from './downstream/admission.ts';
import type { Attached, Compiler } from './policy/compiled-mapping.ts';
import { DeadlineWheel } from './io/deadline.ts';
import { HeldMemory } from './io/held-memory.ts';
import { Http1RequestHead } from './message/request-head.ts';
import { ResponseHead } from './message/response-head.ts';
import { Trailers } from './http1/trailers.ts';
import { OutBuffer } from './io/out-buffer.ts';
import { ReadBuffer, windowBytes } from './io/read-buffer.ts';
import { RequestIds } from './message/request-id.ts';
import { HealthWatches } from './downstream/health.ts';
import { ServedStreams } from './downstream/http2-streams.ts';
import { Http2Serving } from './downstream/http2-serving.ts';
import { Turn } from './io/write-batch.ts';
import { ShadowSender } from './shadow/shadow-sender.ts';
import type { Occupancy } from './upstream/breaker.ts';
import { SessionShared } from './upstream/session-shared.ts';
import { UpstreamRegistry } from './upstream/registry.ts';

/** Asking `performance` costs as much as copying a head: once is enough. Epoch ms. */
const startedAtMs = performance.timeOrigin;

/** A client connection, as the plane sees it. */
export interface ClientConnection {
  /** An exchange is under way, or a request is partly read. */
  readonly busy: boolean;
  /** Since when nothing was asked; Infinity while busy. */
  readonly idleSinceMs: number;
  /** It was told `drain`, or ends for another reason after what it has. */
  readonly retiring: boolean;
  /** It ends after what it has: HTTP/2 says GOAWAY, HTTP/1.1 closes with its next answer. */
  drain(): void;
  destroy(): void;
}

export interface EdgeOptions {
  readonly settings: Settings;
  readonly worker: number;
  readonly counters: CounterBlock;
  /** Counters of the other workers, for breakers and limits: read only. */
  readonly others: readonly Float64Array[];
  readonly log: (entry: AccessEntry) => void;
  /** DNS Upstreams that need addresses, or are still in use. */
  readonly used: (upstreamKeys: string[]) => void;
}

export class Edge {
  readonly limits: EdgeLimits;
  readonly trustedHops: number;
  readonly accessLog: Settings['accessLog'];
  readonly counters: CounterBlock;
  /** What all workers have in use of each Upstream. */
  readonly occupancy: Occupancy;
  readonly used: (upstreamKeys: string[]) => void;
  readonly #log: (entry: AccessEntry) => void;
  readonly #lines: AccessBudget;

  // One of each a worker: callbacks do not nest, so whatever is in them belongs to the callback that runs.
  readonly reads = new ReadBuffer();
  readonly out = new OutBuffer(windowBytes + 8 * 1024);
  /** For heads that are kept. It has no sink, so that what is in it goes nowhere by itself. */
  readonly kept = new OutBuffer(4096);
  readonly requestHead = new Http1RequestHead();
  readonly responseHead = new ResponseHead();
  readonly trailers = new Trailers();
  readonly held: HeldMemory;
  readonly ids = new RequestIds();
  readonly wheel = new DeadlineWheel(
    () => performance.now(),
    (error) => this.faulted(error),
  );
  /** What is called at the end of a turn of the event loop. */
  readonly turn = new Turn();
  readonly draw: () => number = Math.random;

  readonly pools = new UpstreamRegistry(this);
  readonly compiler: Compiler;
  readonly shadows = new ShadowSender(this);
  /** Who watches the health of the gateway or of a deployment. */
  readonly healthWatches = new HealthWatches(this);
  /** What HTTP/2 clients share. */
  readonly http2: Http2Serving;
  readonly servedStreams = new ServedStreams(this);
  /** What HTTP/2 sessions to upstreams share. */
  readonly sessionShared: SessionShared;
  readonly connections = new Set<ClientConnection>();
  /** How many of them there may be. */
  readonly admission: Admission;

  /** The one reference to the current table. A request reads it once. */
  table: RouteTable<Attached> = emptyTable<Attached>();
  /** Counter slots by id of the Mapping, for rejects. */
  readonly slots = new Map<string, number>();
  /** What check_ready answers. */
  ready = false;
  /** Every answer closes its connection. */
  draining = false;
  closed = false;
  /** Clock of this callback, ms, never going back: read once a chunk. */
  nowMs = performance.now();
  #dateSecond = 0;
  #dateLine = Buffer.alloc(0);

  constructor(options: EdgeOptions) {
    this.limits = options.settings.limits;
    this.compiler = { pools: this.pools, defaultIdleTimeoutMs: this.limits.streamIdleTimeoutMs };
    this.sessionShared = new SessionShared(this.limits, this);
    this.trustedHops = options.settings.trustedHops;
    this.accessLog = options.settings.accessLog;
    this.counters = options.counters;
    this.admission = new Admission(this.limits, options.counters, options.others);
    this.occupancy = { own: options.counters.cells, others: options.others };
    this.held = new HeldMemory(options.counters, this.limits.retryTotalBytes);
    this.used = options.used;
    this.#log = options.log;
    this.#lines = new AccessBudget(this.wheel, this.limits.accessLinesPerSecond, (flag, lines) => this.#log(leftOutEntry(flag, lines)));
    this.http2 = new Http2Serving(this, this.limits);
  }

  /** Reads the clock. */
  tick(): number {
    return (this.nowMs = performance.now());
  }

  /** `date: …` of this second, with its line end. */
  get dateLine(): Buffer {
    const second = Math.floor((startedAtMs + this.nowMs) / 1000);
    if (second !== this.#dateSecond) {
      this.#dateSecond = second;
      this.#dateLine = Buffer.from(`date: ${new Date(second * 1000).toUTCString()}\r\n`);
    }
    return this.#dateLine;
  }

  slotOf(mappingId: string): number {
    return this.slots.get(mappingId) ?? -1;
  }

  /** Writes a line, or does not: by option, or since too many are written about this failure. `entry` makes it only if it is written. */
  log(flag: string, entry: () => AccessEntry): void {
    if (this.accessLog === 'all' || (this.accessLog === 'errors' && this.#lines.admits(flag, this.nowMs))) this.#log(entry());
  }

  /** A bug showed: it is counted and logged, and ends one exchange only. */
  faulted(error: unknown): void {
    // What was put together belongs to whoever failed.
    this.out.drop();
    this.counters.failure('UX');
    this.#log(entryWithoutRequest('UX', error instanceof Error ? (error.stack ?? error.message) : String(error), 500, ''));
  }
}
