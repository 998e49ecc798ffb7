// Http2Answer: the answer of one HTTP/2 stream, as frames.
import { bodyOf, sentenceOf, type Answer } from "../message/answers.ts";
import type { CompiledMapping } from "../policy/compiled-mapping.ts";
import type { AnswerId } from "../message/answer-id.ts";
import type { ClientAnswer } from "../exchange/client-side.ts";
import type { WorkerContext } from "../io/worker-context.ts";
import { failures, type Failure } from "../../failures.ts";
import { grpcMessage } from "../message/grpc-message.ts";
import type { FieldList } from "../fields/fields.ts";
import type { CompiledEdits } from "../message/header-edits.ts";
import type { ResponseHead } from "../message/response-head.ts";
import { errorCode } from "../frames/constants.ts";
import {
  writeAnswerBlock,
  writeInformationalBlock,
  writeResponseBlock,
  writeStatusBlock,
  writeTrailerBlock,
} from "../http2/response-writer.ts";
import type { Transport } from "../io/transport.ts";
import type { BlockHolder, Http2Serving } from "./http2-serving.ts";
import type { Stream } from "../http2/stream.ts";

/** Bytes queued on a stream at which the upstream is not read from: one frame, so that the next one is there when a window opens. */
export const mostQueuedBytes = 16 * 1024;

const noBytes = Buffer.alloc(0);

/** The request that is answered, as its answer needs it. */
export interface AnsweredRequest {
  /** It is read to its end. */
  readonly ended: boolean;
  readonly transport: Transport;
  /** The connection has so much queued that no upstream is read from for it. */
  readonly connectionFull: boolean;
  /** It is read no further. */
  giveUp(): void;
}

/** Kept by its served stream and begun anew for each request. */
export class Http2Answer implements ClientAnswer, BlockHolder {
  readonly #http2: Http2Serving;
  readonly #worker: WorkerContext;
  readonly #request: AnsweredRequest;
  /** Of request and answer; null: it is over, or must not be touched any more. */
  stream: Stream | null = null;
  #grpc = false;
  #isHead = false;
  /** The head is put together and not sent. */
  #holdsHead = false;
  /** Bytes of the body that are still to come; −1: not known. */
  #bodyLeft = -1;
  /** It was given to its end. */
  ended = false;
  /** Bytes of the body are being put on the stream. */
  writing = false;

  constructor(http2: Http2Serving, worker: WorkerContext, request: AnsweredRequest) {
    this.#http2 = http2;
    this.#worker = worker;
    this.#request = request;
  }

  begin(stream: Stream, grpc: boolean, isHead: boolean): void {
    this.stream = stream;
    this.#grpc = grpc;
    this.#isHead = isHead;
    this.ended = false;
    this.writing = false;
  }

  get congested(): boolean {
    return this.waits || (this.stream !== null && this.#request.connectionFull);
  }

  get queued(): number {
    return this.stream === null ? 0 : this.stream.queuedBytes;
  }

  /** Of its connection, where that is what holds the stream up: what moves for other streams does not move this one. */
  get unsent(): number {
    const { transport } = this.#request;
    return transport.congested ? transport.unsent : 0;
  }

  /** More is queued on the stream than the client takes next. */
  get waits(): boolean {
    return this.stream !== null && this.stream.queuedBytes > mostQueuedBytes;
  }

  informational(head: ResponseHead): void {
    const { stream } = this;
    if (stream === null) return;
    const writer = this.#http2.takeWriter();
    writeInformationalBlock(writer, head);
    stream.sendHead(writer.bytes, writer.length, false, false);
  }

  head(
    head: ResponseHead,
    compiled: CompiledMapping,
    edits: CompiledEdits | null,
    serviceTimeMs: number,
    id: AnswerId | null,
  ): void {
    const http2 = this.#http2;
    writeResponseBlock(
      http2.takeWriter(),
      head,
      edits,
      id,
      compiled.serviceTime ? serviceTimeMs : -1,
      head.hasDate || !compiled.date ? null : this.#worker.dateLine,
    );
    http2.hold(this);
    this.#holdsHead = true;
    this.#bodyLeft = head.framing === "length" ? head.contentLength : -1;
  }

  /** Sends the head that is held. */
  sendHead(): void {
    if (this.#holdsHead) this.#sendHead(false);
  }

  #sendHead(end: boolean): void {
    const writer = this.#http2.letGo();
    this.#holdsHead = false;
    this.stream?.sendHead(writer.bytes, writer.length, true, end);
  }

  upgraded(): void {
    throw new Error("HTTP/2 has no upgrades");
  }

  body(bytes: Buffer, start: number, end: number): void {
    this.sendHead();
    const last = this.#bodyLeft === end - start;
    if (this.#bodyLeft > 0) this.#bodyLeft -= end - start;
    this.writing = true;
    this.stream?.sendData(bytes, start, end, last);
    this.writing = false;
    if (last) this.#ended();
  }

  end(trailers: FieldList | null): void {
    if (this.ended) return;
    if (trailers === null) {
      if (this.#holdsHead) this.#sendHead(true);
      else this.stream?.sendData(noBytes, 0, 0, true);
    } else {
      // The writer is needed for the trailers.
      const writer = this.#http2.takeWriter();
      if (writeTrailerBlock(writer, trailers)) this.stream?.sendTrailers(writer.bytes, writer.length);
      else this.stream?.sendData(noBytes, 0, 0, true);
    }
    this.#ended();
  }

  flush(): void {
    this.sendHead();
  }

  takeBack(): boolean {
    if (!this.#holdsHead) return false;
    this.#dropHead();
    return true;
  }

  #dropHead(): void {
    this.#http2.letGo();
    this.#holdsHead = false;
  }

  sendOwn(answer: Answer): void {
    const { stream } = this;
    if (!this.#request.ended) this.#request.giveUp();
    if (stream === null) return;
    const body = bodyOf(answer);
    const writer = this.#http2.takeWriter();
    writeAnswerBlock(writer, answer, body.length, this.#worker.dateLine);
    const bodiless = this.#isHead || body.length === 0;
    stream.sendHead(writer.bytes, writer.length, true, bodiless);
    if (!bodiless) stream.sendData(body, 0, body.length, true);
    if (!this.#request.ended) stream.discardRest();
    this.ended = true;
    this.stream = null;
  }

  #ended(): void {
    this.ended = true;
    this.releaseIfOver();
  }

  /** A stream that is over may serve another exchange. */
  releaseIfOver(): void {
    if (this.ended && this.#request.ended) this.stream = null;
  }

  abort(failure: Failure, detail: string): void {
    const { stream } = this;
    this.stream = null;
    if (stream === null) return;
    if (!this.#grpc || this.#bodyLeft > 0 || failure === failures.clientStalled) {
      stream.reset(errorCode.internalError);
      return;
    }
    // Messages of gRPC say how long they are: a status behind one that is cut is still read as the call's.
    const writer = this.#http2.takeWriter();
    writeStatusBlock(writer, failure.grpcStatus, grpcMessage(sentenceOf(failure, detail)));
    stream.sendTrailers(writer.bytes, writer.length);
    if (!this.#request.ended) stream.discardRest();
  }

  /** The exchange is over: what was not sent goes nowhere. */
  over(): void {
    const { stream } = this;
    this.stream = null;
    stream?.discardRest();
    if (this.#holdsHead) this.#dropHead();
  }
}
