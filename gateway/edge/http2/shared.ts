// What all HTTP/2 connections of one worker share, and the limits that hold for each of them.
import type { DeadlineWheel } from '../io/deadline.ts';
import { HeaderList } from './header-list.ts';
import type { ListLimits } from './header-list.ts';
import type { FloodLimits } from './floods.ts';
import type { Stream } from './stream.ts';
import type { WriteBatch } from '../io/write-batch.ts';

export interface Http2Limits {
  /** Streams that a peer may have open at once. */
  readonly concurrentStreams: number;
  /** What one stream, and all streams together, may send before it is passed on. */
  readonly streamWindowBytes: number;
  readonly connectionWindowBytes: number;
  /**
   * The connection's window opens with what comes, not with what was passed on: then a stream that nobody reads from holds up no other, and
   * the windows of the streams alone bound what is kept.
   */
  readonly connectionCreditAtOnce: boolean;
  readonly list: ListLimits;
  /** Method and path of a request, with what a request line of HTTP/1.1 has besides. */
  readonly requestLineBytes: number;
  /** Frames of one connection in a turn; then others have theirs. */
  readonly framesATurn: number;
  /** Frames that HEADERS count for: on the side of clients each is a request, which costs more than any other frame. */
  readonly framesAHead: number;
  /** From the start of a connection to its SETTINGS, and of a header block to its end. */
  readonly headTimeoutMs: number;
  readonly settingsTimeoutMs: number;
  /** A peer that takes nothing of what is queued for it. */
  readonly writeStallTimeoutMs: number;
  /** Without streams; Infinity: none. */
  readonly idleTimeoutMs: number;
  /** Age at which a connection ends gracefully, ± 10 %; Infinity: none. */
  readonly maxAgeMs: number;
  /** Silence after which a PING asks whether the peer is there, and how long it may take to answer; Infinity: none. */
  readonly pingAfterMs: number;
  /** Asks while there is no stream, too. */
  readonly pingsIdle: boolean;
  readonly pingTimeoutMs: number;
  readonly floods: FloodLimits;
}

/** What connections have from their worker: its Edge, or what stands for it in tests. */
export interface Http2Home {
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
  readonly home: Http2Home;
  readonly wheel: DeadlineWheel;
  readonly batch: WriteBatch;
  /** What a header block is decoded to: callbacks do not nest. */
  readonly list: HeaderList;
  /** Bytes of all connections that wait for their peers' windows. */
  queuedBytes = 0;
  readonly #spare: Stream[] = [];
  readonly #closed: Stream[] = [];

  constructor(limits: Http2Limits, home: Http2Home) {
    this.limits = limits;
    this.home = home;
    this.wheel = home.wheel;
    this.batch = home.batch;
    this.list = new HeaderList(limits.list);
  }

  /** A closed stream that may be used again; undefined: there is none. */
  spareStream(): Stream | undefined {
    return this.#spare.pop();
  }

  /** The stream is closed. It is used again in a later turn only: whoever runs now may still hold it. */
  retire(stream: Stream): void {
    if (this.#closed.push(stream) === 1) this.batch.ask(this.#reuse);
  }

  readonly #reuse = {
    turnEnded: (): void => {
      const room = mostSpareStreams - this.#spare.length;
      for (let i = 0; i < this.#closed.length && i < room; i++) {
        const stream = this.#closed[i]!;
        stream.forget();
        this.#spare.push(stream);
      }
      this.#closed.length = 0;
    },
  };

  get nowMs(): number {
    return this.home.nowMs;
  }
}
