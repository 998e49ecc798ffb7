// One HTTP/1.1 client connection: its life from the first byte to the last. One exchange at a time; requests are read by its reader, answers
// framed by its writer.
import { fixed } from '../../counters.ts';
import { unservedEntry } from '../access/access-entry.ts';
import type { CompiledMapping } from '../policy/compiled-mapping.ts';
import { failureAnswer, identified } from '../message/answers.ts';
import type { Answer } from '../message/answers.ts';
import type { ClientSide } from '../exchange/client-side.ts';
import { Deadline } from '../io/deadline.ts';
import type { Timed } from '../io/deadline.ts';
import type { WorkerContext } from '../io/worker-context.ts';
import type { ClientConnection } from './client-connection.ts';
import type { DownstreamContext } from './downstream-context.ts';
import { Exchange } from '../exchange/exchange.ts';
import { failures } from '../message/failure.ts';
import type { Failure } from '../message/failure.ts';
import type { Transport, TransportOwner } from '../io/transport.ts';
import { WriteStall } from '../io/write-stall.ts';
import { ClientWriter } from './http1-writer.ts';
import type { FieldList } from '../message/fields.ts';
import type { CompiledEdits } from '../message/header-edits.ts';
import type { WireRequestHead } from '../message/request-head.ts';
import { RequestReader } from '../http1/request-reader.ts';
import type { RequestTaker } from '../http1/request-reader.ts';
import { clientFacts } from '../message/client-facts.ts';
import type { ClientFacts } from '../message/client-facts.ts';
import type { ResponseHead } from '../message/response-head.ts';

/** `closing`: everything is said, only the peer's end is awaited. */
type State = 'open' | 'closing' | 'gone';

/** A request body of which no more than this is left is read to its end, so that the connection can be used again. */
const mostDiscardBytes = 64 * 1024;
/** After our last byte: time and bytes for the peer to take its answer and close. Closing at once could destroy the answer on its way. */
const lingerMs = 1000;
const mostLingerBytes = 256 * 1024;
/** Is a client that sends no more gone, or waiting for its answer? A 100 tells: whoever is gone answers it with a reset. Ms after its end. */
const probeAfterMs: readonly number[] = [10, 50, 250, 1000];

const continueLine = Buffer.from('HTTP/1.1 100 Continue\r\n\r\n');

export class Http1Connection implements TransportOwner, RequestTaker, ClientSide, ClientConnection, Timed {
  readonly #context: DownstreamContext;
  readonly #worker: WorkerContext;
  readonly #transport: Transport;
  readonly #deadline = new Deadline(this);
  readonly #reader: RequestReader;
  readonly #writer: ClientWriter;
  // Made for the first request: ten thousand idle connections have none.
  #exchange: Exchange | null = null;
  #facts: ClientFacts | null = null;
  #state: State = 'open';
  /** The body of this request is asked for by `Expect` and none of it has come. */
  #owesContinue = false;
  /** Bytes pass as they are, both ways, until both sides have ended. */
  #tunnel = false;
  /** The peer sends no more. */
  #peerEnded = false;
  /** Since when a pause of its answer is not the client's doing: it ended, or took what it was sent. Ms of the edge's clock. */
  #heardMs = 0;
  #probes = 0;
  #paused = false;
  /** The client has not taken its last answers: its next request waits until it has. */
  #blocked = false;
  /** Made for the first client that is slow at the end of an exchange. */
  #stall: WriteStall | null = null;
  #lingered = 0;
  #headSinceMs = Infinity;
  #idleSinceMs: number;

  constructor(context: DownstreamContext, transport: Transport) {
    const { worker } = context;
    this.#context = context;
    this.#worker = worker;
    this.#transport = transport;
    this.#reader = new RequestReader(context, worker.limits, this);
    this.#writer = new ClientWriter(context, transport);
    this.#idleSinceMs = worker.nowMs;
    context.connections.add(this);
    worker.counters.add(fixed.clientConnectionsHttp1, 1);
    worker.wheel.set(this.#deadline, worker.nowMs + worker.limits.connectionIdleTimeoutMs);
  }

  get peer(): string {
    return this.#transport.peer;
  }

  get secure(): boolean {
    return this.#transport.secure;
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

  get busy(): boolean {
    return (this.#exchange !== null && this.#exchange.active) || this.#reader.carries || !this.#reader.awaitingHead || this.#state !== 'open';
  }

  get idleSinceMs(): number {
    return this.busy ? Infinity : this.#idleSinceMs;
  }

  // What the client sends.

  received(bytes: Buffer, start: number, end: number): void {
    this.#worker.tick();
    if (this.#state === 'open') {
      this.#reader.received(bytes, start, end);
      return;
    }
    this.#lingered += end - start;
    if (this.#lingered > mostLingerBytes) this.destroy();
  }

  requestHead(head: WireRequestHead, hasBody: boolean, last: boolean): void {
    const worker = this.#worker;
    this.#headSinceMs = Infinity;
    worker.wheel.clear(this.#deadline);
    this.#writer.begin(head.http11, head.isHead, head.close);
    this.#owesContinue = head.expectsContinue;
    const exchange = (this.#exchange ??= new Exchange(this.#context.exchange, this));
    this.#facts ??= clientFacts(this.#transport.peer, this.#transport.secure, worker.trustedHops);
    exchange.begin(head, this.#facts);
    if (!hasBody) exchange.requestEnd(null);
    // The route and the limits are decided: now the body is welcome.
    else if (this.#owesContinue && last && exchange.wantsBody) this.#transport.give(continueLine);
  }

  requestBody(bytes: Buffer, start: number, end: number): void {
    this.#owesContinue = false;
    this.#exchange!.requestBody(bytes, start, end);
  }

  requestEnd(trailers: FieldList | null): void {
    this.#exchange!.requestEnd(trailers);
  }

  requestFlush(): void {
    this.#exchange?.requestFlush();
    // Half a request behind an answered one, and nothing more to come.
    if (this.#peerEnded && this.#state === 'open' && !this.#reader.complete && !this.#reader.awaitingHead) this.#giveUp();
  }

  bodyRefused(failure: Failure): void {
    this.#exchange!.refuse(failure);
  }

  headRefused(failure: Failure, head: WireRequestHead): void {
    this.#refuse(failure, head.isHead, head.wantsJson);
  }

  /** Answers what is no request, and closes: where the next one would begin is not known. */
  #refuse(failure: Failure, isHead: boolean, json: boolean): void {
    const worker = this.#worker;
    this.#headSinceMs = Infinity;
    this.#writer.begin(true, isHead, true);
    worker.counters.failure(failure.flag);
    worker.counters.finish(-1, failure.httpStatus, 0);
    const requestId = failure.httpStatus > 0 ? this.#context.exchange.ids.draw() : '';
    if (failure.httpStatus > 0) this.#writer.answer(identified(failureAnswer(failure, '', json, false), requestId));
    worker.log(failure.flag, () => unservedEntry(failure, '', failure.httpStatus, this.peer, requestId));
    this.#finish();
  }

  /** Between requests: the deadline of a head that has begun, or of an idle connection. */
  awaitsHead(): void {
    const { nowMs, limits, wheel } = this.#worker;
    if (this.#reader.carries) {
      if (this.#peerEnded) {
        this.#giveUp();
        return;
      }
      if (this.#headSinceMs === Infinity) this.#headSinceMs = nowMs;
      wheel.set(this.#deadline, this.#headSinceMs + limits.headTimeoutMs);
    } else if (this.#peerEnded) {
      this.#finish();
    } else {
      this.#idleSinceMs = nowMs;
      wheel.set(this.#deadline, nowMs + limits.connectionIdleTimeoutMs);
    }
  }

  sentEnough(): void {
    this.pauseRequest();
  }

  exchangeOver(): void {
    if (this.#state !== 'open') return;
    // The rest of the request will not be read, or this was the last answer.
    if (!this.#reader.complete || this.#writer.close) {
      this.#finish();
      return;
    }
    this.#blocked = this.#transport.congested;
    if (this.#blocked) this.#worker.wheel.set(this.#deadline, this.#awaitTaken().nextMs);
    else if (this.#paused) this.#resume();
    this.#reader.next(this.#blocked);
  }

  requestUnwanted(): void {
    // It is read to its end: only so the connection can be used again.
  }

  pauseRequest(): void {
    this.#paused = true;
    this.#transport.pause();
  }

  resumeRequest(): void {
    if (this.#paused) this.#resume();
  }

  #resume(): void {
    this.#paused = false;
    this.#transport.resume();
  }

  // What the client gets.

  informational(head: ResponseHead): void {
    this.#writer.informational(head);
  }

  responseHead(head: ResponseHead, compiled: CompiledMapping, edits: CompiledEdits | null, serviceTimeMs: number): void {
    this.#writer.head(head, compiled, edits, serviceTimeMs);
    if (this.#peerEnded) this.#worker.wheel.set(this.#deadline, this.#worker.nowMs + this.#worker.limits.halfClosedIdleMs);
  }

  upgraded(head: ResponseHead): void {
    this.#tunnel = true;
    this.#writer.upgraded(head);
    this.resumeRequest();
    this.#reader.openTunnel();
    if (this.#peerEnded) this.#endTunnel();
  }

  /** The client has ended its side of the tunnel. */
  #endTunnel(): void {
    this.#exchange!.requestEnd(null);
    this.#exchange!.requestFlush();
  }

  responseBody(bytes: Buffer, start: number, end: number): void {
    this.#writer.body(bytes, start, end);
  }

  responseEnd(trailers: FieldList | null): void {
    this.#writer.end(trailers);
    if (!this.#tunnel) return;
    this.#worker.out.flush();
    this.#transport.end();
  }

  flush(): void {
    this.#worker.out.flush();
  }

  takeBack(): boolean {
    return this.#writer.takeBack();
  }

  answer(answer: Answer, last: boolean): void {
    // What is left of a small body is read and thrown away; anything else ends the connection.
    const complete = this.#reader.complete || (!last && this.#reader.bytesLeft <= mostDiscardBytes && !this.#owesContinue);
    if (!complete) {
      this.#writer.close = true;
      this.#exchange!.giveUpRequest();
    }
    this.#writer.answer(answer);
  }

  abort(): void {
    this.#tearDown();
  }

  // How it ends.

  /** Sends no more, and waits a moment for the peer to close. */
  #finish(): void {
    this.#state = 'closing';
    this.#reader.stop();
    this.#transport.end();
    if (this.#peerEnded && this.#transport.queued === 0) {
      this.destroy();
      return;
    }
    this.#resume();
    this.#awaitTaken();
    this.#worker.wheel.set(this.#deadline, this.#worker.nowMs + lingerMs);
  }

  /** Half a request and nothing more to come: nobody waits for its answer. What was answered before it still goes out. */
  #giveUp(): void {
    this.#finish();
    this.#exchange?.clientGone(failures.clientGone);
  }

  /** While closing: waits on as long as the client still takes what is queued. */
  #linger(nowMs: number): void {
    if (this.#transport.queued === 0 || this.#isStalled(nowMs)) this.destroy();
    else this.#worker.wheel.set(this.#deadline, Math.min(nowMs + lingerMs, this.#stall!.nextMs));
  }

  /** From now on it is looked at whether the client takes what is queued. */
  #awaitTaken(): WriteStall {
    const stall = (this.#stall ??= new WriteStall(this.#worker.limits.writeStallTimeoutMs));
    stall.end();
    stall.begin(this.#worker.nowMs, this.#transport);
    return stall;
  }

  #isStalled(nowMs: number): boolean {
    const stall = this.#stall!;
    stall.look(nowMs, this.#transport);
    return stall.isOver(nowMs);
  }

  ended(): void {
    this.#heardMs = this.#worker.tick();
    this.#peerEnded = true;
    if (this.#blocked) return;
    if (this.#state === 'closing') {
      if (this.#transport.queued === 0) this.destroy();
    } else if (this.#tunnel) {
      this.#endTunnel();
    } else if (this.#reader.complete) {
      this.#doubt();
    } else if (this.#reader.awaitingHead && !this.#reader.carries) {
      this.#finish();
    } else {
      this.#giveUp();
    }
  }

  /** The client sends no more and awaits its answer, or what is left of it: is it gone? */
  #doubt(): void {
    const exchange = this.#exchange!;
    if (exchange.responseStarted) this.#hear(exchange.lastByteMs);
    else if (this.#writer.http11) this.#probe();
  }

  /** Within an answer nothing can be asked: what is written tells, and where nothing is, after a time, the client counts as gone. */
  #hear(lastByteMs: number): void {
    const { nowMs, limits, wheel } = this.#worker;
    // Whoever does not take what it was sent has a deadline for that.
    const dueMs = (this.#transport.congested ? nowMs : Math.max(this.#heardMs, lastByteMs)) + limits.halfClosedIdleMs;
    if (nowMs < dueMs) {
      wheel.set(this.#deadline, dueMs);
      return;
    }
    this.#tearDown();
    this.#exchange!.clientGone(failures.clientEnded);
  }

  /** A client that only ended its side takes a 100 for what it is; one that is gone answers it with a reset. */
  #probe(): void {
    const afterMs = probeAfterMs[this.#probes++];
    if (afterMs === undefined) return;
    this.#transport.give(continueLine);
    this.#worker.wheel.set(this.#deadline, this.#worker.nowMs + afterMs);
  }

  drained(): void {
    this.#heardMs = this.#worker.tick();
    this.#exchange?.clientDrained();
    if (!this.#blocked) return;
    this.#blocked = false;
    if (this.#paused) this.#resume();
    this.#reader.release();
  }

  broken(): void {
    this.#worker.tick();
    this.destroy();
  }

  crashed(error: unknown): void {
    this.#worker.faulted(error);
    this.#worker.out.drop();
    this.destroy();
  }

  expired(nowMs: number): void {
    this.#worker.nowMs = nowMs;
    if (this.#state === 'closing') {
      this.#linger(nowMs);
    } else if (this.#blocked) {
      if (!this.#isStalled(nowMs)) {
        this.#worker.wheel.set(this.#deadline, this.#stall!.nextMs);
        return;
      }
      this.#worker.counters.failure(failures.clientStalled.flag);
      this.destroy();
    } else if (this.#reader.complete) {
      if (this.#peerEnded) this.#doubt();
    } else if (this.#reader.awaitingHead) {
      if (this.#reader.carries) this.#refuse(failures.headTimeout, false, false);
      else this.#finish();
    }
  }

  destroy(): void {
    if (this.#state === 'gone') return;
    this.#tearDown();
    this.#exchange?.clientGone(failures.clientGone);
  }

  get retiring(): boolean {
    return this.#writer.retiring;
  }

  drain(): void {
    this.#writer.retiring = true;
  }

  /** It speaks another protocol after all: the transport gets another owner. */
  leave(): void {
    this.#forget();
  }

  #tearDown(): void {
    if (this.#state === 'gone') return;
    this.#forget();
    this.#transport.destroy();
  }

  #forget(): void {
    this.#state = 'gone';
    const worker = this.#worker;
    this.#context.connections.delete(this);
    worker.counters.add(fixed.clientConnectionsHttp1, -1);
    worker.wheel.remove(this.#deadline);
    this.#exchange?.retire();
    this.#reader.stop();
  }
}
