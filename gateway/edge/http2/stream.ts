// Stream: one request and its response on an HTTP/2 connection, from either side. Objects are used again and again.
import { SendQueue } from './send-queue.ts';
import type { Session } from './framed-connection.ts';
import type { StreamUser } from './stream-user.ts';

export class Stream {
  /** null: it is spare, and must not hold a connection that is gone. */
  #connection: Session | null = null;
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
  /** Nobody wants the rest: it is thrown away, and the peer is told when this side's message has left. */
  discards = false;
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
   * The rest of the peer's message is not wanted. Once this side's message has left whole, the peer is told so without an error, RST_STREAM
   * with NO_ERROR (RFC 9113 §8.1); a reset before that could destroy the answer. The user is told nothing more.
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

  begin(connection: Session, id: number, nowMs: number, receiveWindow: number, sendWindow: number): void {
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
