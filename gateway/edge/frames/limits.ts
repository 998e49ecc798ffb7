// Limits of an HTTP/2 connection. Those of clients and of upstreams differ.
import type { FloodLimits } from "./floods.ts";
import type { ListLimits } from "../hpack/header-list.ts";

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
