// The server's side of HTTP/2: a client's connection.
import { WireRequestHead } from "../message/request-head.ts";
import { failures, type Failure } from "../../failures.ts";
import type { Transport } from "../io/transport.ts";
import { Connection } from "./connection.ts";
import { clientPreface, errorCode, setting } from "../frames/constants.ts";
import { callerShare, hastyMs, leastCallerMs, type Flood } from "../frames/floods.ts";
import type { HeaderList } from "../hpack/header-list.ts";
import { isGrpcCall, readRequest } from "./request-message.ts";
import type { Http2Shared } from "./shared.ts";
import type { Stream, RequestUser } from "./stream.ts";

/** Two spaces and `HTTP/1.1`: the limit of a request line means the same in both versions. */
const lineExtraBytes = 10;

const noPreface = Buffer.alloc(0);

/** Who serves the requests of a connection. */
export interface ServerOwner {
  /**
   * A request has come; `head` is valid during the call. `ended`: it has no body, and `streamEnd` follows at once. Returns who is told of the
   * rest, even where the answer is already given.
   */
  request(stream: Stream, head: WireRequestHead, ended: boolean): RequestUser;
  /** A request that is not served. The answer is given at once; what else comes of the request is thrown away. `grpc`: a gRPC call. */
  refused(stream: Stream, failure: Failure, grpc: boolean): void;
  /** Everything that was read has been told. */
  readOver(): void;
  /** So many bytes wait for the client's windows. */
  queueChanged(bytes: number): void;
  /** The client broke a rule, and the connection is ended for it. */
  connectionFailed(sentence: string): void;
  /** The connection is closed; "" for a clean end. */
  connectionClosed(connection: ServerConnection, failure: string): void;
  /** The transport is gone too. */
  connectionGone(connection: ServerConnection): void;
}

export class ServerConnection extends Connection {
  readonly #owner: ServerOwner;
  readonly #head: WireRequestHead;
  #prefaceBytes = 0;
  /** The highest id that was seen, and the highest that became a stream. */
  #seenId = 0;
  #servedId = 0;

  /** `head` is filled anew for each request: one a worker is enough. */
  constructor(transport: Transport, shared: Http2Shared, owner: ServerOwner, head: WireRequestHead) {
    super(transport, shared, noPreface, [[setting.maxConcurrentStreams, shared.limits.concurrentStreams]]);
    this.#owner = owner;
    this.#head = head;
  }

  /** Bytes of the socket, from the first byte of the preface on. */
  override received(bytes: Buffer, start: number, end: number): void {
    while (this.#prefaceBytes < clientPreface.length && start < end) {
      if (bytes[start++] !== clientPreface[this.#prefaceBytes++]) {
        this.shared.home.tick();
        return this.fail(errorCode.protocolError, "this is not the preface of HTTP/2");
      }
    }
    if (start < end) super.received(bytes, start, end);
  }

  protected get lastStreamId(): number {
    return this.#servedId;
  }

  protected isIdle(id: number): boolean {
    return id > this.#seenId || (id & 1) === 0;
  }

  protected headers(id: number, endStream: boolean, list: HeaderList): void {
    if ((id & 1) === 0) return this.fail(errorCode.protocolError, "a client opens streams with odd ids");
    const open = this.streams.get(id);
    if (open !== null) return this.trailers(open, endStream, list);
    if (id <= this.#seenId) return this.headersOfClosed(id);
    this.#seenId = id;
    // Behind the last id of a GOAWAY: the client sends it again elsewhere.
    if (this.lastIdSaid) return this.refuseId(id);
    if (this.#isFull()) return this.#refuseNew(id, errorCode.refusedStream);
    const verdict = list.tooLarge ? null : readRequest(list, this.#head, endStream);
    if (verdict?.kind === "malformed") return this.#refuseNew(id, errorCode.protocolError);
    this.#servedId = id;
    const stream = this.newStream(id);
    this.addStream(stream);
    stream.receivedHead = true;
    const failure =
      verdict === null
        ? failures.headTooLarge
        : verdict.kind === "refused"
          ? verdict.failure
          : this.#isLong
            ? failures.lineTooLong
            : null;
    if (failure === null) {
      stream.contentLeft = this.#head.contentLength;
      const user = this.#owner.request(stream, this.#head, endStream);
      // Answered already, and the rest is not wanted?
      if (this.streams.get(id) === stream && !stream.discards) stream.user = user;
    } else {
      this.#owner.refused(stream, failure, isGrpcCall(list));
      if (!endStream) stream.discardRest();
    }
    if (this.streams.get(id) === stream && endStream) this.endReceived(stream, null);
  }

  /**
   * The client has as many streams as it may. One that this side has ended has given its place back (grpc-go says no more of it then), though
   * its request has not ended: of these there may be as many again, and after that those that linger longest give way.
   */
  #isFull(): boolean {
    const { streams } = this;
    const most = this.shared.limits.concurrentStreams;
    if (streams.count < most) return false;
    return streams.count - streams.halfClosed >= most || (streams.count >= 2 * most && !this.endLingering());
  }

  /** The request that was just read would have a longer request line than is allowed. */
  get #isLong(): boolean {
    const { methodStart, methodEnd, pathStart, queryEnd } = this.#head;
    return methodEnd - methodStart + queryEnd - pathStart + lineExtraBytes > this.shared.limits.requestLineBytes;
  }

  #refuseNew(id: number, code: number): void {
    this.refuseId(id);
    // A stream too many is sent again: nothing was begun for it, so it costs less than one that is served.
    if (code === errorCode.refusedStream) this.output.reset(id, code);
    else this.refuse(id, code);
  }

  protected queueChanged(): void {
    this.#owner.queueChanged(this.queuedBytes);
  }

  override fail(code: number, sentence: string): void {
    if (!this.over) this.#owner.connectionFailed(sentence);
    super.fail(code, sentence);
  }

  protected isHasty(stream: Stream): boolean {
    if (stream.sentHead) return false;
    const ageMs = this.shared.nowMs - stream.bornMs;
    if (ageMs >= hastyMs) return false;
    // Who serves it is a RequestUser: `headers` has put it there.
    const callerMs = (stream.user as RequestUser | null)?.callerMs ?? Infinity;
    return callerMs < leastCallerMs || ageMs < callerMs * callerShare;
  }

  protected overLimit(flood: Flood): boolean {
    // A caller that hedges its calls cancels one for each that is answered.
    if (flood === "resets" && !this.isMost(flood)) return false;
    this.fail(errorCode.enhanceYourCalm, `flood: ${flood}`);
    return true;
  }

  protected stalled(): void {
    this.fail(errorCode.enhanceYourCalm, "nothing is taken of what was sent");
  }

  protected bearsLongData(): boolean {
    return false;
  }

  protected closedFault(_id: number, sentence: string): void {
    this.fail(errorCode.streamClosed, sentence);
  }

  protected roomChanged(): void {
    // Clients open streams, not servers.
  }

  protected setConcurrentStreams(): void {
    // For pushed streams, of which there are none.
  }

  protected goneAway(): void {
    // The client opens no more streams, or means to close: what is open is served to its end.
    this.retire();
    this.times.retired = true;
    this.finishIfDone();
  }

  protected readOver(): void {
    this.#owner.readOver();
  }

  protected closed(failure: string): void {
    this.#owner.connectionClosed(this, failure);
  }

  protected gone(): void {
    this.#owner.connectionGone(this);
  }
}
