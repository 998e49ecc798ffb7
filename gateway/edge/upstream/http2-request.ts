// One request to an Endpoint that speaks HTTP/2: a stream of a session, as forwarding and shadows use it.
import type { HeadEdits } from "../message/head-edits.ts";
import { failures, type Failure } from "../../failures.ts";
import type { FieldList } from "../fields/fields.ts";
import type { RequestFraming } from "../fields/framing.ts";
import type { WireRequestHead } from "../message/request-head.ts";
import type { ClientFacts } from "../message/client-facts.ts";
import type { ResponseHead } from "../message/response-head.ts";
import { errorCode } from "../frames/constants.ts";
import { putLength, writeRequestBlock, writeTrailerBlock } from "../http2/request-writer.ts";
import type { Stream, ResponseUser, StreamLoss } from "../http2/stream.ts";
import { grpcStatusOf } from "../message/response-fields.ts";
import { resource, type Breaker } from "../balancing/breaker.ts";
import type { EndpointView } from "./endpoint-view.ts";
import type { Http2UpstreamShared } from "./http2-shared.ts";
import type { UpstreamRequest } from "./upstream-request.ts";
import type { ResponseHandler } from "./response-handler.ts";

/** Bytes that wait for the upstream's windows before the client is asked to wait; it may go on when half of them have left. */
const mostQueuedBytes = 64 * 1024;
const noBytes = Buffer.alloc(0);
/** The gRPC status that means what 503 does; Envoy counts it so for ejection. */
const unavailable = 14;

/** The connection that carries a stream, as the stream needs it. */
export interface StreamHost {
  readonly shared: Http2UpstreamShared;
  /** Sends a request: `Http2ClientConnection.request`. There must be room. */
  send(request: Http2UpstreamRequest, block: Buffer, length: number, end: boolean): Stream;
  /** The request is told when this read is over. */
  flushLater(request: Http2UpstreamRequest): void;
  /** A request has been let go. */
  release(request: Http2UpstreamRequest): void;
}

/** Kept by its session and begun anew for each request. */
export class Http2UpstreamRequest implements UpstreamRequest, ResponseUser {
  readonly kind = "request";
  readonly #session: StreamHost;
  endpoint: EndpointView;
  isHead = false;
  #breaker: Breaker;
  #user: ResponseHandler | null = null;
  /** null: the request has not begun. */
  #stream: Stream | null = null;
  #requestEnded = false;
  #responseStarted = false;
  #responseEnded = false;
  #congested = false;
  #paused = false;
  /** Bytes of the response that were passed on while it was paused: the upstream may send as many only when it goes on. */
  #uncredited = 0;
  /** The user has something to flush at the end of this read. */
  #unflushed = false;

  constructor(session: StreamHost, endpoint: EndpointView, breaker: Breaker) {
    this.#session = session;
    this.endpoint = endpoint;
    this.#breaker = breaker;
  }

  /** Serves a request of `user`, which has entered `breaker`. */
  begin(endpoint: EndpointView, user: ResponseHandler, breaker: Breaker): void {
    this.endpoint = endpoint;
    this.isHead = user.isHead;
    this.#breaker = breaker;
    this.#user = user;
    this.#stream = null;
    this.#requestEnded = false;
    this.#responseStarted = false;
    this.#responseEnded = false;
    this.#congested = false;
    this.#paused = false;
    this.#uncredited = 0;
    this.#unflushed = false;
    endpoint.inFlight += 1;
  }

  /** Nothing to do: `begin` replaces all of it, and it ends with its session. */
  forget(): void {}

  get bound(): boolean {
    return this.#user !== null;
  }

  get congested(): boolean {
    return this.#congested;
  }

  // The request.

  encodeHead(
    head: WireRequestHead,
    edits: HeadEdits,
    facts: ClientFacts,
    requestId: Buffer,
    framing: RequestFraming,
    bodyBytes: number,
  ): void {
    writeRequestBlock(this.#session.shared.writer, head, edits, facts, requestId, !this.endpoint.upstream.plain, false);
    this.#begin(framing, bodyBytes);
  }

  head(bytes: Buffer, length: number, framing: RequestFraming, bodyBytes: number): void {
    const { writer } = this.#session.shared;
    if (bytes !== writer.bytes || length !== writer.length) {
      writer.clear();
      writer.raw(bytes, 0, length);
    }
    this.#begin(framing, bodyBytes);
  }

  #begin(framing: RequestFraming, bodyBytes: number): void {
    const { writer } = this.#session.shared;
    if (framing === "length") putLength(writer, bodyBytes);
    // Nothing follows: no body, or one of length 0.
    this.#requestEnded = framing === "none" || (framing === "length" && bodyBytes === 0);
    this.#stream = this.#session.send(this, writer.bytes, writer.length, this.#requestEnded);
  }

  body(bytes: Buffer, start: number, end: number): void {
    const stream = this.#stream!;
    stream.sendData(bytes, start, end, false);
    if (stream.queuedBytes > mostQueuedBytes) this.#congested = true;
  }

  give(bytes: Buffer): void {
    this.body(bytes, 0, bytes.length);
  }

  end(trailers: FieldList | null): void {
    if (this.#requestEnded) return;
    this.#requestEnded = true;
    const { writer } = this.#session.shared;
    if (trailers !== null && writeTrailerBlock(writer, trailers))
      this.#stream!.sendTrailers(writer.bytes, writer.length);
    else this.#stream!.sendData(noBytes, 0, 0, true);
  }

  /** What was sent leaves at the end of the turn, with what others sent on this session. */
  flush(): void {
    if (this.#requestEnded && this.#responseEnded) this.#letGo();
  }

  abort(): void {
    if (this.#user === null) return;
    this.#letGo();
    this.#stream?.reset(errorCode.cancel);
  }

  #letGo(): void {
    if (this.#user === null) return;
    this.#user = null;
    this.endpoint.inFlight -= 1;
    this.#breaker.leave(resource.requests);
    this.#session.release(this);
  }

  // The response.

  pauseResponse(): void {
    this.#paused = true;
  }

  resumeResponse(): void {
    this.#paused = false;
    const bytes = this.#uncredited;
    this.#uncredited = 0;
    if (bytes > 0) this.#stream!.credit(bytes);
  }

  streamInformational(_: Stream, head: ResponseHead): void {
    this.#user!.informational(head);
    this.#flushLater();
  }

  streamResponse(_: Stream, head: ResponseHead): void {
    this.#responseStarted = true;
    this.endpoint.answered(grpcStatusOf(head) === unavailable ? 503 : head.status);
    this.#user!.head(head);
    this.#flushLater();
  }

  streamData(stream: Stream, bytes: Buffer, start: number, end: number): void {
    this.#user!.body(bytes, start, end);
    if (this.#user === null) return;
    if (this.#paused) this.#uncredited += end - start;
    else stream.credit(end - start);
    this.#flushLater();
  }

  /** One read may hold much of many streams: each is flushed once. */
  #flushLater(): void {
    if (this.#unflushed || this.#user === null) return;
    this.#unflushed = true;
    this.#session.flushLater(this);
  }

  /** The read is over. */
  readOver(): void {
    if (!this.#unflushed) return;
    this.#unflushed = false;
    this.#user?.flush();
  }

  streamEnd(_: Stream, trailers: FieldList | null): void {
    const user = this.#user!;
    this.#responseEnded = true;
    this.#unflushed = false;
    user.end(trailers);
    if (this.#user === user) user.flush();
    if (this.#user !== user) return;
    if (this.#requestEnded) this.#letGo();
    user.over();
  }

  streamPassedOn(stream: Stream): void {
    if (!this.#congested || stream.queuedBytes * 2 > mostQueuedBytes) return;
    this.#congested = false;
    this.#user!.drained();
  }

  streamLost(_: Stream, loss: StreamLoss): void {
    const user = this.#user!;
    this.#letGo();
    if (this.#responseEnded) {
      // The response is whole: nobody reads the rest of the request.
      user.over();
      return;
    }
    // An upstream that ends a session in good order, or has no room, is not a sick one.
    if (!loss.unprocessed) this.endpoint.failed();
    // Whoever answers has worked on it, whatever it says later.
    user.abort(failureOf(loss, this.#responseStarted), loss.sentence, loss.unprocessed && !this.#responseStarted);
  }
}

/** A reset means to a caller of gRPC what it would mean without a gateway between (gRPC over HTTP/2, "Errors"). */
function failureOf(loss: StreamLoss, started: boolean): Failure {
  switch (loss.cause) {
    case "reset":
      if (loss.code === errorCode.refusedStream) return failures.upstreamRefused;
      if (loss.code === errorCode.cancel) return failures.upstreamCancelled;
      if (loss.code === errorCode.enhanceYourCalm) return failures.upstreamOverloaded;
      return failures.upstreamReset;
    case "mistake":
      return failures.upstreamProtocol;
    case "connection":
      return started ? failures.upstreamCut : failures.upstreamClosed;
  }
}
