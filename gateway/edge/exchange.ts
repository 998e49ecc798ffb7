// Exchange: one request and its response. Decides, picks an Endpoint, streams both ways, keeps the time limits, counts. It ends only when
// both directions are done: an upstream may answer before it was asked to the end.
import type { RejectDecision } from '../../routing/decision.ts';
import { textOf } from '../../routing/bytes.ts';
import { decide } from '../../routing/decide.ts';
import { climbs } from '../../routing/rewrite.ts';
import type { Route } from '../../routing/table.ts';
import { RequestNote } from './access.ts';
import type { Attachment } from './attachment.ts';
import type { ClientSide } from './client-side.ts';
import { corsOf } from './cors.ts';
import { Deadline } from './deadline.ts';
import type { Timed } from './deadline.ts';
import type { Edge } from './edge.ts';
import { ExchangeTimes } from './exchange-times.ts';
import { failures } from './failure.ts';
import type { Failure } from './failure.ts';
import { failureAnswer, probeAnswer, rejectFailure } from './answers.ts';
import type { Answer } from './answers.ts';
import { Forwarding } from './forwarding.ts';
import type { ForwardingOwner } from './forwarding.ts';
import type { FieldList } from './http1/fields.ts';
import { withFields } from './http1/header-edits.ts';
import type { CompiledEdits, ExtraFields } from './http1/header-edits.ts';
import type { Http1RequestHead } from './http1/request-head.ts';
import { chunkedLength } from './http1/request-writer.ts';
import type { ClientFacts } from './http1/request-writer.ts';
import type { ResponseHead } from './http1/response-head.ts';
import { redirectAnswer } from './redirect.ts';
import { requestIdBytes } from './request-id.ts';
import { editsFor } from './request-values.ts';
import type { ShadowCopy } from './shadow.ts';
import { stickOf } from './upstream/stickiness.ts';
import type { StickyOn } from './upstream/stickiness.ts';

/** Kept by its client's side and begun anew for each request. */
export class Exchange implements ForwardingOwner, Timed {
  readonly #edge: Edge;
  readonly #client: ClientSide;
  readonly #facts: ClientFacts;
  readonly #forwarding: Forwarding;
  readonly #deadline = new Deadline(this);
  readonly #times: ExchangeTimes;
  readonly #note = new RequestNote();
  /** Id of the request, unless a trusted proxy gave it one. */
  readonly #requestId = Buffer.alloc(requestIdBytes);
  #hasId = false;

  /** From `begin` until both directions are done. */
  active = false;
  isHead = false;
  #json = false;
  #grpc = false;
  #chunked = false;
  #route: Route<Attachment> | null = null;
  #attachment: Attachment | null = null;
  #slot = -1;
  /** Of this answer: the Mapping's, with variables filled in and `#extra`. */
  #responseEdits: CompiledEdits | null = null;
  /** What any answer to this request gets; null: nothing. */
  #extra: ExtraFields | null = null;
  #copy: ShadowCopy | null = null;
  #failure: Failure | null = null;
  #detail = '';
  #code = 0;

  #requestDone = false;
  /** What comes of the request still is thrown away. */
  #discarding = false;
  #responseDone = false;
  #requestBytes = 0;
  #responseBytes = 0;

  constructor(edge: Edge, client: ClientSide, facts: ClientFacts) {
    this.#edge = edge;
    this.#client = client;
    this.#facts = facts;
    this.#forwarding = new Forwarding(edge, this);
    this.#times = new ExchangeTimes(edge.limits);
  }

  /** The request is read to its end, or given up. */
  get requestDone(): boolean {
    return this.#requestDone;
  }

  /** Bytes of the answer have been sent. */
  get responseStarted(): boolean {
    return this.#times.responseStarted;
  }

  /** Somebody will take the request's body. */
  get wantsBody(): boolean {
    return this.active && !this.#discarding;
  }

  /**
   * A head was read. `bodyBytes` is the length of its body, 0 for none, or `chunkedLength`. The head is valid during the call. The caller
   * feeds the body, then says `requestEnd`, and `requestFlush` at the end of each read.
   */
  begin(head: Http1RequestHead, bodyBytes: number): void {
    const edge = this.#edge;
    this.#reset(head);
    const decision = decide(edge.table, head, edge.draw());
    if (edge.accessLog !== 'off') {
      this.#note.take(head, edge.trustedHops > 0);
    }
    if (decision.kind === 'reject') {
      this.#reject(decision, head);
      return;
    }
    const { attached: attachment } = decision;
    this.#route = decision.route;
    this.#attachment = attachment;
    this.#slot = attachment.slot;
    edge.counters.enter(this.#slot);
    this.#responseEdits = attachment.responseEdits;
    if ((attachment.responseEdits !== null || attachment.cors !== null) && this.#answersItself(head, attachment)) return;
    const { bodyBytes: mostBodyBytes } = edge.limits;
    if (decision.target.kind === 'redirect') {
      this.#answer(redirectAnswer(decision.target, decision.mapping.match.path, head, this.#client.secure));
    } else if (head.websocket) {
      this.#fail(failures.upgradeRefused, '');
    } else if (mostBodyBytes > 0 && bodyBytes > mostBodyBytes) {
      this.#fail(failures.bodyTooLarge, '');
    } else if (attachment.mayClimb && climbs(attachment.rewrite, textOf(head.pathBytes, head.pathStart, head.pathEnd))) {
      this.#fail(failures.pathClimbs, '');
    } else {
      this.#forward(head, bodyBytes, decision.route);
    }
  }

  /** Makes the edits of the answer. true: it was a preflight, and is answered. */
  #answersItself(head: Http1RequestHead, attachment: Attachment): boolean {
    this.#responseEdits = editsFor(attachment.responseEdits, head, this.#facts);
    const verdict = attachment.cors === null ? null : corsOf(attachment.cors, head);
    if (verdict === null) return false;
    if (verdict.kind === 'preflight') {
      this.#answer({ code: 200, contentType: '', body: '', fields: verdict.fields });
      return true;
    }
    this.#extra = verdict.extra;
    this.#responseEdits = withFields(this.#responseEdits, verdict.extra);
    return false;
  }

  #reset(head: Http1RequestHead): void {
    this.#times.begin(this.#edge.nowMs);
    this.active = true;
    this.isHead = head.isHead;
    this.#json = head.wantsJson;
    this.#grpc = head.grpc;
    this.#chunked = head.chunked;
    this.#route = null;
    this.#attachment = null;
    this.#slot = -1;
    this.#responseEdits = null;
    this.#extra = null;
    this.#hasId = false;
    this.#failure = null;
    this.#detail = '';
    this.#code = 0;
    this.#requestDone = false;
    this.#discarding = false;
    this.#responseDone = false;
    this.#requestBytes = 0;
    this.#responseBytes = 0;
    this.#forwarding.reset(head.isHead);
  }

  #reject(decision: RejectDecision, head: Http1RequestHead): void {
    const edge = this.#edge;
    if (decision.reason === 'no-route') {
      const probe = probeAnswer(head, edge.ready, edge.table.version > 0);
      if (probe !== null) {
        this.#probe(probe);
        return;
      }
    }
    if (decision.mapping !== null) this.#slot = edge.slotOf(decision.mapping.id);
    edge.counters.enter(this.#slot);
    this.#fail(rejectFailure(decision.reason), decision.sentence);
  }

  /** Answered without being counted: kubelets ask every few seconds. */
  #probe(answer: Answer): void {
    this.#code = answer.code;
    this.#times.responseStarted = true;
    this.#responseDone = true;
    this.#discarding = true;
    this.#slot = notCounted;
    this.#client.answer(answer, false);
  }

  #forward(head: Http1RequestHead, bodyBytes: number, route: Route<Attachment>): void {
    const edge = this.#edge;
    const attachment = this.#attachment!;
    edge.ids.write(this.#requestId);
    this.#hasId = true;
    if (route.shadows.length > 0) this.#copy = edge.shadows.begin(route.shadows, head, attachment, this.#facts, this.#requestId);
    if (attachment.choice.on !== null) this.#stick(attachment.choice.on, head);
    const framing = head.chunked ? chunkedLength : bodyBytes > 0 || head.contentLength === 0 ? bodyBytes : -1;
    this.#forwarding.begin(head, attachment, this.#facts, this.#requestId, framing);
  }

  /** Keeps the client at one Endpoint. */
  #stick(on: StickyOn, head: Http1RequestHead): void {
    const { hash, cookie } = stickOf(on, head, this.#facts, this.#edge.ids);
    this.#forwarding.hash = hash;
    if (cookie !== null) this.#responseEdits = withFields(this.#responseEdits, { instead: [], fields: [['set-cookie', cookie]] });
  }

  requestBody(bytes: Buffer, start: number, end: number): void {
    const { nowMs, limits } = this.#edge;
    this.#requestBytes += end - start;
    this.#times.requestByteMs = nowMs;
    this.#times.lastByteMs = nowMs;
    if (this.#discarding) return;
    if (this.#chunked && limits.bodyBytes > 0 && this.#requestBytes > limits.bodyBytes) {
      this.#fail(failures.bodyTooLarge, '');
      return;
    }
    if (this.#copy !== null && !this.#copy.append(bytes, start, end)) this.#copy = null;
    this.#forwarding.body(bytes, start, end);
  }

  requestEnd(trailers: FieldList | null): void {
    this.#requestDone = true;
    const { nowMs } = this.#edge;
    this.#times.requestDoneMs = nowMs;
    this.#times.lastByteMs = nowMs;
    if (!this.#discarding) this.#forwarding.end(trailers);
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
    this.#edge.shadows.send(copy);
  }

  requestTaken(): void {
    this.#resumeRequest();
    this.#arm();
  }

  #resumeRequest(): void {
    if (!this.#times.requestPaused) return;
    this.#times.requestPaused = false;
    this.#times.requestByteMs = this.#edge.nowMs;
    this.#client.resumeRequest();
  }

  informational(head: ResponseHead): void {
    this.#client.informational(head);
  }

  responseHead(head: ResponseHead): void {
    const { nowMs } = this.#edge;
    this.#times.responseStarted = true;
    this.#code = head.status;
    this.#times.lastByteMs = nowMs;
    this.#client.responseHead(head, this.#attachment!, this.#responseEdits, Math.round(nowMs - this.#forwarding.sentMs));
  }

  responseBody(bytes: Buffer, start: number, end: number): void {
    this.#responseBytes += end - start;
    this.#times.lastByteMs = this.#edge.nowMs;
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
      if (this.#times.stalledSinceMs === Infinity) this.#times.stalledSinceMs = this.#edge.nowMs;
    }
    this.#arm();
  }

  responseOver(): void {
    // An early response whose connection is gone: the rest of the request has no taker.
    if (!this.#requestDone && !this.#forwarding.taken) this.#discard();
    this.#finishIfDone();
    if (this.active) this.#arm();
  }

  forwardingFailed(failure: Failure, detail: string): void {
    this.#fail(failure, detail);
  }

  /** The client takes bytes again. */
  clientDrained(): void {
    this.#times.stalledSinceMs = Infinity;
    this.#forwarding.resumeResponse();
    if (this.active) this.#arm();
  }

  /** The client has left: what it asked for is cancelled at once. */
  clientGone(failure: Failure): void {
    if (!this.active) return;
    this.#failure = failure;
    this.#edge.counters.failure(failure.flag);
    this.#end();
  }

  /** A fault of the request's framing: the body makes no sense from here on. */
  refuse(failure: Failure): void {
    this.#fail(failure, '');
  }

  expired(nowMs: number): void {
    this.#edge.nowMs = nowMs;
    if (!this.active) return;
    const attachment = this.#attachment;
    switch (this.#times.due(nowMs, attachment)) {
      case 'write-stall':
        this.#client.abort(failures.clientStalled, '');
        this.clientGone(failures.clientStalled);
        return;
      case 'body':
        this.#fail(failures.bodyTimeout, '');
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
    this.#edge.wheel.set(this.#deadline, this.#times.nextDueMs(this.#attachment));
  }

  /** Ends it with a failure: by an answer where none has begun, else by cutting it. */
  #fail(failure: Failure, detail: string): void {
    if (!this.active || (this.#responseDone && this.#requestDone)) return;
    this.#failure = failure;
    this.#detail = detail;
    if (failure.flag !== '') this.#edge.counters.failure(failure.flag);
    this.#drop();
    if (this.#times.responseStarted) {
      if (!this.#responseDone) this.#client.abort(failure, detail);
      this.#end();
      return;
    }
    this.#answer(failureAnswer(failure, detail, this.#json, this.#grpc), failure === failures.bodyTimeout || failure === failures.malformedBody);
  }

  #answer(answer: Answer, last = false): void {
    this.#code = answer.code;
    this.#times.responseStarted = true;
    this.#responseDone = true;
    this.#drop();
    this.#discard();
    this.#responseBytes += answer.body.length;
    this.#client.answer(this.#extra === null ? answer : { ...answer, fields: [...answer.fields, ...this.#extra.fields] }, last);
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
      this.#copy.abandon();
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
    const edge = this.#edge;
    this.#drop();
    this.active = false;
    edge.wheel.clear(this.#deadline);
    if (this.#slot !== notCounted) {
      edge.counters.leave(this.#slot);
      edge.counters.finish(this.#slot, this.#code, (edge.nowMs - this.#times.startedMs) / 1000);
      if (this.#failure !== null || edge.accessLog === 'all') this.#log();
    }
    this.#client.exchangeOver();
  }

  #log(): void {
    const edge = this.#edge;
    const durationMs = edge.nowMs - this.#times.startedMs;
    edge.log({
      atMs: Math.round(performance.timeOrigin + this.#times.startedMs),
      flag: this.#failure?.flag ?? '',
      sentence: this.#failure === null ? '' : this.#detail === '' ? this.#failure.sentence : `${this.#failure.sentence}: ${this.#detail}`,
      code: this.#code,
      method: this.#note.method,
      path: this.#note.path,
      requestId: this.#note.requestId ?? (this.#hasId ? this.#requestId.toString('latin1') : ''),
      peer: this.#client.peer,
      route: this.#route?.key ?? '',
      mapping: this.#attachment?.id ?? '',
      address: this.#forwarding.address,
      requestBytes: this.#requestBytes,
      responseBytes: this.#responseBytes,
      durationMs: Math.round(durationMs * 10) / 10,
    });
  }
}

/** A slot of its own for what is not counted. */
const notCounted = -2;
