// Stream: one request and its response on an HTTP/2 connection, from either side, and what it tells whoever uses it: the seam between the
// engine and an exchange. Objects are used again and again.
import { SendQueue } from "./send-queue.ts";
import type { FieldList } from "../fields/fields.ts";
import type { ResponseHead } from "../message/response-head.ts";

/** Why a stream ended before its time. */
export interface StreamLoss {
  /** The peer reset this stream alone; or it broke a rule on this stream; or the connection ended. */
  readonly cause: "reset" | "mistake" | "connection";
  /** RFC 9113 §7. */
  readonly code: number;
  /** The peer has certainly not worked on it: it may be sent again, whatever the method (RFC 9113 §8.7). */
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

/** The connection of a stream, which does what is asked of the stream. */
interface StreamConnection {
  sendHead(stream: Stream, block: Buffer, length: number, final: boolean, end: boolean): void;
  sendData(stream: Stream, bytes: Buffer, start: number, end: number, last: boolean): number;
  sendTrailers(stream: Stream, block: Buffer, length: number): void;
  credit(stream: Stream, bytes: number): void;
  discardRest(stream: Stream): void;
  resetByUser(stream: Stream, code: number): void;
}

export class Stream {
  /** null: it is spare, and must not hold a connection that is gone. */
  #connection: StreamConnection | null = null;
  /** 0: it waits for its turn at an upstream (MAX_CONCURRENT_STREAMS). */
  id = 0;
  /** null: nobody is told any more. */
  user: StreamUser | null = null;
  bornMs = 0;

  // What the peer sends.
  receivedHead = false;
  receivedEnd = false;
  /** 1xx responses so far. */
  informational = 0;
  /** Bytes that the peer may send. */
  receiveWindow = 0;
  /** Bytes that were told and not credited. */
  unconsumed = 0;
  /** Bytes that were credited, of which the peer does not know. */
  unannounced = 0;
  /** Content that is still to come by content-length; −1: no length was given. */
  contentLeft = -1;
  /** Nobody wants the rest: it is thrown away, and the peer is told a while after this side's message has left. */
  discards = false;
  /** Bytes of that rest for which the window still opens. */
  discardBytes = 0;
  /** The response has no content, whatever its length says: HEAD, 304. */
  bodiless = false;

  // What this side sends.
  sentHead = false;
  sentEnd = false;
  /** The end was given; it may still be queued. */
  givenEnd = false;
  /** Bytes that the peer takes; below 0 after SETTINGS made windows smaller. */
  sendWindow = 0;
  readonly queue = new SendQueue();
  /** Header block of a request that waits for its turn. */
  head: Buffer | null = null;
  /** Header block of trailers that wait for the queue. */
  trailers: Buffer | null = null;

  /** Bytes that `sendData` had to keep. */
  get queuedBytes(): number {
    return this.queue.bytes;
  }

  /**
   * Sends a header block: a 1xx response or, once, the response's head (`final`). The block, `block[0..length)`, is used during the call
   * only.
   */
  sendHead(block: Buffer, length: number, final: boolean, end: boolean): void {
    this.#connection?.sendHead(this, block, length, final, end);
  }

  /**
   * Sends content, and the end of the message with it if `end`. Never refuses: what the peer's windows do not let pass is copied and sent
   * later, and then told by `streamPassedOn`. Returns the bytes that have left at once.
   */
  sendData(bytes: Buffer, start: number, end: number, last: boolean): number {
    return this.#connection?.sendData(this, bytes, start, end, last) ?? end - start;
  }

  /** Ends the message with trailers. */
  sendTrailers(block: Buffer, length: number): void {
    this.#connection?.sendTrailers(this, block, length);
  }

  /** So many bytes of `streamData` were passed on. */
  credit(bytes: number): void {
    this.#connection?.credit(this, bytes);
  }

  /**
   * The rest of the peer's message is not wanted. Once this side's message has left whole, and the peer has had a while to take it and to end
   * its own, the peer is told so without an error, RST_STREAM with NO_ERROR (RFC 9113 §8.1); a reset before that, or right behind it, could
   * destroy the answer. The user is told nothing more.
   */
  discardRest(): void {
    this.#connection?.discardRest(this);
  }

  /** Ends it at once, both ways. */
  reset(code: number): void {
    this.#connection?.resetByUser(this, code);
  }

  /** Content came. False: more than content-length says, or less at its end, or any where there can be none. */
  takeContent(bytes: number, last: boolean): boolean {
    if (this.bodiless) return bytes === 0;
    if (this.contentLeft < 0) return true;
    this.contentLeft -= bytes;
    return this.contentLeft > 0 ? !last : this.contentLeft === 0;
  }

  /** From here on whatever is asked of it does nothing. */
  close(): void {
    this.user = null;
    this.unconsumed = 0;
    this.receivedEnd = true;
    this.givenEnd = true;
    this.sentEnd = true;
  }

  /** It is closed and kept to be used again. */
  forget(): void {
    this.#connection = null;
  }

  begin(connection: StreamConnection, id: number, nowMs: number, receiveWindow: number, sendWindow: number): void {
    this.#connection = connection;
    this.id = id;
    this.user = null;
    this.bornMs = nowMs;
    this.receivedHead = false;
    this.receivedEnd = false;
    this.informational = 0;
    this.receiveWindow = receiveWindow;
    this.unconsumed = 0;
    this.unannounced = 0;
    this.contentLeft = -1;
    this.discards = false;
    this.bodiless = false;
    this.sentHead = false;
    this.sentEnd = false;
    this.givenEnd = false;
    this.sendWindow = sendWindow;
    this.head = null;
    this.trailers = null;
  }
}
