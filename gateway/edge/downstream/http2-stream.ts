// One HTTP/2 stream of a client and its exchange: what the client sends on it. Used again and again.
import type { ClientSide } from "../exchange/client-side.ts";
import type { DownstreamContext } from "./downstream-context.ts";
import { Exchange } from "../exchange/exchange.ts";
import { failures } from "../../failures.ts";
import type { FieldList } from "../fields/fields.ts";
import type { WireRequestHead } from "../message/request-head.ts";
import type { Transport } from "../io/transport.ts";
import type { ClientFacts } from "../message/client-facts.ts";
import { Http2Answer, mostQueuedBytes, type AnsweredRequest } from "./http2-answer.ts";
import { errorCode } from "../frames/constants.ts";
import type { Stream, RequestUser, StreamLoss } from "../http2/stream.ts";

/** The connection of a stream, as the stream needs it. */
export interface StreamOwner {
  readonly transport: Transport;
  /** About every request of this client. */
  readonly facts: ClientFacts;
  /** It has so much queued that no upstream is read from for it. */
  readonly full: boolean;
  /** What follows belongs to this stream: what was read for another one leaves first. Null: to none of those that are open. */
  read(served: ServedStream | null): void;
  /** Its exchange is over. */
  release(served: ServedStream): void;
}

const continueHead = Buffer.from([0x48, 0x03, 0x31, 0x30, 0x30]);

export class ServedStream implements ClientSide, RequestUser, AnsweredRequest {
  readonly answer: Http2Answer;
  readonly headForm = "block";
  readonly #exchange: Exchange;
  /** Whose request it serves; null: nobody's. */
  #connection: StreamOwner | null = null;
  /** The stream that it was begun with, until its exchange is over: only this one is listened to. */
  #origin: Stream | null = null;
  /** Bytes of the request that were taken and not credited. */
  #taken = 0;
  #paused = false;
  ended = false;

  constructor({ exchange, http2, worker }: DownstreamContext) {
    this.answer = new Http2Answer(http2, worker, this);
    this.#exchange = new Exchange(exchange, this);
  }

  /** It is over: nothing of the request and its client stays with it. Unless `kept`, no request will begin it anew. */
  forget(kept: boolean): void {
    this.#connection = null;
    this.#exchange.forget();
    if (!kept) this.#exchange.retire();
  }

  get #client(): StreamOwner {
    if (this.#connection === null) throw new Error("a stream that serves nobody was asked for its client");
    return this.#connection;
  }

  get transport(): Transport {
    return this.#client.transport;
  }

  get peer(): string {
    return this.transport.peer;
  }

  get secure(): boolean {
    return this.transport.secure;
  }

  get callerMs(): number {
    return this.#exchange.callerMs;
  }

  get connectionFull(): boolean {
    return this.#client.full;
  }

  /** The connection has too much queued: what is not sent yet stays with the upstream. */
  holdResponse(): void {
    // Whoever is being written to is asked when that is done.
    if (!this.answer.writing) this.#exchange.answer.hold();
  }

  /** The connection has room again. */
  resumeResponse(): void {
    if (!this.answer.writing && !this.answer.waits) this.#exchange.answer.clientDrained();
  }

  begin(connection: StreamOwner, stream: Stream, head: WireRequestHead, ended: boolean): void {
    const { request } = this.#exchange;
    this.#connection = connection;
    this.#origin = stream;
    this.answer.begin(stream, head.grpc, head.isHead);
    this.#taken = 0;
    this.#paused = false;
    this.ended = ended;
    const { expectsContinue } = head;
    request.head(head, connection.facts);
    if (connection.full) this.holdResponse();
    // The route and the limits are decided: now the body is welcome.
    if (expectsContinue && !ended && request.wanted) stream.sendHead(continueHead, continueHead.length, false, false);
  }

  streamData(stream: Stream, bytes: Buffer, start: number, end: number): void {
    if (stream !== this.#origin) return;
    this.#client.read(this);
    this.#taken += end - start;
    this.#exchange.request.body(bytes, start, end);
  }

  streamEnd(stream: Stream, trailers: FieldList | null): void {
    if (stream !== this.#origin) return;
    this.#client.read(this);
    this.ended = true;
    this.answer.releaseIfOver();
    this.#exchange.request.end(trailers);
  }

  /** All of the request that was read has been told. */
  flush(): void {
    this.#exchange.request.flush();
    if (!this.#paused) this.#credit();
  }

  streamLost(stream: Stream, { cause, code }: StreamLoss): void {
    if (stream !== this.#origin) return;
    this.answer.stream = null;
    this.#client.read(null);
    const isOurs = cause === "mistake" && code === errorCode.internalError;
    this.#exchange.clientGone(isOurs ? failures.fault : failures.clientGone);
  }

  streamPassedOn(stream: Stream): void {
    if (stream === this.#origin && !this.#client.full && stream.queuedBytes <= mostQueuedBytes)
      this.#exchange.answer.clientDrained();
  }

  pauseRequest(): void {
    this.#paused = true;
  }

  resumeRequest(): void {
    this.#paused = false;
    this.#credit();
  }

  #credit(): void {
    const taken = this.#taken;
    this.#taken = 0;
    if (taken > 0) this.answer.stream?.credit(taken);
  }

  giveUp(): void {
    this.#exchange.request.giveUp();
  }

  requestUnwanted(): void {
    const { answer } = this;
    const { stream } = answer;
    if (stream === null || this.ended || !answer.ended) return;
    this.giveUp();
    stream.discardRest();
    answer.stream = null;
  }

  exchangeOver(): void {
    this.answer.over();
    this.#origin = null;
    this.#client.release(this);
  }
}
