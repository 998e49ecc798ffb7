// Exchange: one request and its response. Decides, picks an Endpoint, streams both ways, keeps the time limits, counts. It ends only when
// both directions are done: an upstream may answer before it was asked to the end.
import type { ForwardDecision, RejectDecision } from '../../../routing/decision.ts';
import { decide } from '../../../routing/decide.ts';
import { fixed } from '../../counters.ts';
import { rejectFailure } from '../../failures.ts';
import { AnswerEdits } from '../policy/answer-edits.ts';
import type { LazyMapping, CompiledMapping } from '../policy/compiled-mapping.ts';
import type { ClientSide } from './client-side.ts';
import { Deadline } from '../io/deadline.ts';
import type { Timed } from '../io/deadline.ts';
import type { WorkerContext } from '../io/worker-context.ts';
import type { ExchangeContext } from './exchange-context.ts';
import { ExchangeRecord } from './exchange-record.ts';
import { ExchangeTimes } from './exchange-times.ts';
import { failures } from '../message/failure.ts';
import type { Failure } from '../message/failure.ts';
import { failureAnswer } from '../message/answers.ts';
import type { Answer } from '../message/answers.ts';
import { Forwarding } from './forwarding.ts';
import { GrpcWeb } from './grpc-web.ts';
import type { ForwardingOwner } from './forwarding.ts';
import type { FieldList } from '../message/fields.ts';
import { grpcWeb } from '../message/request-meaning.ts';
import type { WireRequestHead } from '../message/request-head.ts';
import type { ClientFacts } from '../message/client-facts.ts';
import type { ResponseHead } from '../message/response-head.ts';
import type { Step, Verdict } from '../policy/step.ts';
import { rejectedSteps } from '../policy/steps.ts';
import { StepRun } from './step-run.ts';
import type { StepOwner } from './step-run.ts';
import { WaitingBody } from './waiting-body.ts';
import type { CopyTarget } from '../shadow/shadow-budget.ts';
import type { ShadowCopy } from '../shadow/shadow-copy.ts';

/**
 * Where the request stands. `none`: there is no exchange. `passing`: it is read, and passed on. `discarding`: it is read, and thrown away.
 * `complete`: it was read to its end. `dropped`: the same, or it is read no further, and nobody takes what was left of it.
 */
type RequestState = 'none' | 'passing' | 'discarding' | 'complete' | 'dropped';

/** Where the answer stands: nothing, some, or all of it was given to the client. */
type ResponseState = 'awaited' | 'begun' | 'complete';

/** Kept by its client's side and begun anew for each request. */
export class Exchange implements ForwardingOwner, StepOwner, Timed {
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

  #request: RequestState = 'none';
  #response: ResponseState = 'awaited';
  /** null: no request has had steps yet. */
  #steps: StepRun | null = null;
  /** What came while a step waits; null: no step has waited yet. */
  #waitingBody: WaitingBody | null = null;
  #json = false;
  #grpc = false;
  #chunked = false;
  /** What a gRPC caller gives the call. */
  #callerMs = Infinity;
  #compiled: CompiledMapping | null = null;
  #copy: ShadowCopy<CopyTarget> | null = null;

  /** Why nobody takes the request; of use while `#attachment` is null. */
  #rejection: RejectDecision | null = null;
  /** Length of the body, 0 for none; −1: not known. */
  #bodyBytes = 0;
  #facts: ClientFacts | null = null;

  constructor(context: ExchangeContext, client: ClientSide) {
    this.#context = context;
    this.#worker = context.worker;
    this.#own = client;
    this.#client = client;
    this.#forwarding = new Forwarding(context, this);
    this.#record = new ExchangeRecord(context);
    this.#times = new ExchangeTimes(context.worker.limits);
  }

  /** From `begin` until both directions are done. */
  get active(): boolean {
    return this.#request !== 'none';
  }

  /** The request is read to its end, or given up. */
  get requestDone(): boolean {
    return this.#request === 'complete' || this.#request === 'dropped';
  }

  /** The answer has begun. */
  get responseStarted(): boolean {
    return this.#response !== 'awaited';
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
    return this.#request === 'passing' || this.#request === 'complete';
  }

  /**
   * A head was read, of a client with these facts. It is valid during the call. The caller feeds the body, then says `requestEnd`, and
   * `requestFlush` at the end of each read.
   */
  begin(head: WireRequestHead, facts: ClientFacts): void {
    const context = this.#context;
    if (head.grpcWeb !== grpcWeb.no || this.#web !== null) this.#translate(head);
    this.#reset(head);
    this.#facts = facts;
    const decision = decide(context.table, head, this.#worker.draw());
    if (head.regexSteps > 0) this.#worker.counters.add(fixed.textsTooLong, head.unmatchedTexts);
    if (decision.kind === 'reject') {
      this.#reject(decision, head);
      return;
    }
    const compiled = this.#take(decision, head);
    this.#record.enter(compiled.slot);
    const steps = head.websocket ? compiled.upgradeSteps : compiled.steps;
    if (steps === null) {
      this.#forward(head, null);
      return;
    }
    this.#runSteps(steps, head);
  }

  #runSteps(steps: readonly Step[], head: WireRequestHead): void {
    const { ids, table } = this.#context;
    const run = (this.#steps ??= new StepRun(this.#worker, ids, this.#edits, this));
    run.begin(steps, head, { facts: this.#facts!, secure: this.#client.secure, bodyBytes: this.#bodyBytes, table });
    if (run.waiting) this.#times.waitingSinceMs = this.#worker.nowMs;
  }

  /** The request is this Mapping's. */
  #take(decision: ForwardDecision<LazyMapping>, head: WireRequestHead): CompiledMapping {
    const compiled = decision.attached.compiled;
    this.#compiled = compiled;
    this.#record.decision = decision;
    if (compiled.responseEdits !== null) this.#edits.begin(head, compiled, this.#facts!);
    return compiled;
  }

  // What its steps say.

  stepsPassed(head: WireRequestHead): void {
    if (this.#compiled === null) {
      const { reason, sentence } = this.#rejection!;
      this.#fail(rejectFailure(reason), sentence);
      return;
    }
    this.#forward(head, this.#steps!.hash);
  }

  stepDecided(verdict: Exclude<Verdict, { kind: 'go-on' }>, head: WireRequestHead): void {
    switch (verdict.kind) {
      case 'answer':
        if (!verdict.counted) this.#record.exclude();
        this.#answer(verdict.answer);
        return;
      case 'fail':
        this.#fail(verdict.failure, verdict.detail);
        return;
      case 'again':
        this.#decideAgain(head);
    }
  }

  /** By the table that the request began with, and with another draw. */
  #decideAgain(head: WireRequestHead): void {
    const run = this.#steps!;
    const decision = decide(run.table, head, this.#worker.draw());
    this.#edits.beginAgain();
    if (decision.kind === 'reject') {
      this.#compiled = null;
      this.#record.decision = null;
      this.#record.move(decision.mapping === null ? -1 : this.#context.slotOf(decision.mapping.id));
      this.#rejection = decision;
      run.again(rejectedSteps(decision.mapping), head);
      return;
    }
    const compiled = this.#take(decision, head);
    this.#record.move(compiled.slot);
    run.again(head.websocket ? compiled.upgradeSteps : compiled.steps, head);
  }

  stepsResumed(): void {
    this.#times.waitingSinceMs = Infinity;
    const run = this.#steps;
    if (this.wantsBody) {
      // It may end with any piece of it, and a client that sent ahead then has its next request in this exchange.
      this.#waitingBody?.passTo(
        (bytes, start, end) => run === this.#steps && this.#pass(bytes, start, end),
        (trailers) => run === this.#steps && this.#forwarding.end(trailers),
      );
    }
    if (run !== this.#steps) return;
    this.requestFlush();
    if (this.#request === 'passing' && !this.#forwarding.congested) this.#resumeRequest();
  }

  /** A call of gRPC-Web is gRPC from here on; the next one need not be. */
  #translate(head: WireRequestHead): void {
    this.#web = head.grpcWeb === grpcWeb.no ? null : new GrpcWeb(this.#own, head);
    this.#client = this.#web ?? this.#own;
  }

  #reset(head: WireRequestHead): void {
    this.#times.begin(this.#worker.nowMs, head.grpc, head.grpcTimeoutMs);
    this.#callerMs = head.grpcTimeoutMs;
    this.#record.begin(head);
    this.#json = head.wantsJson;
    this.#grpc = head.grpc;
    this.#chunked = head.framing === 'chunked';
    this.#bodyBytes = this.#chunked ? -1 : Math.max(0, head.contentLength);
    this.#compiled = null;
    this.#edits.reset();
    this.#request = 'passing';
    this.#response = 'awaited';
    this.#forwarding.reset(head.isHead);
  }

  #reject(decision: RejectDecision, head: WireRequestHead): void {
    this.#record.enter(decision.mapping === null ? -1 : this.#context.slotOf(decision.mapping.id));
    this.#rejection = decision;
    const steps = decision.reason === 'no-route' ? this.#context.stepsWithoutRoute : rejectedSteps(decision.mapping);
    if (steps === null) this.stepsPassed(head);
    else this.#runSteps(steps, head);
  }

  #forward(head: WireRequestHead, hash: number | null): void {
    const compiled = this.#compiled!;
    const facts = this.#facts!;
    const { shadows } = this.#record.decision!;
    this.#record.identify();
    const { requestId } = this.#record;
    if (shadows.length > 0 && !head.websocket) this.#copy = this.#context.shadows.begin(shadows, head, compiled, facts, requestId);
    this.#forwarding.hash = hash;
    this.#forwarding.begin(head, compiled, facts, requestId);
  }

  /** A step waits: what comes is held back. */
  get #waits(): boolean {
    return this.#steps !== null && this.#steps.waiting;
  }

  requestBody(bytes: Buffer, start: number, end: number): void {
    const { nowMs, limits } = this.#worker;
    this.#record.requestBytes += end - start;
    this.#times.requestByteMs = nowMs;
    this.#times.lastByteMs = nowMs;
    if (this.#request !== 'passing') return;
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
    if (this.#waits) {
      if (!(this.#waitingBody ??= new WaitingBody(this.#worker.held)).append(bytes, start, end)) this.#fail(failures.overflow, 'too much is held for other requests (--retry-total-bytes)');
      return;
    }
    if (this.#copy !== null && !this.#copy.append(bytes, start, end)) this.#copy = null;
    this.#forwarding.body(bytes, start, end);
  }

  requestEnd(trailers: FieldList | null): void {
    const { nowMs } = this.#worker;
    this.#times.requestDoneMs = nowMs;
    this.#times.lastByteMs = nowMs;
    if (this.#request === 'discarding') this.#request = 'dropped';
    if (this.#request !== 'passing') return;
    this.#request = 'complete';
    if (this.#web !== null && !this.#web.complete) this.#fail(failures.malformedText, '');
    else if (this.#waits) (this.#waitingBody ??= new WaitingBody(this.#worker.held)).end(trailers);
    else this.#forwarding.end(trailers);
  }

  /** What of the request was in this read has been given. */
  requestFlush(): void {
    switch (this.#request) {
      case 'none':
        return;
      case 'discarding':
      case 'dropped':
        this.#finishIfDone();
        return;
      case 'passing':
        if (this.#waits) this.#pauseRequest();
        else {
          this.#forwarding.flush();
          if (this.#forwarding.congested) this.#pauseRequest();
        }
        break;
      case 'complete':
        if (this.#waits) break;
        this.#forwarding.flush();
        if (this.#copy !== null) this.#sendCopy();
        this.#finishIfDone();
        if (!this.active) return;
    }
    this.#arm();
  }

  #pauseRequest(): void {
    this.#times.requestPaused = true;
    this.#client.pauseRequest();
  }

  #sendCopy(): void {
    const copy = this.#copy!;
    this.#copy = null;
    this.#context.shadows.send(copy);
  }

  get remainingMs(): number {
    return this.#times.remainingMs(this.#worker.nowMs, this.#compiled!);
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
    this.#response = 'begun';
    // Bytes of the tunnel come as its body.
    this.#request = 'passing';
    this.#client.upgraded(head);
  }

  responseHead(head: ResponseHead): void {
    const { nowMs } = this.#worker;
    if (this.#steps !== null && this.#steps.active && !this.#steps.answered(head)) {
      this.#fail(failures.fault, '');
      return;
    }
    this.#times.responseStarted = true;
    this.#response = 'begun';
    this.#record.code = head.status;
    this.#times.lastByteMs = nowMs;
    this.#client.responseHead(head, this.#compiled!, this.#edits.edits, Math.round(nowMs - this.#forwarding.sentMs));
  }

  responseBody(bytes: Buffer, start: number, end: number): void {
    this.#record.responseBytes += end - start;
    this.#times.lastByteMs = this.#worker.nowMs;
    this.#client.responseBody(bytes, start, end);
  }

  responseEnd(trailers: FieldList | null): void {
    this.#response = 'complete';
    this.#client.responseEnd(trailers);
  }

  responseFlush(): void {
    this.#client.flush();
    if (this.#response === 'complete' || !this.active) return;
    if (this.#client.congested) {
      this.#forwarding.pauseResponse();
      this.#times.stall.begin(this.#worker.nowMs, this.#client);
    }
    this.#arm();
  }

  responseOver(): void {
    // An early response whose connection is gone: the rest of the request has no taker.
    if (this.#request === 'passing' && !this.#forwarding.taken) {
      this.#discard();
      this.#client.requestUnwanted();
    }
    this.#finishIfDone();
    if (this.active) this.#arm();
  }

  takeBack(): boolean {
    if (this.#response === 'awaited') return true;
    if (!this.#client.takeBack()) return false;
    this.#response = 'awaited';
    this.#times.responseStarted = false;
    this.#record.responseBytes = 0;
    return true;
  }

  forwardingFailed(failure: Failure, detail: string): void {
    this.#fail(failure, detail);
  }

  /** The client is sent no more for now, whatever waits for it: its other answers take too much room. */
  holdResponse(): void {
    if (this.active && this.#response !== 'complete') this.#forwarding.pauseResponse();
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
    this.#compiled = null;
    this.#facts = null;
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
    const compiled = this.#compiled;
    this.#times.stall.look(nowMs, this.#client);
    switch (this.#times.due(nowMs, compiled)) {
      case 'write-stall':
        this.#client.abort(failures.clientStalled, '');
        this.clientGone(failures.clientStalled);
        return;
      case 'body':
        this.#fail(failures.bodyTimeout, '');
        return;
      case 'caller':
        if (this.#response === 'awaited') this.#forwarding.timedOut();
        this.#fail(failures.upstreamTimeout, `timeout ${this.#callerMs} ms set by the caller's grpc-timeout`);
        return;
      case 'timeout':
        if (this.#response === 'awaited') this.#forwarding.timedOut();
        this.#fail(failures.upstreamTimeout, compiled!.timeoutSentence);
        return;
      case 'idle':
        this.#fail(failures.streamIdle, `no byte for ${compiled!.idleTimeoutMs} ms`);
        return;
      case null:
        this.#arm();
    }
  }

  /** Sets the deadline that comes first. */
  #arm(): void {
    this.#worker.wheel.set(this.#deadline, this.#times.nextDueMs(this.#compiled));
  }

  /** Ends it with a failure: by an answer where none has begun, else by cutting it. */
  #fail(failure: Failure, detail: string): void {
    if (!this.active || (this.#response === 'complete' && this.requestDone)) return;
    this.#record.fail(failure, detail);
    this.#drop();
    if (this.#response !== 'awaited') {
      if (this.#response === 'begun') this.#client.abort(failure, detail);
      this.#end();
      return;
    }
    this.#answer(failureAnswer(failure, detail, this.#json, this.#grpc, this.#forwarding.retried), failure === failures.bodyTimeout || failure === failures.malformedBody);
  }

  #answer(answer: Answer, last = false): void {
    this.#record.code = answer.code;
    this.#times.responseStarted = true;
    this.#response = 'complete';
    this.#drop();
    this.#discard();
    this.#record.responseBytes += answer.body.length;
    this.#client.answer(this.#edits.completed(answer, this.#record.sharedId), last);
    this.#finishIfDone();
  }

  /** The rest of the request goes nowhere. */
  #discard(): void {
    this.#request = this.requestDone ? 'dropped' : 'discarding';
    this.#resumeRequest();
  }

  /** Nothing more goes to the upstream or to shadows. */
  #drop(): void {
    if (this.#steps !== null && this.#steps.waiting) this.#steps.cancel();
    this.#waitingBody?.clear();
    if (this.#copy !== null) {
      this.#copy.drop('dropped_incomplete');
      this.#copy = null;
    }
    this.#forwarding.drop();
  }

  /** The client reads no further: its request counts as done. */
  giveUpRequest(): void {
    if (this.active) this.#request = 'dropped';
  }

  #finishIfDone(): void {
    if (this.#response === 'complete' && this.requestDone) this.#end();
  }

  #end(): void {
    const worker = this.#worker;
    this.#drop();
    this.#request = 'none';
    if (this.#steps !== null && this.#steps.active) this.#endSteps(this.#steps);
    worker.wheel.clear(this.#deadline);
    this.#record.finish(this.#times.startedMs, this.#client.peer, this.#forwarding.address, this.#forwarding.spent);
    this.#client.exchangeOver();
  }

  #endSteps(run: StepRun): void {
    if (run.spent) this.#steps = null;
    run.end({ code: this.#record.code, failure: this.#record.failure });
  }
}
