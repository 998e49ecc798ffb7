// What an HTTP/1.1 client gets: answers framed for its version. Puts bytes together in the worker's out buffer; the caller flushes.
import type { Answer } from '../message/answers.ts';
import type { CompiledMapping } from '../policy/compiled-mapping.ts';
import type { WorkerContext } from '../io/worker-context.ts';
import type { DownstreamContext } from './downstream-context.ts';
import type { Transport } from '../io/transport.ts';
import { putChunk, putLastChunk } from '../http1/chunked.ts';
import type { FieldList } from '../message/fields.ts';
import type { CompiledEdits } from '../message/header-edits.ts';
import type { ResponseHead } from '../message/response-head.ts';
import { closeLine, keepAliveLine, writeAnswer, writeInformational, writeResponseHead, writeUpgrade } from '../http1/response-writer.ts';
import type { ResponseShape } from '../http1/response-writer.ts';
import { putTrailers } from '../http1/trailers.ts';

const crlf = Buffer.from('\r\n');

export class ClientWriter {
  readonly #context: DownstreamContext;
  readonly #worker: WorkerContext;
  readonly #transport: Transport;
  /** Age at which answers close the connection. */
  readonly #closeAtMs: number;
  readonly #shape: ResponseShape = { edits: null, serviceTimeMs: -1, chunked: false, connectionLine: null, dateLine: null };
  #http11 = true;
  #isHead = false;
  /** Where the head of the answer stands in the out buffer. */
  #headAt = -1;
  /** The connection closes after this answer. */
  close = false;
  /** The connection closes after the next answer, whatever the client says. */
  retiring = false;

  constructor(context: DownstreamContext, transport: Transport) {
    const { worker } = context;
    this.#context = context;
    this.#worker = worker;
    this.#transport = transport;
    const { connectionMaxAgeMs } = worker.limits;
    // ± 10 %, so that connections that came together do not go together.
    this.#closeAtMs = connectionMaxAgeMs === 0 ? Infinity : worker.nowMs + connectionMaxAgeMs * (0.9 + 0.2 * worker.draw());
  }

  /** HTTP/1.1: it takes chunks and 1xx answers. */
  get http11(): boolean {
    return this.#http11;
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

  head(head: ResponseHead, compiled: CompiledMapping, edits: CompiledEdits | null, serviceTimeMs: number): void {
    const { out } = this.#worker;
    const shape = this.#shape;
    const unframed = head.framing === 'until-close' || head.framing === 'chunked';
    shape.chunked = unframed && this.#http11;
    if (unframed && !this.#http11) this.close = true;
    shape.connectionLine = this.#connectionLine();
    shape.edits = edits;
    shape.serviceTimeMs = compiled.serviceTime ? serviceTimeMs : -1;
    shape.dateLine = head.hasDate || !compiled.date ? null : this.#worker.dateLine;
    out.open(this.#transport);
    this.#headAt = out.position;
    writeResponseHead(out, head, shape);
  }

  /** Forgets the head and what follows it. False: some of it has left. */
  takeBack(): boolean {
    return this.#worker.out.takeBack(this.#transport, this.#headAt);
  }

  /** The 101 that begins a tunnel: what follows goes as it is. */
  upgraded(head: ResponseHead): void {
    this.#shape.chunked = false;
    this.#headAt = -1;
    this.close = true;
    this.#worker.out.open(this.#transport);
    writeUpgrade(this.#worker.out, head);
  }

  body(bytes: Buffer, start: number, end: number): void {
    const { out } = this.#worker;
    out.open(this.#transport);
    if (this.#shape.chunked) putChunk(out, bytes, start, end);
    else out.pass(bytes, start, end);
  }

  end(trailers: FieldList | null): void {
    if (!this.#shape.chunked) return;
    const { out } = this.#worker;
    out.open(this.#transport);
    putLastChunk(out);
    if (trailers !== null) putTrailers(out, trailers);
    out.putAll(crlf);
  }

  /** An answer of the gateway itself, sent at once. */
  answer(answer: Answer): void {
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
