// Places in a queue for a connection: one that is dialled, and a name whose addresses are awaited.
import { Deadline, type Timed } from "../io/deadline.ts";
import { failures } from "../../failures.ts";
import type { BalancingPolicy } from "../balancing/balancing-policy.ts";
import type { EndpointView } from "./endpoint-view.ts";
import type { WorkerContext } from "../io/worker-context.ts";
import type { Acquired, UpstreamRequest, Waiting } from "./upstream-request.ts";
import type { ResponseHandler } from "./response-handler.ts";

/** A connection that is dialled. */
export class Dialling implements Waiting {
  readonly kind = "waiting";
  readonly #request: UpstreamRequest;

  constructor(request: UpstreamRequest) {
    this.#request = request;
  }

  get endpoint(): EndpointView {
    return this.#request.endpoint;
  }

  cancel(): void {
    this.#request.abort();
  }
}

/** An Upstream whose name is looked up while it is used. */
interface NamedUpstream {
  readonly worker: WorkerContext;
  readonly connectTimeoutMs: number;
  acquire(
    user: ResponseHandler,
    tried: readonly EndpointView[],
    balancing: BalancingPolicy,
    hash: number | null,
  ): Acquired;
  /** The request waits for addresses no longer. */
  stopWaiting(wait: AddressWait): void;
}

/** A request to a DNS Upstream that has no address yet: it waits no longer than a connection may take. */
export class AddressWait implements Waiting, Timed {
  readonly kind = "waiting";
  readonly #pool: NamedUpstream;
  readonly #user: ResponseHandler;
  readonly #balancing: BalancingPolicy;
  readonly #hash: number | null;
  readonly #deadline = new Deadline(this);
  /** What it waits for since the addresses came. */
  #next: Waiting | null = null;

  constructor(pool: NamedUpstream, user: ResponseHandler, balancing: BalancingPolicy, hash: number | null) {
    this.#pool = pool;
    this.#user = user;
    this.#balancing = balancing;
    this.#hash = hash;
    pool.worker.wheel.set(this.#deadline, pool.worker.nowMs + pool.connectTimeoutMs);
  }

  get endpoint(): EndpointView | null {
    return this.#next?.endpoint ?? null;
  }

  /** Addresses came, or the news that there are none. */
  addressed(): void {
    const { worker } = this.#pool;
    worker.tick();
    worker.wheel.remove(this.#deadline);
    const acquired = this.#pool.acquire(this.#user, [], this.#balancing, this.#hash);
    if (acquired.kind === "request") this.#user.connected(acquired);
    else if (acquired.kind === "waiting") this.#next = acquired;
    else this.#user.connectFailed(null, acquired.failure, acquired.detail);
  }

  expired(nowMs: number): void {
    this.#pool.worker.nowMs = nowMs;
    this.#pool.stopWaiting(this);
    this.#user.connectFailed(null, failures.noAddress, "");
  }

  cancel(): void {
    this.#pool.worker.wheel.remove(this.#deadline);
    this.#pool.stopWaiting(this);
    this.#next?.cancel();
  }
}
