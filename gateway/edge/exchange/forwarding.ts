// Forwarding: one request on its way to an Endpoint, and to another one where a try fails and may be made again.
import type { CompiledMapping } from '../policy/compiled-mapping.ts';
import type { WorkerContext } from '../io/worker-context.ts';
import type { ExchangeContext } from './exchange-context.ts';
import { failures } from '../message/failure.ts';
import type { Failure } from '../message/failure.ts';
import { fixed } from '../../counters.ts';
import { slabBytes } from '../io/held-memory.ts';
import { HeldRequest } from './held-request.ts';
import { declaredBytes } from '../message/grpc-message.ts';
import type { FieldList } from '../message/fields.ts';
import type { WireRequestHead } from '../message/request-head.ts';
import type { ClientFacts } from '../message/client-facts.ts';
import type { ResponseHead } from '../message/response-head.ts';
import { Retries } from '../policy/retries.ts';
import type { RetriesOwner } from '../policy/retries.ts';
import { pushbackMs, retriesAnswer, retriesFailure } from '../policy/retry-policy.ts';
import type { CompiledRetry } from '../policy/retry-policy.ts';
import type { Breaker } from '../upstream/breaker.ts';
import { plainBalancing } from '../upstream/balancing-policy.ts';
import type { BalancingPolicy } from '../upstream/balancing-policy.ts';
import type { EndpointView } from '../upstream/endpoint-view.ts';
import { encodeHead } from '../upstream/head-encoding.ts';
import type { UpstreamPool } from '../upstream/pool.ts';
import type { Acquired, UpstreamRequest, Waiting } from '../upstream/upstream-request.ts';
import type { ResponseHandler } from '../upstream/response-handler.ts';

/** Bytes of a request that wait for a connection before the client is paused. */
const mostHeldBytes = 64 * 1024;
/** Endpoints that one request tries while nothing of it has been worked on, whatever its policy. */
const mostUnprocessedTries = 5;

/** Whose request is forwarded: told of the answer as the side tells it, of the last try. */
export interface ForwardingOwner extends Pick<ResponseHandler, 'informational' | 'upgraded' | 'responseHead' | 'responseBody' | 'responseEnd' | 'responseFlush' | 'responseOver'> {
  /** Ms until the request's own limit. */
  readonly remainingMs: number;
  /** Somebody takes the request, or takes more of it: the client may go on. */
  requestTaken(): void;
  /** Forgets what was told of the answer. False: somebody may have seen some of it, so that there is no other try. */
  takeBack(): boolean;
  /** It has failed for good. */
  forwardingFailed(failure: Failure, detail: string): void;
}

/**
 * Kept in its exchange and begun anew for each request.
 *
 * A request is kept as long as it may be sent again: until it has a connection in any case; until the client gets something of its answer where
 * the Mapping has a retry policy, and where the upstream speaks HTTP/2, which may refuse a stream that it has not worked on (RFC 9113 §8.7).
 */
export class Forwarding implements ResponseHandler, RetriesOwner {
  readonly #context: ExchangeContext;
  readonly #worker: WorkerContext;
  readonly #owner: ForwardingOwner;
  readonly #held: HeldRequest;
  readonly #tried: EndpointView[] = [];
  #retries: Retries | null = null;
  #policy: CompiledRetry | null = null;
  #pool: UpstreamPool | null = null;
  #balancing: BalancingPolicy = plainBalancing;
  #side: UpstreamRequest | null = null;
  #waiting: Waiting | null = null;
  /** Tries that failed before the upstream worked on them. */
  #unprocessedTries = 0;
  /** Of the last try. */
  #failure: Failure | null = null;
  #detail = '';
  /** Why the request is not kept for another try; "" while it is. */
  #notKept = '';
  /** The body begins with a message of gRPC, which says how long it is. */
  #declares = false;
  /** The request was given to its last byte. */
  #ended = false;
  /** The response waits for `resumeResponse`, also where it has no side yet. */
  #paused = false;
  isHead = false;
  /** What keeps the client at one Endpoint; null: nothing. Set before `begin`. */
  hash: number | null = null;
  /** Where the request went, or goes: `ip:port`, or "". */
  address = '';
  /** When an upstream got the request, ms of the edge's clock. */
  sentMs = 0;

  constructor(context: ExchangeContext, owner: ForwardingOwner) {
    this.#context = context;
    this.#worker = context.worker;
    this.#owner = owner;
    this.#held = new HeldRequest(context.worker.held);
  }

  /** Forgets the request before. */
  reset(isHead: boolean): void {
    this.isHead = isHead;
    this.hash = null;
    this.address = '';
    this.#policy = null;
    this.#unprocessedTries = 0;
    this.#failure = null;
    this.#detail = '';
    this.#ended = false;
    this.#paused = false;
    if (this.#tried.length > 0) this.#tried.length = 0;
  }

  /** Lets go of the Upstream, too. */
  forget(): void {
    this.reset(false);
    this.#pool = null;
    this.#balancing = plainBalancing;
    this.#retries?.forget();
  }

  /** The owner may be told `forwardingFailed` during the call. */
  begin(head: WireRequestHead, compiled: CompiledMapping, facts: ClientFacts, requestId: Buffer): void {
    const framing = head.websocket ? 'upgrade' : head.framing;
    const { contentLength } = head;
    const pool = compiled.pool!;
    this.#pool = pool;
    this.#balancing = compiled.balancing;
    this.#declares = head.grpc;
    pool.reportUse();
    if (compiled.retry !== null) this.#beginPolicy(compiled.retry, pool.breakerOf(compiled.balancing.priority));
    const side = this.#acquire();
    if (side === null && this.#waiting === null) return;
    this.#notKept = compiled.retry === null && !pool.speaksHttp2 ? noPolicy : this.#whyNotKept(framing === 'length' ? contentLength : 0);
    if (side !== null && this.#notKept !== '') {
      side.beginRequest(head, compiled, facts, requestId, framing, contentLength);
      return;
    }
    const encoded = encodeHead(pool.upstream!.protocol, this.#context.upstream, head, compiled, facts, requestId, !pool.plain, false);
    this.#held.begin(encoded, framing, contentLength);
    side?.sendHead(encoded.bytes, encoded.length, framing, contentLength);
  }

  #beginPolicy(policy: CompiledRetry, breaker: Breaker): void {
    this.#policy = policy;
    this.#retries ??= new Retries(this.#worker, this);
    this.#retries.begin(policy, breaker);
  }

  /** "": a body of so many bytes may be kept for another try. */
  #whyNotKept(bodyBytes: number): string {
    const { limits, held } = this.#worker;
    if (bodyBytes > limits.retryBodyBytes) return `its body is longer than ${limits.retryBodyBytes} bytes (--retry-body-bytes)`;
    return held.hasRoom(slabBytes) ? '' : 'too much is held for other retries (--retry-total-bytes)';
  }

  /** A side that is ready for the request; null: one is waited for, or it has failed. */
  #acquire(): UpstreamRequest | null {
    const acquired = this.#pool!.acquire(this, this.#tried, this.#balancing, this.hash);
    return acquired.kind === 'failed' ? this.#notAcquired(acquired) : this.#take(acquired);
  }

  #take(acquired: UpstreamRequest | Waiting): UpstreamRequest | null {
    this.address = acquired.endpoint?.address ?? '';
    if (this.#policy !== null && this.#ended) this.#retries!.tryBegun();
    if (acquired.kind === 'waiting') {
      this.#waiting = acquired;
      return null;
    }
    this.#side = acquired;
    this.sentMs = this.#worker.nowMs;
    return acquired;
  }

  /** Where no Endpoint is left that was not tried, what the last one said is the failure. */
  #notAcquired({ failure, detail }: Extract<Acquired, { kind: 'failed' }>): null {
    if (this.#failure !== null && failure === failures.noHealthyUpstream) this.#giveUp('');
    else this.#owner.forwardingFailed(failure, detail);
    return null;
  }

  connected(side: UpstreamRequest): void {
    this.#waiting = null;
    this.#side = side;
    if (this.#paused) side.pauseResponse();
    this.address = side.endpoint.address;
    this.sentMs = this.#worker.nowMs;
    const held = this.#held;
    held.sendTo(side);
    if (this.#notKept === '') this.#notKept = this.#whyNotKept(held.bodyBytes);
    if (this.#notKept !== '') held.clear();
    this.#dropIfLetGo();
    this.#owner.requestTaken();
  }

  // How a try fails, and the next one begins.

  connectFailed(endpoint: EndpointView | null, failure: Failure, reason: string): void {
    this.#waiting = null;
    if (endpoint !== null) this.#tryFailed(endpoint, failure, reason, true);
    // It waited for one that was not tried.
    else if (this.#failure !== null && failure === failures.noHealthyUpstream) this.#byPolicy(true);
    else this.#notAcquired({ kind: 'failed', failure, detail: reason });
  }

  failed(failure: Failure, reason: string, unprocessed: boolean): void {
    const endpoint = this.#side?.endpoint ?? null;
    this.#side = null;
    if (!this.#owner.takeBack()) this.#settle(begun);
    this.#tryFailed(endpoint, failure, reason, unprocessed);
  }

  tryExpired(): void {
    const endpoint = this.#side?.endpoint ?? this.#waiting?.endpoint ?? null;
    this.timedOut();
    this.#cancel();
    this.#tryFailed(endpoint, failures.upstreamTimeout, `per_try_timeout ${this.#policy!.perTryTimeoutMs} ms`, false);
  }

  #tryFailed(endpoint: EndpointView | null, failure: Failure, reason: string, unprocessed: boolean): void {
    if (this.#policy !== null) this.#retries!.tryOver();
    if (endpoint !== null) this.#tried.push(endpoint);
    this.#failure = failure;
    this.#detail = endpoint === null || failure.retryability !== 'unsent' ? reason : `${endpoint.address}: ${reason}`;
    if (!this.#held.begun) {
      this.#giveUp(this.#policy !== null || unprocessed ? this.#notKept : '');
      return;
    }
    // What nobody has worked on goes elsewhere at once; what a stream was refused for, if there is no elsewhere, to another connection.
    if (unprocessed && ++this.#unprocessedTries < mostUnprocessedTries) {
      const acquired = this.#acquireOther(failure.retryability !== 'unsent');
      if (acquired.kind !== 'failed') {
        this.#worker.counters.add(fixed.retries, 1);
        this.#start(acquired);
        return;
      }
    }
    this.#byPolicy(unprocessed);
  }

  /** Another try, if the policy asks for one after such a failure. */
  #byPolicy(unprocessed: boolean): void {
    const asked = this.#policy !== null && retriesFailure(this.#policy, this.#failure!, unprocessed);
    const reasonNot = asked ? this.#retries!.wait(null, this.#owner.remainingMs) : '';
    if (!asked || reasonNot !== '') this.#giveUp(reasonNot);
  }

  #start(acquired: UpstreamRequest | Waiting): void {
    const side = this.#take(acquired);
    if (side !== null) this.connected(side);
  }

  /** At an Endpoint that was not tried; `again`: else at one that was, but not last, or at the last if it is the only one. */
  #acquireOther(again: boolean): Acquired {
    const tried = this.#tried;
    for (;;) {
      const acquired = this.#pool!.acquire(this, tried, this.#balancing, this.hash);
      if (!again || tried.length === 0 || acquired.kind !== 'failed' || acquired.failure !== failures.noHealthyUpstream) return acquired;
      if (tried.length === 1) tried.length = 0;
      else tried.splice(0, tried.length - 1);
    }
  }

  retryDue(): void {
    this.#worker.counters.add(fixed.retries, 1);
    const acquired = this.#acquireOther(true);
    if (acquired.kind === 'failed') this.#notAcquired(acquired);
    else this.#start(acquired);
  }

  #giveUp(reasonNot: string): void {
    this.#owner.forwardingFailed(this.#failure!, reasonNot === '' ? this.#detail : `${this.#detail}; not sent again: ${reasonNot}`);
  }

  /** Retries were made, and another would have been wanted: Envoy's URX. */
  get spent(): boolean {
    return this.#policy !== null && this.#retries!.spent;
  }

  /** It was sent again as its policy says. */
  get retried(): boolean {
    return this.#policy !== null && this.#retries!.made > 0;
  }

  // The request.

  body(bytes: Buffer, start: number, end: number): void {
    const side = this.#side;
    if (side !== null) side.sendBody(bytes, start, end);
    if (!this.#held.begun) return;
    if (side !== null && (this.#notKept = this.#whyNotKept(this.#leastBytes(bytes, start, end))) !== '') this.#held.clear();
    else this.#held.append(bytes, start, end);
  }

  /** How long the body is at least, with these bytes of it: so a long message is not copied up to the limit first. */
  #leastBytes(bytes: Buffer, start: number, end: number): number {
    const came = this.#held.bodyBytes + end - start;
    return this.#declares && came === end - start ? Math.max(came, declaredBytes(bytes, start, end)) : came;
  }

  end(trailers: FieldList | null): void {
    this.#ended = true;
    if (this.#side !== null) this.#side.sendEnd(trailers);
    if (this.#held.begun) this.#held.end(trailers);
    if (this.#policy !== null && this.#held.begun && (this.#side !== null || this.#waiting !== null)) this.#retries!.tryBegun();
  }

  flush(): void {
    if (this.#side === null) return;
    this.#side.flush();
    this.#dropIfLetGo();
  }

  #dropIfLetGo(): void {
    if (this.#side !== null && !this.#side.bound) this.#side = null;
  }

  /** Somebody takes the request, or will. */
  get taken(): boolean {
    return this.#side !== null || this.#held.begun;
  }

  /** No more of the request is taken until the owner is told `requestTaken`. */
  get congested(): boolean {
    if (this.#side !== null) return this.#side.congested;
    return this.#held.bodyBytes > mostHeldBytes || !this.#worker.held.hasRoom(0);
  }

  upstreamDrained(): void {
    this.#owner.requestTaken();
  }

  // The response.

  /** An interim answer belongs to the try that gave it: there is no other try after that (Envoy). */
  informational(head: ResponseHead): void {
    this.#settle('an interim answer was passed on');
    this.#owner.informational(head);
  }

  /** The tunnel is open: the request goes on. */
  upgraded(head: ResponseHead): void {
    if (this.#policy !== null) this.#retries!.tryOver();
    this.#settle('a tunnel was open');
    this.#ended = false;
    this.#owner.upgraded(head);
  }

  responseHead(head: ResponseHead): void {
    if (this.#policy === null || !this.#isTriedAgain(head)) this.#owner.responseHead(head);
  }

  /** From here on the client has something of this try: it is the last. */
  #settle(reasonNot: string): void {
    if (!this.#held.begun) return;
    this.#held.clear();
    this.#notKept = reasonNot;
  }

  #isTriedAgain(head: ResponseHead): boolean {
    const retries = this.#retries!;
    retries.tryOver();
    if (!this.#held.begun || !retriesAnswer(this.#policy!, head)) return false;
    if (retries.wait(pushbackMs(head), this.#owner.remainingMs) !== '') return false;
    const side = this.#side!;
    this.#side = null;
    this.#tried.push(side.endpoint);
    side.abandon();
    return true;
  }

  responseBody(bytes: Buffer, start: number, end: number): void {
    this.#owner.responseBody(bytes, start, end);
  }

  responseEnd(trailers: FieldList | null): void {
    this.#owner.responseEnd(trailers);
  }

  responseFlush(): void {
    this.#settle(begun);
    this.#owner.responseFlush();
  }

  responseOver(): void {
    this.#dropIfLetGo();
    this.#owner.responseOver();
  }

  pauseResponse(): void {
    this.#paused = true;
    this.#side?.pauseResponse();
  }

  resumeResponse(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#side?.resumeResponse();
  }

  /** The Endpoint has not answered in time. */
  timedOut(): void {
    this.#side?.endpoint.failed();
  }

  /** Gives up what is under way: an unfinished request or response is cancelled. */
  drop(): void {
    this.#held.clear();
    if (this.#policy !== null) this.#retries!.end();
    this.#cancel();
  }

  #cancel(): void {
    const side = this.#side;
    const waiting = this.#waiting;
    this.#side = null;
    this.#waiting = null;
    side?.abandon();
    waiting?.cancel();
  }
}

/** Nobody asked for another try. */
const noPolicy = 'no policy';
const begun = 'its answer had begun';
