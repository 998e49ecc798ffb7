// What an HTTP/2 stream tells whoever uses it: the seam between the engine and an exchange, the same on both sides.
import type { FieldList } from '../message/fields.ts';
import type { ResponseHead } from '../message/response-head.ts';
import type { Stream } from './stream.ts';

/** Why a stream ended before its time. */
export interface StreamLoss {
  /** The peer reset this stream alone; or it broke a rule on this stream; or the connection ended. */
  readonly cause: 'reset' | 'mistake' | 'connection';
  /** RFC 9113 §7. */
  readonly code: number;
  /** The peer has certainly not worked on it: it may be sent again, whatever the method (§8.7). */
  readonly unprocessed: boolean;
  readonly sentence: string;
}

/**
 * Bytes, heads and trailers are valid only during the call.
 *
 * A stream is over, and must be forgotten, after `streamLost`, after a `reset` by the user, and once the user has both been told `streamEnd`
 * and given the end of its own message. From then on it calls nobody and may serve another exchange.
 */
export interface StreamUser {
  /** Bytes of the peer's message. Each must come back by `credit`, once it was passed on: that is what lets the peer send more. */
  streamData(stream: Stream, bytes: Buffer, start: number, end: number): void;
  /** The peer's message is complete. */
  streamEnd(stream: Stream, trailers: FieldList | null): void;
  /** So many bytes, which `sendData` had to keep, have left. */
  streamPassedOn(stream: Stream, bytes: number): void;
  streamLost(stream: Stream, loss: StreamLoss): void;
}

/** Who serves requests. */
export interface RequestUser extends StreamUser {
  /** What the caller gives the call by grpc-timeout, ms; Infinity: it says nothing. Asked when the stream is reset. */
  readonly callerMs: number;
}

/** Who sends requests. */
export interface ResponseUser extends StreamUser {
  /** The request was HEAD: its response has no body. */
  readonly isHead: boolean;
  /** A 1xx response. */
  streamInformational(stream: Stream, head: ResponseHead): void;
  /** `streamEnd` follows, at once for a response without a body. */
  streamResponse(stream: Stream, head: ResponseHead): void;
}
