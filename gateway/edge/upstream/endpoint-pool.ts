// One Endpoint of one Upstream: what is in flight on it, and where its idle connections stand.
import type { WorkerContext } from '../io/worker-context.ts';
import { UpstreamConnection } from './http1-connection.ts';
import type { Http1Endpoint } from './http1-connection.ts';
import { Ejection } from './ejection.ts';
import { IdleShelf } from './address-pool.ts';
import type { IdleShelves } from './address-pool.ts';
import type { UpstreamView } from './endpoint-view.ts';
import type { Acquired } from './upstream-request.ts';
import type { UpstreamUser } from './response-handler.ts';

/** The Upstream's pool, as those of its Endpoints need it. */
export interface PoolOfUpstream extends UpstreamView {
  readonly worker: WorkerContext;
  /** Copies for shadows are never counted against an Endpoint. */
  readonly traffic: 'live' | 'shadow';
  readonly shelves: IdleShelves;
  /** Its connections may serve other Upstreams at the same address. */
  readonly shares: boolean;
  /** How long an idle connection may wait and still be used, as far as the whole Upstream is concerned. */
  readonly reuseIdleMs: number;
  readonly serving: {
    /** More than half of the Endpoints are out: all are used. */
    readonly panics: boolean;
    /** May one more be ejected? */
    readonly mayEject: boolean;
    /** One of the Endpoints went out or came in. */
    judged(): void;
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
  #shelf: IdleShelf;
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

  constructor(upstream: PoolOfUpstream, ip: string, port: number, address: string) {
    this.worker = upstream.worker;
    this.upstream = upstream;
    this.ip = ip;
    this.port = port;
    this.address = address;
    this.#shared = upstream.shares;
    this.#shelf = this.#shared ? upstream.shelves.acquire(address) : new IdleShelf();
  }

  mayTake(nowMs: number): boolean {
    return this.upstream.serving.panics || (!this.failing && (!this.ejection.isOut || this.ejection.probeAtMs <= nowMs));
  }

  /** It answered with this status. What Envoy calls a gateway failure counts towards ejection, any other answer ends the row. */
  answered(status: number): void {
    if (status >= 502 && status <= 504) this.failed();
    else if (this.#isDoubted) this.#succeeded();
  }

  #succeeded(): void {
    const { ejection } = this;
    if (ejection.succeeded(this.worker.nowMs)) this.upstream.serving.judged();
    this.#isDoubted = ejection.isOut;
  }

  /** It refused, did not connect, reset, or did not answer in time. */
  failed(): void {
    const { serving, traffic } = this.upstream;
    if (traffic === 'shadow' || this.retired) return;
    this.#isDoubted = true;
    if (this.ejection.failed(this.worker.nowMs, () => serving.mayEject)) serving.judged();
  }

  /** A request of this priority, which it carried on a connection of its own, is done. */
  left(priority: number): void {
    this.inFlight -= 1;
    this.upstream.left(priority);
  }

  /** An idle connection that may be used again, bound to `user`; null when there is none. */
  reuse(user: UpstreamUser, priority: number): UpstreamConnection | null {
    const { nowMs } = this.worker;
    for (;;) {
      const connection = this.#shelf.take();
      if (connection === undefined) return null;
      if (connection.isFresh(nowMs, this)) {
        this.inFlight += 1;
        connection.bind(user, this, priority);
        return connection;
      }
      connection.discard();
    }
  }

  /** A new connection for `user`, who is told when it is there. */
  dial(user: UpstreamUser, priority: number): UpstreamConnection {
    const connection = new UpstreamConnection(this, user, priority);
    this.inFlight += 1;
    return connection;
  }

  /** A stream for `user` where HTTP/2 is spoken. Throws on keys that OpenSSL does not read. */
  acquireStream(user: UpstreamUser, priority: number): Acquired {
    return this.#shelf.sessionsOf(this.worker).acquire(this, user, priority);
  }

  /** How long an idle connection may wait and still be used: the limit, or half of the shortest idle close seen lately. */
  get reuseIdleMs(): number {
    return Math.min(this.upstream.reuseIdleMs, this.#shelf.shortestCloseMs(this.worker.nowMs) / 2);
  }

  /** Its connections' home, shared by all Upstreams that reach the address in the same way. */
  get addressPool(): IdleShelf {
    return this.#shelf;
  }

  /** Takes a connection that finished cleanly; gives where it stands. */
  park(connection: UpstreamConnection): IdleShelf {
    this.#shelf.put(connection, this.worker.limits.upstreamIdleConnections);
    return this.#shelf;
  }

  retire(): void {
    this.retired = true;
    this.#leaveShelf();
    this.#shelf = new IdleShelf();
    this.#shared = false;
  }

  /** The Upstream is reached in another way: what is idle is not used again. */
  changeShelf(): void {
    this.#leaveShelf();
    this.#shared = this.upstream.shares;
    this.#shelf = this.#shared ? this.upstream.shelves.acquire(this.address) : new IdleShelf();
  }

  #leaveShelf(): void {
    this.#shelf.leave(this);
    if (this.#shared) this.upstream.shelves.release(this.address);
    else this.#shelf.close();
  }
}
