// Http1Answer: what an HTTP/1.1 client gets, framed for its version, and put together in the worker's out buffer.
import type { Answer } from "../message/answers.ts";
import type { AnswerId } from "../message/answer-id.ts";
import type { ClientAnswer } from "../exchange/client-side.ts";
import type { CompiledMapping } from "../policy/compiled-mapping.ts";
import type { WorkerContext } from "../io/worker-context.ts";
import type { DownstreamContext } from "./downstream-context.ts";
import type { Transport } from "../io/transport.ts";
import { putChunk, putLastChunk } from "../http1/chunked.ts";
import type { FieldList } from "../fields/fields.ts";
import type { CompiledEdits } from "../message/header-edits.ts";
import type { ResponseHead } from "../message/response-head.ts";
import {
  closeLine,
  keepAliveLine,
  writeAnswer,
  writeInformational,
  writeResponseHead,
  writeUpgrade,
  type ResponseShape,
} from "../http1/response-writer.ts";
import { putTrailers } from "../http1/trailers.ts";

const crlf = Buffer.from("\r\n");

/** The connection of an answer, as the answer needs it. */
export interface AnsweredConnection {
  /** The client sends no more. */
  readonly halfClosed: boolean;
  /** An answer begins for a client that sends no more. */
  answerBegins(): void;
  /** The 101 of a tunnel is put together. */
  tunnelOpens(): void;
  /** Will the request be read to its end? Asked once the answer to it is there whole. `last`: there need be no further one. */
  readsOn(last: boolean): boolean;
  /** Ends at once, in the middle of the answer. The exchange is not told. */
  cut(): void;
}

/** Kept by its connection and begun anew for each request. */
export class Http1Answer implements ClientAnswer {
  readonly #context: DownstreamContext;
  readonly #worker: WorkerContext;
  readonly #transport: Transport;
  readonly #connection: AnsweredConnection;
  /** Age at which answers close the connection. */
  readonly #closeAtMs: number;
  readonly #shape: ResponseShape = {
    edits: null,
    id: null,
    serviceTimeMs: -1,
    chunked: false,
    connectionLine: null,
    dateLine: null,
  };
  #http11 = true;
  #isHead = false;
  /** Bytes pass as they are, both ways, until both sides have ended. */
  #tunnel = false;
  /** Where the head of the answer stands in the out buffer. */
  #headAt = -1;
  /** The connection closes after this answer. */
  close = false;
  /** The connection closes after the next answer, whatever the client says. */
  retiring = false;

  constructor(context: DownstreamContext, transport: Transport, connection: AnsweredConnection) {
    const { worker } = context;
    this.#context = context;
    this.#worker = worker;
    this.#transport = transport;
    this.#connection = connection;
    const { connectionMaxAgeMs } = worker.limits;
    // ± 10 %, so that connections that came together do not go together.
    this.#closeAtMs =
      connectionMaxAgeMs === 0 ? Infinity : worker.nowMs + connectionMaxAgeMs * (0.9 + 0.2 * worker.draw());
  }

  /** HTTP/1.1: it takes chunks and 1xx answers. */
  get http11(): boolean {
    return this.#http11;
  }

  get congested(): boolean {
    return this.#transport.congested;
  }

  get queued(): number {
    return this.#transport.queued;
  }

  get unsent(): number {
    return this.#transport.unsent;
  }

  /** The next answer is to this request. */
  begin(http11: boolean, isHead: boolean, close: boolean): void {
    this.#http11 = http11;
    this.#isHead = isHead;
    this.close = close;
  }

  informational(head: ResponseHead): void {
    if (!this.#http11) return;
    this.#worker.out.open(this.#transport);
    writeInformational(this.#worker.out, head);
  }

  head(
    head: ResponseHead,
    compiled: CompiledMapping,
    edits: CompiledEdits | null,
    serviceTimeMs: number,
    id: AnswerId | null,
  ): void {
    const { out } = this.#worker;
    const shape = this.#shape;
    const unframed = head.framing === "until-close" || head.framing === "chunked";
    shape.chunked = unframed && this.#http11;
    if (unframed && !this.#http11) this.close = true;
    shape.connectionLine = this.#connectionLine();
    shape.edits = edits;
    shape.id = id;
    shape.serviceTimeMs = compiled.serviceTime ? serviceTimeMs : -1;
    shape.dateLine = head.hasDate || !compiled.date ? null : this.#worker.dateLine;
    out.open(this.#transport);
    this.#headAt = out.position;
    writeResponseHead(out, head, shape);
    if (this.#connection.halfClosed) this.#connection.answerBegins();
  }

  takeBack(): boolean {
    return this.#worker.out.takeBack(this.#transport, this.#headAt);
  }

  /** The 101 that begins a tunnel: what follows goes as it is. */
  upgraded(head: ResponseHead, id: AnswerId | null): void {
    this.#shape.chunked = false;
    this.#headAt = -1;
    this.close = true;
    this.#worker.out.open(this.#transport);
    writeUpgrade(this.#worker.out, head, id);
    this.#tunnel = true;
    this.#connection.tunnelOpens();
  }

  body(bytes: Buffer, start: number, end: number): void {
    const { out } = this.#worker;
    out.open(this.#transport);
    if (this.#shape.chunked) putChunk(out, bytes, start, end);
    else out.pass(bytes, start, end);
  }

  end(trailers: FieldList | null): void {
    if (this.#shape.chunked) this.#endChunks(trailers);
    if (!this.#tunnel) return;
    this.#worker.out.flush();
    this.#transport.end();
  }

  #endChunks(trailers: FieldList | null): void {
    const { out } = this.#worker;
    out.open(this.#transport);
    putLastChunk(out);
    if (trailers !== null) putTrailers(out, trailers);
    out.putAll(crlf);
  }

  flush(): void {
    this.#worker.out.flush();
  }

  abort(): void {
    this.#connection.cut();
  }

  sendOwn(answer: Answer, last: boolean): void {
    if (!this.#connection.readsOn(last)) this.close = true;
    this.write(answer);
  }

  /** Writes an answer of the gateway itself, at once. */
  write(answer: Answer): void {
    const { out, dateLine } = this.#worker;
    out.open(this.#transport);
    writeAnswer(out, answer, dateLine, this.#isHead, this.#connectionLine());
    out.flush();
  }

  /** Decides, once for each answer, whether the connection closes after it. To HTTP/1.1 nothing is said of one that does not. */
  #connectionLine(): Buffer | null {
    if (this.retiring || this.#context.draining || this.#worker.nowMs >= this.#closeAtMs) this.close = true;
    if (this.close) return closeLine;
    return this.#http11 ? null : keepAliveLine;
  }
}
