// Pending requests: an Upstream has as many connections as it may have, so a request waits for one, in order of arrival and in a bounded queue.
import { Deadline, type Timed } from "../io/deadline.ts";
import { failures } from "../../failures.ts";
import { resource, type Breaker } from "../balancing/breaker.ts";
import type { BalancingPolicy } from "../balancing/balancing-policy.ts";
import type { EndpointView } from "./endpoint-view.ts";
import type { WorkerContext } from "../io/worker-context.ts";
import type { Acquired, Waiting } from "./upstream-request.ts";
import type { ResponseHandler } from "./response-handler.ts";

/** Connections that other workers let go are seen after this long. */
const lookMs = 16;

const overflow: Acquired = Object.freeze({
  kind: "failed",
  failure: failures.overflow,
  detail: "raise max_pending_requests, or max_connections, of its circuit breaker",
});

/** An Upstream whose requests queue. */
interface QueuedUpstream {
  readonly worker: WorkerContext;
  breakerOf(priority: number): Breaker;
  /** Need a request that waits in the queue of this priority wait no longer? */
  mayBegin(priority: number): boolean;
  acquireInTurn(
    user: ResponseHandler,
    tried: readonly EndpointView[],
    balancing: BalancingPolicy,
    hash: number | null,
  ): Acquired;
}

/** The queue of one Upstream and one priority. */
export class PendingQueue implements Timed {
  readonly #pool: QueuedUpstream;
  readonly #priority: number;
  readonly #requests = new Set<PendingRequest>();
  /** They have what they waited for, and their users have not been told. */
  readonly #called: PendingRequest[] = [];
  readonly #deadline = new Deadline(this);
  #isAdvancing = false;

  constructor(pool: QueuedUpstream, priority: number) {
    this.#pool = pool;
    this.#priority = priority;
  }

  get isEmpty(): boolean {
    return this.#requests.size === 0;
  }

  /** A place at the end, or overflow. Where there is room for whoever is first, that one waits no longer: its place is there to be taken. */
  wait(
    user: ResponseHandler,
    tried: readonly EndpointView[],
    balancing: BalancingPolicy,
    hash: number | null,
  ): Acquired {
    const breaker = this.#pool.breakerOf(this.#priority);
    if (!breaker.enter(resource.pending)) {
      this.#call();
      if (!breaker.enter(resource.pending)) return overflow;
    }
    const request = new PendingRequest(this, user, [...tried], balancing, hash);
    this.#requests.add(request);
    this.#look();
    return request;
  }

  /** The request waits no longer. */
  leave(request: PendingRequest): void {
    if (!this.#requests.delete(request)) return;
    this.#pool.breakerOf(this.#priority).leave(resource.pending);
    if (this.isEmpty) this.#pool.worker.wheel.remove(this.#deadline);
  }

  /** There may be room. Whoever made it is in the middle of something, so what waits begins after that. */
  advanceSoon(): void {
    if (!this.isEmpty) this.#advanceSoon();
  }

  #advanceSoon(): void {
    if (this.#isAdvancing) return;
    this.#isAdvancing = true;
    queueMicrotask(() => {
      this.#isAdvancing = false;
      this.#pool.worker.tick();
      this.#advance();
    });
  }

  expired(nowMs: number): void {
    this.#pool.worker.nowMs = nowMs;
    this.#advance();
    if (!this.isEmpty) this.#look();
  }

  #look(): void {
    const { wheel, nowMs } = this.#pool.worker;
    wheel.set(this.#deadline, nowMs + lookMs);
  }

  #advance(): void {
    for (const request of this.#called.splice(0)) request.tell(this.#pool);
    for (const request of this.#requests) {
      if (!this.#pool.mayBegin(this.#priority)) return;
      this.leave(request);
      request.take(this.#pool);
      request.tell(this.#pool);
    }
  }

  /** Gives those who are first what there is. They are told after whatever is under way. */
  #call(): void {
    for (const request of this.#requests) {
      if (!this.#pool.mayBegin(this.#priority)) return;
      this.leave(request);
      request.take(this.#pool);
      this.#called.push(request);
      this.#advanceSoon();
    }
  }
}

/** One request in the queue, and then whatever it waits for next. */
class PendingRequest implements Waiting {
  readonly kind = "waiting";
  readonly #queue: PendingQueue;
  readonly #user: ResponseHandler;
  readonly #tried: readonly EndpointView[];
  readonly #balancing: BalancingPolicy;
  readonly #hash: number | null;
  /** What it got when its turn came. */
  #acquired: Acquired | null = null;

  constructor(
    queue: PendingQueue,
    user: ResponseHandler,
    tried: readonly EndpointView[],
    balancing: BalancingPolicy,
    hash: number | null,
  ) {
    this.#queue = queue;
    this.#user = user;
    this.#tried = tried;
    this.#balancing = balancing;
    this.#hash = hash;
  }

  get endpoint(): EndpointView | null {
    return this.#acquired === null || this.#acquired.kind === "failed" ? null : this.#acquired.endpoint;
  }

  /** Its turn has come. */
  take(pool: QueuedUpstream): void {
    this.#acquired = pool.acquireInTurn(this.#user, this.#tried, this.#balancing, this.#hash);
  }

  /** Tells its user, unless that has left meanwhile, or is told by what it waits for now. */
  tell(pool: QueuedUpstream): void {
    const acquired = this.#acquired;
    if (acquired === null || acquired.kind === "waiting") return;
    this.#acquired = null;
    try {
      if (acquired.kind === "request") this.#user.connected(acquired);
      else this.#user.connectFailed(null, acquired.failure, acquired.detail);
    } catch (error) {
      pool.worker.faulted(error);
    }
  }

  cancel(): void {
    const acquired = this.#acquired;
    this.#acquired = null;
    if (acquired === null) this.#queue.leave(this);
    else if (acquired.kind === "request") acquired.abort();
    else if (acquired.kind === "waiting") acquired.cancel();
  }
}
