// What all HTTP/2 connections of one worker share.
import type { DeadlineWheel } from "../io/deadline.ts";
import { Spares } from "../io/spares.ts";
import { HeaderList } from "../hpack/header-list.ts";
import type { Http2Limits } from "../frames/limits.ts";
import type { Stream } from "./stream.ts";
import type { WriteBatch } from "../io/write-batch.ts";

/** What connections have from their worker: its WorkerContext, or what stands for it in tests. */
export interface Http2Host {
  readonly wheel: DeadlineWheel;
  readonly batch: WriteBatch;
  /** Clock of this callback, ms, never going back. */
  nowMs: number;
  /** Reads the clock. */
  tick(): number;
  /** In [0, 1). */
  draw(): number;
  /** Is told of bugs, which end one stream or one connection. */
  faulted(error: unknown): void;
}

/** Streams kept to be used again by any connection: those of some busy connections. */
const mostSpareStreams = 1024;

/** One a worker and side: clients' connections and upstreams' have limits of their own. */
export class Http2Shared {
  readonly limits: Http2Limits;
  readonly home: Http2Host;
  readonly wheel: DeadlineWheel;
  readonly batch: WriteBatch;
  /** What a header block is decoded to: callbacks do not nest. */
  readonly list: HeaderList;
  /** Bytes of all connections that wait for their peers' windows. */
  queuedBytes = 0;
  /** Closed streams. */
  readonly spares: Spares<Stream>;

  constructor(limits: Http2Limits, home: Http2Host) {
    this.limits = limits;
    this.home = home;
    this.wheel = home.wheel;
    this.batch = home.batch;
    this.spares = new Spares(home.batch, mostSpareStreams);
    this.list = new HeaderList(limits.list);
  }

  get nowMs(): number {
    return this.home.nowMs;
  }
}
