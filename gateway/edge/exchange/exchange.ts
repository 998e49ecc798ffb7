// Exchange: one request and its response. Decides, picks an Endpoint, streams both ways, keeps the time limits, counts. It ends only when
// both directions are done: an upstream may answer before it was asked to the end.
import type { RejectDecision, Shadow } from '../../../routing/decision.ts';
import { decide } from '../../../routing/decide.ts';
import { fixed } from '../../counters.ts';
import { AnswerEdits } from '../policy/answer-edits.ts';
import type { Attached, Attachment } from '../policy/compiled-mapping.ts';
import type { ClientSide } from './client-side.ts';
import { Deadline } from '../io/deadline.ts';
import type { Timed } from '../io/deadline.ts';
import type { WorkerContext } from '../io/worker-context.ts';
import type { ExchangeContext } from './exchange-context.ts';
import { ExchangeRecord } from './exchange-record.ts';
import { ExchangeTimes } from './exchange-times.ts';
import { failures } from '../message/failure.ts';
import type { Failure } from '../message/failure.ts';
import { failureAnswer, probeAnswer, rejectFailure } from '../message/answers.ts';
import type { Answer } from '../message/answers.ts';
import { Forwarding } from './forwarding.ts';
import { GrpcWeb } from './grpc-web.ts';
import type { ForwardingOwner } from './forwarding.ts';
import type { FieldList } from '../message/fields.ts';
import { grpcWeb } from '../message/request-head.ts';
import type { Http1RequestHead } from '../message/request-head.ts';
import { chunkedLength, upgradeLength } from '../message/framing.ts';
import type { ClientFacts } from '../message/client-facts.ts';
import type { ResponseHead } from '../message/response-head.ts';
import { redirectAnswer } from '../policy/redirect.ts';
import { refusalOf, rewriteFailures } from '../policy/refusal.ts';
import type { CopyTarget } from '../shadow/shadow-budget.ts';
import type { ShadowCopy } from '../shadow/shadow-copy.ts';
import { stickOf } from '../policy/stickiness.ts';
import type { StickyOn } from '../upstream/balancing-policy.ts';

/** Kept by its client's side and begun anew for each request. */
export class Exchange implements ForwardingOwner, Timed {
  readonly #context: ExchangeContext;
  readonly #worker: WorkerContext;
  /** Whose exchange it is, and what stands between where the call is gRPC-Web; null: nothing. */
  readonly #own: ClientSide;
  #web: GrpcWeb | null = null;
  #client: ClientSide;
  readonly #forwarding: Forwarding;
  readonly #deadline = new Deadline(this);
  readonly #times: ExchangeTimes;
  readonly #record: ExchangeRecord;
  readonly #edits = new AnswerEdits();

  /** From `begin` until both directions are done. */
  active = false;
  #json = false;
  #grpc = false;
  #chunked = false;
  /** What a gRPC caller gives the call. */
  #callerMs = Infinity;
  #attachment: Attachment | null = null;
  #copy: ShadowCopy<CopyTarget> | null = null;

  #requestDone = false;
  /** What comes of the request still is thrown away. */
  #discarding = false;
  #responseDone = false;

  constructor(context: ExchangeContext, client: ClientSide) {
    this.#context = context;
    this.#worker = context.worker;
    this.#own = client;
    this.#client = client;
    this.#forwarding = new Forwarding(context, this);
    this.#record = new ExchangeRecord(context);
    this.#times = new ExchangeTimes(context.worker.limits);
  }

  /** The request is read to its end, or given up. */
  get requestDone(): boolean {
    return this.#requestDone;
  }

  /** Bytes of the answer have been sent. */
  get responseStarted(): boolean {
    return this.#times.responseStarted;
  }

  /** A byte last came, either way: ms of the edge's clock. */
  get lastByteMs(): number {
    return this.#times.lastByteMs;
  }

  /** What a gRPC caller gives the call, ms; Infinity: it does not say. */
  get callerMs(): number {
    return this.#grpc ? this.#callerMs : Infinity;
  }

  /** Somebody will take the request's body. */
  get wantsBody(): boolean {
    return this.active && !this.#discarding;
  }

  /**
   * A head was read, of a client with these facts. `bodyBytes` is the length of its body, 0 for none, or `chunkedLength`. The head is valid
   * during the call. The caller feeds the body, then says `requestEnd`, and `requestFlush` at the end of each read.
   */
  begin(head: Http1RequestHead, bodyBytes: number, facts: ClientFacts): void {
    const context = this.#context;
    if (head.grpcWeb !== grpcWeb.no || this.#web !== null) {
      this.#translate(head);
      if (bodyBytes > 0 && head.chunked) bodyBytes = chunkedLength;
    }
    this.#reset(head);
    const decision = decide(context.table, head, this.#worker.draw());
    if (head.regexSteps > 0) this.#worker.counters.add(fixed.textsTooLong, head.unmatchedTexts);
    if (decision.kind === 'reject') {
      this.#reject(decision, head);
      return;
    }
    const attachment = decision.attached.compiled;
    this.#attachment = attachment;
    this.#record.decision = decision;
    this.#record.enter(attachment.slot);
    if (attachment.responseEdits !== null || attachment.cors !== null) {
      const preflight = this.#edits.begin(head, attachment, facts);
      if (preflight !== null) {
        this.#answer(preflight);
        return;
      }
    }
    // A pool says that it is no redirect: the target lies in another cache line.
    if (attachment.pool === null && decision.target.kind === 'redirect') {
      const answer = redirectAnswer(decision.target, attachment.redirect!, head, this.#client.secure, this.#worker.limits.requestLineBytes);
      if (typeof answer === 'string') this.#fail(rewriteFailures[answer], '');
      else this.#answer(answer);
      return;
    }
    const refusal = refusalOf(head, bodyBytes, attachment, this.#worker.limits);
    if (refusal === null) this.#forward(head, bodyBytes, facts, decision.shadows);
    else this.#fail(refusal.failure, refusal.detail);
  }

  /** A call of gRPC-Web is gRPC from here on; the next one need not be. */
  #translate(head: Http1RequestHead): void {
    this.#web = head.grpcWeb === grpcWeb.no ? null : new GrpcWeb(this.#own, head);
    this.#client = this.#web ?? this.#own;
  }

  #reset(head: Http1RequestHead): void {
    this.#times.begin(this.#worker.nowMs, head.grpc, head.grpcTimeoutMs);
    this.#callerMs = head.grpcTimeoutMs;
    this.#record.begin(head);
    this.active = true;
    this.#json = head.wantsJson;
    this.#grpc = head.grpc;
    this.#chunked = head.chunked;
    this.#attachment = null;
    this.#edits.reset();
    this.#requestDone = false;
    this.#discarding = false;
    this.#responseDone = false;
    this.#forwarding.reset(head.isHead);
  }

  #reject(decision: RejectDecision, head: Http1RequestHead): void {
    const context = this.#context;
    if (decision.reason === 'no-route') {
      const probe = probeAnswer(head, context.ready, context.table.version > 0);
      if (probe !== null) {
        this.#probe(probe);
        return;
      }
    }
    this.#record.enter(decision.mapping === null ? -1 : context.slotOf(decision.mapping.id));
    this.#fail(rejectFailure(decision.reason), decision.sentence);
  }

  /** Answered without being counted: kubelets ask every few seconds. */
  #probe(answer: Answer): void {
    this.#record.exclude();
    this.#times.responseStarted = true;
    this.#responseDone = true;
    this.#discarding = true;
    this.#client.answer(answer, false);
    // Nothing else would end it: the client may have given up its body, and then no end of the request comes.
    this.#finishIfDone();
  }

  #forward(head: Http1RequestHead, bodyBytes: number, facts: ClientFacts, shadows: readonly Shadow<Attached>[]): void {
    const attachment = this.#attachment!;
    this.#record.identify();
    const { requestId } = this.#record;
    if (shadows.length > 0 && !head.websocket) this.#copy = this.#context.shadows.begin(shadows, head, attachment, facts, requestId);
    if (attachment.choice.on !== null) this.#stick(attachment.choice.on, head, facts);
    const framing = head.chunked ? chunkedLength : bodyBytes > 0 || head.contentLength === 0 ? bodyBytes : -1;
    this.#forwarding.begin(head, attachment, facts, requestId, head.websocket ? upgradeLength : framing);
  }

  /** Keeps the client at one Endpoint. */
  #stick(on: StickyOn, head: Http1RequestHead, facts: ClientFacts): void {
    const { hash, cookie } = stickOf(on, head, facts, this.#context.ids);
    this.#forwarding.hash = hash;
    if (cookie !== null) this.#edits.setCookie(cookie);
  }

  requestBody(bytes: Buffer, start: number, end: number): void {
    const { nowMs, limits } = this.#worker;
    this.#record.requestBytes += end - start;
    this.#times.requestByteMs = nowMs;
    this.#times.lastByteMs = nowMs;
    if (this.#discarding) return;
    if (this.#chunked && limits.bodyBytes > 0 && this.#record.requestBytes > limits.bodyBytes) {
      this.#fail(failures.bodyTooLarge, '');
      return;
    }
    if (this.#web === null) this.#pass(bytes, start, end);
    else this.#passDecoded(this.#web.decode(bytes, start, end));
  }

  #passDecoded(bytes: Buffer | null): void {
    if (bytes === null) this.#fail(failures.malformedText, '');
    else if (bytes.length > 0) this.#pass(bytes, 0, bytes.length);
  }

  #pass(bytes: Buffer, start: number, end: number): void {
    if (this.#copy !== null && !this.#copy.append(bytes, start, end)) this.#copy = null;
    this.#forwarding.body(bytes, start, end);
  }

  requestEnd(trailers: FieldList | null): void {
    this.#requestDone = true;
    const { nowMs } = this.#worker;
    this.#times.requestDoneMs = nowMs;
    this.#times.lastByteMs = nowMs;
    if (this.#discarding) return;
    if (this.#web === null || this.#web.complete) this.#forwarding.end(trailers);
    else this.#fail(failures.malformedText, '');
  }

  /** What of the request was in this read has been given. */
  requestFlush(): void {
    if (!this.active) return;
    if (this.#discarding) {
      this.#finishIfDone();
      return;
    }
    this.#forwarding.flush();
    if (this.#requestDone) {
      if (this.#copy !== null) this.#sendCopy();
      this.#finishIfDone();
      if (!this.active) return;
    } else if (this.#forwarding.congested) {
      this.#times.requestPaused = true;
      this.#client.pauseRequest();
    }
    this.#arm();
  }

  #sendCopy(): void {
    const copy = this.#copy!;
    this.#copy = null;
    this.#context.shadows.send(copy);
  }

  get remainingMs(): number {
    return this.#times.remainingMs(this.#worker.nowMs, this.#attachment!);
  }

  requestTaken(): void {
    this.#resumeRequest();
    this.#arm();
  }

  #resumeRequest(): void {
    if (!this.#times.requestPaused) return;
    this.#times.requestPaused = false;
    this.#times.requestByteMs = this.#worker.nowMs;
    this.#client.resumeRequest();
  }

  informational(head: ResponseHead): void {
    this.#client.informational(head);
  }

  upgraded(head: ResponseHead): void {
    this.#times.openTunnel(this.#worker.nowMs);
    this.#record.code = head.status;
    this.#requestDone = false;
    this.#client.upgraded(head);
  }

  responseHead(head: ResponseHead): void {
    const { nowMs } = this.#worker;
    this.#times.responseStarted = true;
    this.#record.code = head.status;
    this.#times.lastByteMs = nowMs;
    this.#client.responseHead(head, this.#attachment!, this.#edits.edits, Math.round(nowMs - this.#forwarding.sentMs));
  }

  responseBody(bytes: Buffer, start: number, end: number): void {
    this.#record.responseBytes += end - start;
    this.#times.lastByteMs = this.#worker.nowMs;
    this.#client.responseBody(bytes, start, end);
  }

  responseEnd(trailers: FieldList | null): void {
    this.#responseDone = true;
    this.#client.responseEnd(trailers);
  }

  responseFlush(): void {
    this.#client.flush();
    if (this.#responseDone || !this.active) return;
    if (this.#client.congested) {
      this.#forwarding.pauseResponse();
      this.#times.stall.begin(this.#worker.nowMs, this.#client);
    }
    this.#arm();
  }

  responseOver(): void {
    // An early response whose connection is gone: the rest of the request has no taker.
    if (!this.#requestDone && !this.#forwarding.taken) {
      this.#discard();
      this.#client.requestUnwanted();
    }
    this.#finishIfDone();
    if (this.active) this.#arm();
  }

  takeBack(): boolean {
    if (!this.#times.responseStarted) return true;
    if (!this.#client.takeBack()) return false;
    this.#times.responseStarted = false;
    this.#record.responseBytes = 0;
    return true;
  }

  forwardingFailed(failure: Failure, detail: string): void {
    this.#fail(failure, detail);
  }

  /** The client is sent no more for now, whatever waits for it: its other answers take too much room. */
  holdResponse(): void {
    if (this.active && !this.#responseDone) this.#forwarding.pauseResponse();
  }

  /** The client takes bytes again. */
  clientDrained(): void {
    this.#times.stall.end();
    this.#forwarding.resumeResponse();
    if (this.active) this.#arm();
  }

  /** The client has left: what it asked for is cancelled at once. */
  clientGone(failure: Failure): void {
    if (!this.active) return;
    this.#record.fail(failure, '');
    this.#end();
  }

  /** It is over, and serves another client next: nothing of the call, its client or the table stays with it. */
  forget(): void {
    this.#web = null;
    this.#client = this.#own;
    this.#attachment = null;
    this.#edits.reset();
    this.#record.forget();
    this.#forwarding.forget();
  }

  /** No request will begin it anew. A deadline that is merely cleared would hold it for seconds. */
  retire(): void {
    this.#worker.wheel.remove(this.#deadline);
  }

  /** A fault of the request's framing: the body makes no sense from here on. */
  refuse(failure: Failure): void {
    this.#fail(failure, '');
  }

  expired(nowMs: number): void {
    this.#worker.nowMs = nowMs;
    if (!this.active) return;
    const attachment = this.#attachment;
    this.#times.stall.look(nowMs, this.#client);
    switch (this.#times.due(nowMs, attachment)) {
      case 'write-stall':
        this.#client.abort(failures.clientStalled, '');
        this.clientGone(failures.clientStalled);
        return;
      case 'body':
        this.#fail(failures.bodyTimeout, '');
        return;
      case 'caller':
        if (!this.#times.responseStarted) this.#forwarding.timedOut();
        this.#fail(failures.upstreamTimeout, `timeout ${this.#callerMs} ms set by the caller's grpc-timeout`);
        return;
      case 'timeout':
        if (!this.#times.responseStarted) this.#forwarding.timedOut();
        this.#fail(failures.upstreamTimeout, attachment!.timeoutSentence);
        return;
      case 'idle':
        this.#fail(failures.streamIdle, `no byte for ${attachment!.idleTimeoutMs} ms`);
        return;
      case null:
        this.#arm();
    }
  }

  /** Sets the deadline that comes first. */
  #arm(): void {
    this.#worker.wheel.set(this.#deadline, this.#times.nextDueMs(this.#attachment));
  }

  /** Ends it with a failure: by an answer where none has begun, else by cutting it. */
  #fail(failure: Failure, detail: string): void {
    if (!this.active || (this.#responseDone && this.#requestDone)) return;
    this.#record.fail(failure, detail);
    this.#drop();
    if (this.#times.responseStarted) {
      if (!this.#responseDone) this.#client.abort(failure, detail);
      this.#end();
      return;
    }
    this.#answer(failureAnswer(failure, detail, this.#json, this.#grpc, this.#forwarding.retried), failure === failures.bodyTimeout || failure === failures.malformedBody);
  }

  #answer(answer: Answer, last = false): void {
    this.#record.code = answer.code;
    this.#times.responseStarted = true;
    this.#responseDone = true;
    this.#drop();
    this.#discard();
    this.#record.responseBytes += answer.body.length;
    this.#client.answer(this.#edits.completed(answer), last);
    this.#finishIfDone();
  }

  /** The rest of the request goes nowhere. */
  #discard(): void {
    this.#discarding = true;
    this.#resumeRequest();
  }

  /** Nothing more goes to the upstream or to shadows. */
  #drop(): void {
    if (this.#copy !== null) {
      this.#copy.drop('dropped_incomplete');
      this.#copy = null;
    }
    this.#forwarding.drop();
  }

  /** The client reads no further: its request counts as done. */
  giveUpRequest(): void {
    this.#requestDone = true;
    this.#discarding = true;
  }

  #finishIfDone(): void {
    if (this.active && this.#requestDone && this.#responseDone) this.#end();
  }

  #end(): void {
    const worker = this.#worker;
    this.#drop();
    this.active = false;
    worker.wheel.clear(this.#deadline);
    this.#record.finish(this.#times.startedMs, this.#client.peer, this.#forwarding.address, this.#forwarding.spent);
    this.#client.exchangeOver();
  }
}
