// What all HTTP/2 connections of one worker share, and the limits that hold for each of them.
import type { DeadlineWheel } from '../deadline.ts';
import { HeaderList } from './header-list.ts';
import type { ListLimits } from './header-list.ts';
import type { FloodLimits } from './floods.ts';
import type { Turn } from './turn.ts';

export interface Http2Limits {
  /** Streams that a peer may have open at once. */
  readonly concurrentStreams: number;
  /** What one stream, and all streams together, may send before it is passed on. */
  readonly streamWindowBytes: number;
  readonly connectionWindowBytes: number;
  readonly list: ListLimits;
  /** Frames of one connection in a turn; then others have theirs. */
  readonly framesATurn: number;
  /** From the start of a connection to its SETTINGS, and of a header block to its end. */
  readonly headTimeoutMs: number;
  readonly settingsTimeoutMs: number;
  /** A peer that takes nothing of what is queued for it. */
  readonly writeStallTimeoutMs: number;
  /** Without streams; Infinity: none. */
  readonly idleTimeoutMs: number;
  /** Age at which a connection ends gracefully; Infinity: none. */
  readonly maxAgeMs: number;
  /** Silence after which a PING asks whether the peer is there, and how long it may take to answer; Infinity: none. */
  readonly pingAfterMs: number;
  readonly pingTimeoutMs: number;
  readonly floods: FloodLimits;
}

/** One a worker and side: clients' connections and upstreams' have limits of their own. */
export class Http2Shared {
  readonly limits: Http2Limits;
  readonly wheel: DeadlineWheel;
  readonly turn: Turn;
  /** What a header block is decoded to: callbacks do not nest. */
  readonly list: HeaderList;
  /** Clock of this callback, ms. */
  nowMs: number;
  readonly #clock: () => number;
  readonly #faulted: (error: unknown) => void;

  /** `clock` gives ms and never goes back. `faulted` is told of bugs, which end one connection. */
  constructor(limits: Http2Limits, wheel: DeadlineWheel, turn: Turn, clock: () => number, faulted: (error: unknown) => void) {
    this.limits = limits;
    this.wheel = wheel;
    this.turn = turn;
    this.#clock = clock;
    this.#faulted = faulted;
    this.list = new HeaderList(limits.list);
    this.nowMs = clock();
  }

  tick(): number {
    return (this.nowMs = this.#clock());
  }

  faulted(error: unknown): void {
    this.#faulted(error);
  }
}
