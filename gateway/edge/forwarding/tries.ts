// Tries: where one request is sent, and where next when that fails and it may be sent again.
import type { WorkerContext } from "../io/worker-context.ts";
import { failures, type Failure } from "../../failures.ts";
import { grpcColumn, httpColumn, isServerErrorColumn } from "../../shared/memory/counters.ts";
import { grpcStatusIn } from "../message/grpc-status.ts";
import type { ResponseHead } from "../message/response-head.ts";
import { Retries, type RetriesOwner } from "./retries.ts";
import { pushbackMs, retriesAnswer, retriesFailure, type CompiledRetry } from "../policy/retry-policy.ts";
import type { BalancingPolicy } from "../balancing/balancing-policy.ts";
import type { EndpointView } from "../upstream/endpoint-view.ts";
import type { UpstreamRequest, Waiting } from "../upstream/upstream-request.ts";
import { ForwardedAnswer, type AnsweredTries, type AnswerTaker } from "./forwarded-answer.ts";
import { HeldRequest } from "./held-request.ts";
import { TriedEndpoints, type RequestPool } from "./tried-endpoints.ts";

/** Endpoints that one request tries while nothing of it has been worked on, whatever its policy. */
const mostUnprocessedTries = 5;
/** Nobody asked for another try. */
const noPolicy = "no policy";

/** Did the model answer so that it failed, by the head of its answer? */
function isServerError(head: ResponseHead): boolean {
  const status = grpcStatusIn(head);
  return isServerErrorColumn(status < 0 ? httpColumn(head.status) : grpcColumn(status));
}

/** Whose request it is. */
export interface TriesOwner {
  /** Ms until the request's own limit. */
  readonly remainingMs: number;
  /** Somebody takes the request, or takes more of it: the client may go on. */
  taken(): void;
  /** Another try begins. */
  sentAgain(): void;
  /** It has failed for good. */
  failed(failure: Failure, detail: string): void;
}

/**
 * Kept in its exchange and begun anew for each request.
 *
 * A request is kept as long as it may be sent again: until it has a connection in any case; until the client gets something of its answer where
 * the Mapping has a retry policy, and where the upstream speaks HTTP/2, which may refuse a stream that it has not worked on (RFC 9113 §8.7).
 */
export class Tries implements AnsweredTries, RetriesOwner {
  readonly #worker: WorkerContext;
  readonly #owner: TriesOwner;
  readonly #answer: ForwardedAnswer;
  readonly held: HeldRequest;
  readonly #endpoints = new TriedEndpoints();
  #retries: Retries | null = null;
  #policy: CompiledRetry | null = null;
  /** The try under way; null: there is none, or it waits. */
  request: UpstreamRequest | null = null;
  #waiting: Waiting | null = null;
  /** Tries that failed before the upstream worked on them. */
  #unprocessedTries = 0;
  /** Of the last try. */
  #failure: Failure | null = null;
  #detail = "";
  /** The request was given to its last byte. */
  #ended = false;
  /** The response waits for `resumeResponse`, also where there is no try under way. */
  #paused = false;
  /** Where the request went, or goes; null: nowhere yet. */
  endpoint: EndpointView | null = null;
  /** When an upstream got the request, ms of the edge's clock. */
  sentMs = 0;

  constructor(worker: WorkerContext, owner: TriesOwner, taker: AnswerTaker) {
    this.#worker = worker;
    this.#owner = owner;
    this.#answer = new ForwardedAnswer(this, taker);
    this.held = new HeldRequest(worker.held, worker.limits.retryBodyBytes);
  }

  /** Forgets the request before. */
  reset(isHead: boolean): void {
    this.#answer.isHead = isHead;
    this.#endpoints.reset();
    this.endpoint = null;
    this.#policy = null;
    this.#unprocessedTries = 0;
    this.#failure = null;
    this.#detail = "";
    this.#ended = false;
    this.#paused = false;
  }

  /** Lets go of the Upstream, too. */
  forget(): void {
    this.reset(false);
    this.#endpoints.forget();
    this.#retries?.forget();
  }

  /**
   * Asks for the first try. False: it has failed, and the owner was told. `policy` null: failures are not tried again. `hash` keeps the client
   * at one Endpoint; null: nothing does.
   */
  begin(pool: RequestPool, balancing: BalancingPolicy, policy: CompiledRetry | null, hash: number | null): boolean {
    pool.reportUse();
    if (policy !== null) {
      this.#policy = policy;
      this.#retries ??= new Retries(this.#worker, this);
      this.#retries.begin(policy, pool.breakerOf(balancing.priority));
    }
    const acquired = this.#endpoints.first(this.#answer, pool, balancing, hash);
    if (acquired.kind === "failed") {
      this.#notAcquired(acquired.failure, acquired.detail);
      return false;
    }
    this.#take(acquired);
    return true;
  }

  /** Is a request whose body has so many bytes kept from its beginning? */
  keepsFromStart(pool: RequestPool, bodyBytes: number): boolean {
    if (this.#policy !== null || pool.speaksHttp2) return this.held.mayKeep(bodyBytes);
    this.held.reasonNot = noPolicy;
    return false;
  }

  #take(acquired: UpstreamRequest | Waiting): UpstreamRequest | null {
    this.endpoint = acquired.endpoint;
    if (this.#policy !== null && this.#ended) this.#retries!.tryBegun();
    if (acquired.kind === "waiting") {
      this.#waiting = acquired;
      return null;
    }
    this.request = acquired;
    this.sentMs = this.#worker.nowMs;
    return acquired;
  }

  /** Where no Endpoint is left that was not tried, what the last one said is the failure. */
  #notAcquired(failure: Failure, detail: string): void {
    if (this.#failure !== null && failure === failures.noHealthyUpstream) this.#giveUp("");
    else this.#owner.failed(failure, detail);
  }

  connected(request: UpstreamRequest): void {
    this.#waiting = null;
    this.request = request;
    if (this.#paused) request.pauseResponse();
    this.endpoint = request.endpoint;
    this.sentMs = this.#worker.nowMs;
    const { held } = this;
    held.sendTo(request);
    if (held.reasonNot !== "" || !held.mayKeep(held.bodyBytes)) held.clear();
    this.releaseIfOver();
    this.#owner.taken();
  }

  // How a try fails, and the next one begins.

  connectFailed(endpoint: EndpointView | null, failure: Failure, reason: string): void {
    this.#waiting = null;
    if (endpoint !== null) this.#tryFailed(endpoint, failure, reason, true);
    // It waited for one that was not tried.
    else if (this.#failure !== null && failure === failures.noHealthyUpstream) this.#byPolicy(true);
    else this.#notAcquired(failure, reason);
  }

  failed(failure: Failure, reason: string, unprocessed: boolean): void {
    const endpoint = this.request?.endpoint ?? null;
    this.request = null;
    this.#tryFailed(endpoint, failure, reason, unprocessed);
  }

  tryExpired(): void {
    const endpoint = this.request?.endpoint ?? this.#waiting?.endpoint ?? null;
    this.request?.endpoint.failed();
    this.#cancel();
    this.#tryFailed(endpoint, failures.upstreamTimeout, `per_try_timeout ${this.#policy!.perTryTimeoutMs} ms`, false);
  }

  #tryFailed(endpoint: EndpointView | null, failure: Failure, reason: string, unprocessed: boolean): void {
    if (this.#policy !== null) this.#retries!.tryOver();
    if (endpoint !== null) {
      this.#endpoints.add(endpoint);
      this.#worker.counters.failedAt(endpoint.cells, failure.flag);
    }
    this.#failure = failure;
    this.#detail = endpoint === null || failure.retryability !== "unsent" ? reason : `${endpoint.address}: ${reason}`;
    if (!this.held.begun) {
      this.#giveUp(this.#policy !== null || unprocessed ? this.held.reasonNot : "");
      return;
    }
    // What nobody has worked on goes elsewhere at once; what a stream was refused for, if there is no elsewhere, to another connection.
    if (unprocessed && ++this.#unprocessedTries < mostUnprocessedTries) {
      const acquired = this.#endpoints.next(this.#answer, failure.retryability !== "unsent");
      if (acquired.kind !== "failed") {
        this.#owner.sentAgain();
        this.#start(acquired);
        return;
      }
    }
    this.#byPolicy(unprocessed);
  }

  /** Another try, if the policy asks for one after such a failure. */
  #byPolicy(unprocessed: boolean): void {
    const asked = this.#policy !== null && retriesFailure(this.#policy, this.#failure!, unprocessed);
    const reasonNot = asked ? this.#retries!.wait(null, this.#owner.remainingMs) : "";
    if (!asked || reasonNot !== "") this.#giveUp(reasonNot);
  }

  #start(acquired: UpstreamRequest | Waiting): void {
    const request = this.#take(acquired);
    if (request !== null) this.connected(request);
  }

  retryDue(): void {
    this.#owner.sentAgain();
    const acquired = this.#endpoints.next(this.#answer, true);
    if (acquired.kind === "failed") this.#notAcquired(acquired.failure, acquired.detail);
    else this.#start(acquired);
  }

  #giveUp(reasonNot: string): void {
    this.#owner.failed(
      this.#failure!,
      reasonNot === "" ? this.#detail : `${this.#detail}; not sent again: ${reasonNot}`,
    );
  }

  /** Retries were made, and another would have been wanted: Envoy's URX. */
  get spent(): boolean {
    return this.#policy !== null && this.#retries!.spent;
  }

  /** It was sent again as its policy says. */
  get retried(): boolean {
    return this.#policy !== null && this.#retries!.made > 0;
  }

  // How far the request and its answer are.

  /** The request was given to its last byte. */
  requestEnded(): void {
    this.#ended = true;
    if (this.#policy !== null && this.held.begun && (this.request !== null || this.#waiting !== null))
      this.#retries!.tryBegun();
  }

  drained(): void {
    this.#owner.taken();
  }

  settle(reason: string): void {
    this.held.letGo(reason);
  }

  tunnelOpened(): void {
    if (this.#policy !== null) this.#retries!.tryOver();
    this.settle("a tunnel was open");
    this.#ended = false;
  }

  triesAgain(head: ResponseHead): boolean {
    if (this.#policy === null) return false;
    const retries = this.#retries!;
    retries.tryOver();
    if (!this.held.begun || !retriesAnswer(this.#policy, head)) return false;
    if (retries.wait(pushbackMs(head), this.#owner.remainingMs) !== "") return false;
    const request = this.request!;
    this.request = null;
    this.#endpoints.add(request.endpoint);
    this.#worker.counters.answeredAt(request.endpoint.cells, isServerError(head));
    request.abort();
    return true;
  }

  releaseIfOver(): void {
    if (this.request !== null && !this.request.bound) this.request = null;
  }

  pauseResponse(): void {
    this.#paused = true;
    this.request?.pauseResponse();
  }

  resumeResponse(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.request?.resumeResponse();
  }

  /** The Endpoint has not answered in time; `hasBegun`: not to the end. */
  timedOut(hasBegun: boolean): void {
    const endpoint = this.request?.endpoint ?? this.#waiting?.endpoint ?? null;
    if (endpoint !== null) this.#worker.counters.failedAt(endpoint.cells, "UT");
    if (!hasBegun) this.request?.endpoint.failed();
  }

  /** Gives up what is under way: an unfinished request or response is cancelled. */
  end(): void {
    this.held.clear();
    if (this.#policy !== null) this.#retries!.end();
    this.#cancel();
  }

  #cancel(): void {
    const { request } = this;
    const waiting = this.#waiting;
    this.request = null;
    this.#waiting = null;
    request?.abort();
    waiting?.cancel();
  }
}
