// WorkerContext: what everything in one worker shares below the routing table: its clock, deadlines, buffers, counters and limits. Made once.
import type { Clock } from "../../shared/clock.ts";
import type { AccessEntry } from "../../shared/access-fields.ts";
import type { CounterBlock } from "../../shared/memory/counters.ts";
import type { EdgeLimits } from "../../options/limits.ts";
import type { Settings } from "../../options/settings.ts";
import { DeadlineWheel } from "./deadline.ts";
import { frontOf, type Front } from "./front.ts";
import { HeldMemory } from "./held-memory.ts";
import { occupancyOf, type Occupancy } from "./occupancy.ts";
import { OutBuffer } from "./out-buffer.ts";
import { ReadBuffer, windowBytes } from "./read-buffer.ts";
import { WriteBatch } from "./write-batch.ts";

export interface WorkerOptions {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly counters: CounterBlock;
  /** Counters of the other workers, for breakers and limits: read only. */
  readonly others: readonly Float64Array[];
  readonly heavyUse: Int32Array;
  /** Writes an access line and reports it, or leaves it out; `entry` is called only if something is done with it. `namespace`: whose request it is; "": nobody's. */
  readonly log: (flag: string, namespace: string, isFailure: boolean, entry: () => AccessEntry) => void;
  /** Is told of a bug, which has ended one exchange or one connection. */
  readonly faulted: (error: unknown) => void;
}

export class WorkerContext {
  readonly limits: EdgeLimits;
  /** Another object when the table says something else. */
  front: Front;
  readonly accessLog: Settings["accessLog"];
  /** Requests that did not fail are reported, too. */
  reportsAll = false;
  /** Parameters of a query that hold credentials, whatever becomes of the request: no line has a query with one. null: it is not known which do. */
  secretParameters: readonly string[] | null = null;
  readonly counters: CounterBlock;
  readonly occupancy: Occupancy;
  readonly log: (flag: string, namespace: string, isFailure: boolean, entry: () => AccessEntry) => void;
  readonly #faulted: (error: unknown) => void;

  // One of each a worker: callbacks do not nest, so whatever is in them belongs to the callback that runs.
  readonly reads = new ReadBuffer();
  readonly out = new OutBuffer(windowBytes + 8 * 1024);
  /** For heads that are kept. It has no sink, so that what is in it goes nowhere by itself. */
  readonly kept = new OutBuffer(4096);
  readonly held: HeldMemory;
  readonly #clock: Clock;
  readonly wheel: DeadlineWheel;
  /** What is written and called at the end of a turn of the event loop. */
  readonly batch = new WriteBatch((error) => this.faulted(error));
  readonly draw: () => number = Math.random;
  /** The data plane has ended: nothing is kept for later. */
  closed = false;
  /** Clock of this callback, ms, never going back: read once a chunk. */
  nowMs: number;
  /** Of `nowMs`; −1: none yet. */
  #dateSecond = -1;
  #dateLine = Buffer.alloc(0);

  constructor({ settings, clock, counters, others, heavyUse, log, faulted }: WorkerOptions) {
    this.#clock = clock;
    this.nowMs = clock.now();
    this.wheel = new DeadlineWheel(clock, (error) => this.faulted(error));
    this.limits = settings.limits;
    this.front = frontOf(settings, null);
    this.accessLog = settings.accessLog;
    this.counters = counters;
    this.occupancy = occupancyOf(counters.cells, others, heavyUse);
    this.held = new HeldMemory(counters, this.limits.retryTotalBytes);
    this.log = log;
    this.#faulted = faulted;
  }

  /** Reads the clock. */
  tick(): number {
    return (this.nowMs = this.#clock.now());
  }

  /** `date: …`, at most a second old, with its line end. The wall clock is asked once a second, as it may be set while we run. */
  get dateLine(): Buffer {
    const second = Math.floor(this.nowMs / 1000);
    if (second !== this.#dateSecond) {
      this.#dateSecond = second;
      this.#dateLine = Buffer.from(`date: ${new Date().toUTCString()}\r\n`);
    }
    return this.#dateLine;
  }

  /** A bug showed: it is counted and logged, and ends one exchange only. */
  faulted(error: unknown): void {
    // What was put together belongs to whoever failed.
    this.out.drop();
    this.#faulted(error);
  }

  /** As `faulted`, of code that writes nothing: what is put together belongs to others. */
  stepFaulted(error: unknown): void {
    this.#faulted(error);
  }
}
