// One HTTP/2 stream of a client and its exchange. Used again and again.
import { sentenceOf } from '../message/answers.ts';
import type { Answer } from '../message/answers.ts';
import type { CompiledMapping } from '../policy/compiled-mapping.ts';
import type { ClientSide } from '../exchange/client-side.ts';
import type { DownstreamContext } from './downstream-context.ts';
import { Exchange } from '../exchange/exchange.ts';
import { failures, grpcMessage } from '../message/failure.ts';
import type { Failure } from '../message/failure.ts';
import type { FieldList } from '../message/fields.ts';
import type { CompiledEdits } from '../message/header-edits.ts';
import type { WireRequestHead } from '../message/request-head.ts';
import type { ResponseHead } from '../message/response-head.ts';
import { errorCode } from '../http2/constants.ts';
import { writeAnswerBlock, writeInformationalBlock, writeResponseBlock, writeStatusBlock, writeTrailerBlock } from '../http2/response-writer.ts';
import type { Transport } from '../io/transport.ts';
import type { ClientFacts } from '../message/client-facts.ts';
import type { BlockHolder } from './http2-serving.ts';
import type { Stream } from '../http2/stream.ts';
import type { RequestUser } from '../http2/stream.ts';

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

/** Bytes queued on a stream at which the upstream is not read from: one frame, so that the next one is there when a window opens. */
const mostQueuedBytes = 16 * 1024;

const noBytes = Buffer.alloc(0);
const continueHead = Buffer.from([0x48, 0x03, 0x31, 0x30, 0x30]);

export class ServedStream implements ClientSide, RequestUser, BlockHolder {
  readonly #context: DownstreamContext;
  readonly #exchange: Exchange;
  /** Whose request it serves; null: nobody's. */
  #connection: StreamOwner | null = null;
  /** The stream that it was begun with, until its exchange is over: only this one is listened to. */
  #origin: Stream | null = null;
  /** null: it is over, or must not be touched any more. */
  #stream: Stream | null = null;
  #grpc = false;
  #isHead = false;
  /** Bytes of the request that were taken and not credited. */
  #taken = 0;
  #paused = false;
  #requestEnded = false;
  /** The head of the answer is put together and not sent. */
  #holdsHead = false;
  /** Bytes of the answer's body that are still to come; −1: not known. */
  #bodyLeft = -1;
  #responseEnded = false;
  /** Bytes of the answer are being put on the stream. */
  #writing = false;

  constructor(context: DownstreamContext) {
    this.#context = context;
    this.#exchange = new Exchange(context.exchange, this);
  }

  /** It is over: nothing of the request and its client stays with it. Unless `kept`, no request will begin it anew. */
  forget(kept: boolean): void {
    this.#connection = null;
    this.#exchange.forget();
    if (!kept) this.#exchange.retire();
  }

  get #client(): StreamOwner {
    if (this.#connection === null) throw new Error('a stream that serves nobody was asked for its client');
    return this.#connection;
  }

  get peer(): string {
    return this.#client.transport.peer;
  }

  get secure(): boolean {
    return this.#client.transport.secure;
  }

  get callerMs(): number {
    return this.#exchange.callerMs;
  }

  get congested(): boolean {
    return this.#waits || (this.#stream !== null && this.#client.full);
  }

  get queued(): number {
    return this.#stream === null ? 0 : this.#stream.queuedBytes;
  }

  /** Of its connection, where that is what holds the stream up: what moves for other streams does not move this one. */
  get unsent(): number {
    const { transport } = this.#client;
    return transport.congested ? transport.unsent : 0;
  }

  /** More is queued on the stream than the client takes next. */
  get #waits(): boolean {
    return this.#stream !== null && this.#stream.queuedBytes > mostQueuedBytes;
  }

  /** The connection has too much queued: what is not sent yet stays with the upstream. */
  holdResponse(): void {
    // Whoever is being written to is asked when that is done.
    if (!this.#writing) this.#exchange.holdResponse();
  }

  /** The connection has room again. */
  resumeResponse(): void {
    if (!this.#writing && !this.#waits) this.#exchange.clientDrained();
  }

  // What the client sends.

  begin(connection: StreamOwner, stream: Stream, head: WireRequestHead, ended: boolean): void {
    this.#connection = connection;
    this.#origin = stream;
    this.#stream = stream;
    this.#grpc = head.grpc;
    this.#isHead = head.isHead;
    this.#taken = 0;
    this.#paused = false;
    this.#requestEnded = ended;
    this.#responseEnded = false;
    this.#writing = false;
    const { expectsContinue } = head;
    this.#exchange.begin(head, connection.facts);
    if (connection.full) this.holdResponse();
    // The route and the limits are decided: now the body is welcome.
    if (expectsContinue && !ended && this.#exchange.wantsBody) stream.sendHead(continueHead, continueHead.length, false, false);
  }

  streamData(stream: Stream, bytes: Buffer, start: number, end: number): void {
    if (stream !== this.#origin) return;
    this.#client.read(this);
    this.#taken += end - start;
    this.#exchange.requestBody(bytes, start, end);
  }

  streamEnd(stream: Stream, trailers: FieldList | null): void {
    if (stream !== this.#origin) return;
    this.#client.read(this);
    this.#requestEnded = true;
    this.#forgetIfOver();
    this.#exchange.requestEnd(trailers);
  }

  /** All of the request that was read has been told. */
  requestFlush(): void {
    this.#exchange.requestFlush();
    if (!this.#paused) this.#credit();
  }

  streamLost(stream: Stream): void {
    if (stream !== this.#origin) return;
    this.#stream = null;
    this.#client.read(null);
    this.#exchange.clientGone(failures.clientGone);
  }

  streamPassedOn(stream: Stream): void {
    if (stream === this.#origin && !this.#client.full && stream.queuedBytes <= mostQueuedBytes) this.#exchange.clientDrained();
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
    if (taken > 0) this.#stream?.credit(taken);
  }

  // What the client gets.

  informational(head: ResponseHead): void {
    const stream = this.#stream;
    if (stream === null) return;
    const writer = this.#context.http2.takeWriter();
    writeInformationalBlock(writer, head);
    stream.sendHead(writer.bytes, writer.length, false, false);
  }

  responseHead(head: ResponseHead, compiled: CompiledMapping, edits: CompiledEdits | null, serviceTimeMs: number): void {
    const { http2, worker } = this.#context;
    writeResponseBlock(http2.takeWriter(), head, edits, compiled.serviceTime ? serviceTimeMs : -1, head.hasDate || !compiled.date ? null : worker.dateLine);
    http2.hold(this);
    this.#holdsHead = true;
    this.#bodyLeft = head.framing === 'length' ? head.contentLength : -1;
  }

  /** Sends the head that is held. */
  sendHead(): void {
    if (this.#holdsHead) this.#sendHead(false);
  }

  #sendHead(end: boolean): void {
    const writer = this.#context.http2.letGo();
    this.#holdsHead = false;
    this.#stream?.sendHead(writer.bytes, writer.length, true, end);
  }

  upgraded(): void {
    throw new Error('HTTP/2 has no upgrades');
  }

  responseBody(bytes: Buffer, start: number, end: number): void {
    this.sendHead();
    const last = this.#bodyLeft === end - start;
    if (this.#bodyLeft > 0) this.#bodyLeft -= end - start;
    this.#writing = true;
    this.#stream?.sendData(bytes, start, end, last);
    this.#writing = false;
    if (last) this.#ended();
  }

  responseEnd(trailers: FieldList | null): void {
    if (this.#responseEnded) return;
    if (trailers === null) {
      if (this.#holdsHead) this.#sendHead(true);
      else this.#stream?.sendData(noBytes, 0, 0, true);
    } else {
      // The writer is needed for the trailers.
      const writer = this.#context.http2.takeWriter();
      if (writeTrailerBlock(writer, trailers)) this.#stream?.sendTrailers(writer.bytes, writer.length);
      else this.#stream?.sendData(noBytes, 0, 0, true);
    }
    this.#ended();
  }

  flush(): void {
    this.sendHead();
  }

  takeBack(): boolean {
    if (!this.#holdsHead) return false;
    this.#context.http2.letGo();
    this.#holdsHead = false;
    return true;
  }

  answer(answer: Answer): void {
    const { http2, worker } = this.#context;
    const stream = this.#stream;
    if (!this.#requestEnded) this.#exchange.giveUpRequest();
    if (stream === null) return;
    const body = typeof answer.body === 'string' ? Buffer.from(answer.body) : answer.body;
    const writer = http2.takeWriter();
    writeAnswerBlock(writer, answer, body.length, worker.dateLine);
    const bodiless = this.#isHead || body.length === 0;
    stream.sendHead(writer.bytes, writer.length, true, bodiless);
    if (!bodiless) stream.sendData(body, 0, body.length, true);
    if (!this.#requestEnded) stream.discardRest();
    this.#responseEnded = true;
    this.#stream = null;
  }

  #ended(): void {
    this.#responseEnded = true;
    this.#forgetIfOver();
  }

  /** What is over may serve another exchange. */
  #forgetIfOver(): void {
    if (this.#requestEnded && this.#responseEnded) this.#stream = null;
  }

  abort(failure: Failure, detail: string): void {
    const stream = this.#stream;
    this.#stream = null;
    if (stream === null) return;
    if (!this.#grpc || this.#bodyLeft > 0 || failure === failures.clientStalled) {
      stream.reset(errorCode.internalError);
      return;
    }
    // Messages of gRPC say how long they are: a status behind one that is cut is still read as the call's.
    const writer = this.#context.http2.takeWriter();
    writeStatusBlock(writer, failure.grpcStatus, grpcMessage(sentenceOf(failure, detail)));
    stream.sendTrailers(writer.bytes, writer.length);
    if (!this.#requestEnded) stream.discardRest();
  }

  requestUnwanted(): void {
    const stream = this.#stream;
    if (stream === null || this.#requestEnded || !this.#responseEnded) return;
    this.#exchange.giveUpRequest();
    stream.discardRest();
    this.#stream = null;
  }

  exchangeOver(): void {
    const stream = this.#stream;
    this.#stream = null;
    stream?.discardRest();
    if (this.#holdsHead) this.#context.http2.letGo();
    this.#holdsHead = false;
    this.#origin = null;
    this.#client.release(this);
  }
}
