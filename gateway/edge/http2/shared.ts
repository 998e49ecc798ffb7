// What all HTTP/2 connections of one worker share.
import type { DeadlineWheel } from '../io/deadline.ts';
import { HeaderList } from './header-list.ts';
import type { Http2Limits } from './limits.ts';
import type { Stream } from './stream.ts';
import type { WriteBatch } from '../io/write-batch.ts';

/** What connections have from their worker: its WorkerContext, or what stands for it in tests. */
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
