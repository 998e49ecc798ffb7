// One Endpoint of one Upstream: what is in flight on it, and where its idle connections stand.
import { endpointLayout } from "../../shared/metrics/slots.ts";
import type { WorkerContext } from "../io/worker-context.ts";
import { Http1UpstreamConnection } from "./http1-connection.ts";
import type { Http1Endpoint, IdleConnection } from "./http1-endpoint.ts";
import { Ejection } from "../balancing/ejection.ts";
import { AddressPool, type AddressPools } from "./address-pool.ts";
import type { UpstreamView } from "./endpoint-view.ts";
import type { Acquired, UpstreamRequest } from "./upstream-request.ts";
import type { ResponseHandler } from "./response-handler.ts";

/** The Upstream's pool, as those of its Endpoints need it. */
export interface PoolOfUpstream extends UpstreamView {
  readonly worker: WorkerContext;
  /** Copies for shadows are never counted against an Endpoint. */
  readonly traffic: "live" | "shadow";
  readonly addressPools: AddressPools;
  /** Its connections may serve other Upstreams at the same address. */
  readonly shares: boolean;
  /** How long an idle connection may wait and still be used, as far as the whole Upstream is concerned. */
  readonly reuseIdleMs: number;
  readonly balancer: {
    /** More than half of the Endpoints are out: all are used. */
    readonly inPanic: boolean;
    /** May one more be ejected? */
    readonly mayEject: boolean;
    /** One of the Endpoints went out or came in. */
    recompute(): void;
  };
  /** A request of this priority, and the connection that carried it alone, are done. */
  left(priority: number): void;
}

export class EndpointPool implements Http1Endpoint {
  // First what every request reads.
  readonly worker: WorkerContext;
  readonly upstream: PoolOfUpstream;
  /** `ip:port`, for people. */
  readonly address: string;
  /** Exchanges that use it or wait for a connection to it: what least-request compares. */
  inFlight = 0;
  /** Shared with other Upstreams at this address, or its own: with TLS, and with limits of its own for sessions. */
  #addressPool: AddressPool;
  /** It has failed since its last good answer, or is out: the next one is news. */
  #isDoubted = false;
  /** No longer an Endpoint: running requests finish, nothing is kept. */
  retired = false;
  #shared: boolean;
  /** Its health check fails. */
  failing = false;
  readonly ip: string;
  readonly port: number;
  readonly ejection = new Ejection();
  /** First of the cells that count for it. */
  cells: number;
  /** What its cells say of its ejection. */
  #saysEjected = false;

  constructor(upstream: PoolOfUpstream, ip: string, port: number, address: string) {
    this.worker = upstream.worker;
    this.cells = upstream.worker.counters.willTry(-1);
    this.upstream = upstream;
    this.ip = ip;
    this.port = port;
    this.address = address;
    this.#shared = upstream.shares;
    this.#addressPool = this.#shared ? upstream.addressPools.acquire(address) : new AddressPool();
  }

  /** It counts in this slot from now on; −1: with all others that have none. */
  countAt(slot: number): void {
    const cells = this.worker.counters.willTry(slot);
    if (cells === this.cells) return;
    this.sayEjected(false);
    this.cells = cells;
    this.sayEjected(this.ejection.isOut && !this.retired);
  }

  /** Its cells say whether the worker has ejected it. */
  sayEjected(isEjected: boolean): void {
    if (isEjected === this.#saysEjected) return;
    this.#saysEjected = isEjected;
    this.worker.counters.add(this.cells + endpointLayout.ejected, isEjected ? 1 : -1);
  }

  /** Nothing speaks against it: it is not ejected, and its health check does not fail. */
  get isWell(): boolean {
    return !this.failing && !this.ejection.isOut && !this.retired;
  }

  mayTake(nowMs: number): boolean {
    return (
      this.upstream.balancer.inPanic || (!this.failing && (!this.ejection.isOut || this.ejection.probeAtMs <= nowMs))
    );
  }

  /** It answered with this status. What Envoy calls a gateway failure counts towards ejection, any other answer ends the row. */
  answered(status: number): void {
    if (status >= 502 && status <= 504) this.failed();
    else if (this.#isDoubted) this.#succeeded();
  }

  #succeeded(): void {
    const { ejection } = this;
    if (ejection.succeeded(this.worker.nowMs)) this.upstream.balancer.recompute();
    this.#isDoubted = ejection.isOut;
  }

  /** It refused, did not connect, reset, or did not answer in time. */
  failed(): void {
    const { balancer, traffic } = this.upstream;
    if (traffic === "shadow" || this.retired) return;
    this.#isDoubted = true;
    if (this.ejection.failed(this.worker.nowMs, () => balancer.mayEject)) balancer.recompute();
  }

  /** A request of this priority, which it carried on a connection of its own, is done. */
  left(priority: number): void {
    this.inFlight -= 1;
    this.upstream.left(priority);
  }

  /** A request of `user` on an idle connection that may be used again; null when there is none. */
  reuse(user: ResponseHandler, priority: number): UpstreamRequest | null {
    const { nowMs } = this.worker;
    for (;;) {
      const connection = this.#addressPool.take();
      if (connection === undefined) return null;
      if (connection.isFresh(nowMs, this)) {
        this.inFlight += 1;
        return connection.bind(user, this, priority);
      }
      connection.destroy();
    }
  }

  /** A request of `user`, who is told when its new connection is there. */
  dial(user: ResponseHandler, priority: number): UpstreamRequest {
    const { request } = new Http1UpstreamConnection(this, user, priority);
    this.inFlight += 1;
    return request;
  }

  /** A stream for `user` where HTTP/2 is spoken. Throws on keys that OpenSSL does not read. */
  acquireStream(user: ResponseHandler, priority: number): Acquired {
    return this.#addressPool.sessionsOf(this.worker).acquire(this, user, priority);
  }

  /** How long an idle connection may wait and still be used: the limit, or half of the shortest idle close seen lately. */
  get reuseIdleMs(): number {
    return Math.min(this.upstream.reuseIdleMs, this.#addressPool.shortestCloseMs(this.worker.nowMs) / 2);
  }

  /** Its connections' home, shared by all Upstreams that reach the address in the same way. */
  get addressPool(): AddressPool {
    return this.#addressPool;
  }

  /** Takes a connection that finished cleanly; gives where it stands. */
  park(connection: IdleConnection): AddressPool {
    this.#addressPool.put(connection, this.worker.limits.upstreamIdleConnections);
    return this.#addressPool;
  }

  /** From now on running requests finish, and nothing is kept. Gives what is to be called next: it tells those who wait for a connection to choose again. */
  retire(): () => void {
    this.retired = true;
    // The slot may be another's once this worker has said that it holds the table.
    this.countAt(-1);
    return this.#moveTo(new AddressPool(), false);
  }

  /** The Upstream is reached in another way: what is idle is not used again. */
  changeAddressPool(): void {
    const shared = this.upstream.shares;
    this.#moveTo(shared ? this.upstream.addressPools.acquire(this.address) : new AddressPool(), shared)();
  }

  /** Who waits for a connection of the pool before, and is told by what this gives, may choose this Endpoint again: then the new pool gives it one. */
  #moveTo(addressPool: AddressPool, shared: boolean): () => void {
    const before = this.#addressPool;
    const wasShared = this.#shared;
    this.#addressPool = addressPool;
    this.#shared = shared;
    return () => {
      before.leave(this);
      if (wasShared) this.upstream.addressPools.release(this.address);
      else before.close();
    };
  }
}
