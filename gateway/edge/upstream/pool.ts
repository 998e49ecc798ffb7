// An Upstream at work: its Endpoints, which of them takes the next request, and what is known about how it closes connections.
import type { SecureContext } from "node:tls";
import {
  defaultBreaker,
  defaultConnectTimeoutMs,
  printEndpoint,
  type Endpoint,
  type Upstream,
  type UpstreamEndpoints,
} from "../../../routing/model/upstream.ts";
import { priorities } from "../../shared/memory/counters.ts";
import type { WorkerContext } from "../io/worker-context.ts";
import type { UpstreamContext } from "./upstream-context.ts";
import { failures } from "../../failures.ts";
import { Breaker, resource, unlimited } from "../balancing/breaker.ts";
import type { BalancingPolicy } from "../balancing/balancing-policy.ts";
import { EndpointPool, type PoolOfUpstream } from "./endpoint-pool.ts";
import type { EndpointView } from "./endpoint-view.ts";
import { isReachedAlike, mayShare } from "./connection-sharing.ts";
import { secureContextOf } from "./dial.ts";
import { IdleCloses } from "./idle-closes.ts";
import type { AddressPools } from "./address-pool.ts";
import { PendingQueue } from "./pending.ts";
import { LoadBalancer } from "./load-balancer.ts";
import { NameUse } from "./name-use.ts";
import type { Acquired } from "./upstream-request.ts";
import type { ResponseHandler } from "./response-handler.ts";
import { AddressWait, Dialling } from "./waiting.ts";

const noEndpoint: Acquired = Object.freeze({ kind: "failed", failure: failures.noHealthyUpstream, detail: "" });

const overflow: Acquired = Object.freeze({
  kind: "failed",
  failure: failures.overflow,
  detail: "raise max_requests of its circuit breaker",
});

const nobody: ReadonlySet<string> = new Set();

/** So long after an Upstream has gone its Endpoints are still dialled: later somebody else may have their addresses. */
export const afterlifeMs = 5000;

/**
 * Pools of one Upstream. Shadows have pools of their own beside it.
 *
 * First what every request reads, taken out of the description, so that it reads one object here and no array: over a thousand Upstreams each
 * further one is a cache miss.
 */
export class UpstreamPool implements PoolOfUpstream {
  readonly worker: WorkerContext;
  readonly context: UpstreamContext;
  /** HTTP/2 is spoken. */
  #speaksHttp2 = false;
  /** Its name, which is looked up while it is used; null: it has none. */
  #name: NameUse | null = null;
  /** Of `priorities`, the first and the second. */
  readonly #breaker = new Breaker();
  readonly #highBreaker = new Breaker();
  /** Made when first needed: most Upstreams never have one. */
  #queue: PendingQueue | null = null;
  #highQueue: PendingQueue | null = null;
  /** Those that take new requests: ready ones, or terminating ones while none is ready (routing rule 7). */
  readonly balancer: LoadBalancer;
  /** Grows when TLS or protocol change: connections of an older generation are not used again. */
  generation = 0;
  /** Connections may be so old, ms; null: any age. */
  maxLifetimeMs: number | null = null;
  /** Its own limit of idle connections, ms; null: the gateway's. */
  #idleTimeoutMs: number | null = null;
  /** What was seen of connections to any of its Endpoints; null: no idle close yet. */
  #closes: IdleCloses | null = null;
  readonly key: string;
  readonly addressPools: AddressPools;
  /** null: named by a Mapping, not described yet. */
  upstream: Upstream | null = null;
  /** Copies have bounds of their own, and are never counted against an Endpoint. */
  readonly traffic: "live" | "shadow";
  #secureContext: SecureContext | null = null;
  #all: readonly EndpointPool[] = [];
  /** Addresses that fail their health check. */
  #failing: ReadonlySet<string> = nobody;
  /** Its name was looked up and none of its addresses may be used. */
  #unusable = false;
  /** The Upstream has gone from the table, at this time. */
  #gone = false;
  #goneAtMs = 0;

  constructor(context: UpstreamContext, key: string, addressPools: AddressPools, traffic: "live" | "shadow") {
    this.context = context;
    this.worker = context.worker;
    this.key = key;
    this.addressPools = addressPools;
    this.traffic = traffic;
    this.balancer = new LoadBalancer(context.worker);
  }

  describe(upstream: Upstream): void {
    const before = this.upstream;
    this.upstream = upstream;
    this.#speaksHttp2 = upstream.protocol === "http2";
    // Its key says its address, so one that has a name keeps it.
    if (upstream.address.kind === "dns") this.#name ??= new NameUse(this.context, this.key);
    this.maxLifetimeMs = upstream.maxLifetimeMs;
    this.#idleTimeoutMs = upstream.idleTimeoutMs;
    if (upstream.healthCheck === null && this.#failing.size > 0) this.setFailing(nobody);
    for (const [index, named] of priorities.entries()) {
      this.breakerOf(index).limit(
        this.traffic === "shadow"
          ? unlimited
          : (upstream.breakers.findLast(({ priority }) => priority === named) ?? defaultBreaker),
      );
    }
    // A limit may have been raised.
    this.#advancePending();
    if (before !== null && isReachedAlike(before, upstream)) return;
    this.generation += 1;
    this.#secureContext = null;
    for (const endpoint of this.#all) endpoint.changeAddressPool();
  }

  /** Its breakers count in this slot, with those of the other workers; −1: alone. */
  countAt(slot: number): void {
    this.worker.counters.willUse(slot);
    for (const index of priorities.keys()) this.breakerOf(index).moveTo(this.worker.occupancy, slot, index);
  }

  /** `priority` is an index in `priorities`. */
  breakerOf(priority: number): Breaker {
    return priority === 0 ? this.#breaker : this.#highBreaker;
  }

  #queueOf(priority: number): PendingQueue | null {
    return priority === 0 ? this.#queue : this.#highQueue;
  }

  get speaksHttp2(): boolean {
    return this.#speaksHttp2;
  }

  /** `slots`: where it counts for each of them, in their order; −1, or none: nowhere. */
  setEndpoints(change: UpstreamEndpoints, slots: readonly number[]): void {
    const known = new Map(this.#all.map((endpoint) => [endpoint.address, endpoint]));
    const states = new Map<EndpointPool, Endpoint["state"]>();
    for (const [at, { ip, port, state }] of change.endpoints.entries()) {
      const address = printEndpoint(ip, port);
      const endpoint = known.get(address) ?? new EndpointPool(this, ip, port, address);
      endpoint.countAt(slots[at] ?? -1);
      known.set(address, endpoint);
      states.set(endpoint, state);
    }
    const gone = this.#all.filter((endpoint) => !states.has(endpoint));
    this.#all = [...states.keys()];
    const ready = this.#all.filter((endpoint) => states.get(endpoint) === "ready");
    this.#mark();
    this.balancer.set(ready.length > 0 ? ready : this.#all);
    // Who waits for one of these chooses among the new ones.
    retire(gone);
    this.#unusable = !change.ready;
    this.#name?.addressed();
    this.#advancePending();
  }

  /** Endpoints whose health check fails: `ip:port` of all of them. */
  setFailing(addresses: ReadonlySet<string>): void {
    this.#failing = addresses;
    this.#mark();
    this.balancer.recompute();
  }

  #mark(): void {
    for (const endpoint of this.#all) endpoint.failing = this.#failing.has(endpoint.address);
  }

  /**
   * The Upstream is gone: no request is decided for it any more. Those that were, and wait, or come from a step that waited, go where its Endpoints were
   * (`afterlifeMs`), as those that run go on: the table that they were decided by said so.
   */
  leave(): void {
    this.#gone = true;
    this.#goneAtMs = this.worker.nowMs;
    retire(this.#all);
    this.balancer.recompute();
  }

  /** Of one that has gone: its time is over, and who waits is told. */
  #closeIfLate(): void {
    if (this.balancer.count > 0 && this.worker.nowMs - this.#goneAtMs > afterlifeMs) this.close();
  }

  /** Nobody is served any more. */
  close(): void {
    const gone = this.#all;
    this.#all = [];
    this.balancer.set([]);
    retire(gone);
    this.#advancePending();
  }

  #advancePending(): void {
    this.#queue?.advanceSoon();
    this.#highQueue?.advanceSoon();
  }

  get addresses(): readonly Endpoint[] {
    return this.#all.filter(({ retired }) => !retired).map(({ ip, port }) => ({ ip, port, state: "ready" }));
  }

  /** A place for a request of `user`, at an Endpoint that is none of `tried`. `hash` is what the Mapping's policy hashes on; null: nothing. */
  acquire(
    user: ResponseHandler,
    tried: readonly EndpointView[],
    balancing: BalancingPolicy,
    hash: number | null,
  ): Acquired {
    if (this.#gone) this.#closeIfLate();
    if (this.#speaksHttp2) return this.#acquireStream(user, tried, balancing, hash);
    const queue = this.#queueOf(balancing.priority);
    if (queue?.isEmpty === false || !this.breakerOf(balancing.priority).hasRoomForConnection()) {
      return this.balancer.count === 0
        ? this.#withoutEndpoint(user, balancing, hash)
        : (queue ?? this.#openQueue(balancing.priority)).wait(user, tried, balancing, hash);
    }
    return this.acquireInTurn(user, tried, balancing, hash);
  }

  #openQueue(priority: number): PendingQueue {
    const queue = new PendingQueue(this, priority);
    if (priority === 0) this.#queue = queue;
    else this.#highQueue = queue;
    return queue;
  }

  /** Requests over HTTP/2 share connections: they wait, if at all, for room on those of one Endpoint. */
  #acquireStream(
    user: ResponseHandler,
    tried: readonly EndpointView[],
    balancing: BalancingPolicy,
    hash: number | null,
  ): Acquired {
    const endpoint = this.balancer.pick(balancing, hash, tried);
    return endpoint === null
      ? this.#withoutEndpoint(user, balancing, hash)
      : streamAt(endpoint, user, balancing.priority);
  }

  /** The same for a request that need not queue. */
  acquireInTurn(
    user: ResponseHandler,
    tried: readonly EndpointView[],
    balancing: BalancingPolicy,
    hash: number | null,
  ): Acquired {
    const endpoint = this.balancer.pick(balancing, hash, tried);
    return endpoint === null
      ? this.#withoutEndpoint(user, balancing, hash)
      : this.#connectionAt(endpoint, user, balancing.priority);
  }

  /** A place at this Endpoint, for a request that need not queue. */
  acquireAt(endpoint: EndpointPool, user: ResponseHandler, priority: number): Acquired {
    return this.#speaksHttp2 ? streamAt(endpoint, user, priority) : this.#connectionAt(endpoint, user, priority);
  }

  #connectionAt(endpoint: EndpointPool, user: ResponseHandler, priority: number): Acquired {
    const breaker = this.breakerOf(priority);
    if (!breaker.enter(resource.requests)) return overflow;
    breaker.enterConnection();
    const request = endpoint.reuse(user, priority);
    if (request !== null) return request;
    try {
      return new Dialling(endpoint.dial(user, priority));
    } catch (error) {
      this.left(priority);
      return unreadableKeys(error);
    }
  }

  /** Need a request that waits in the queue of this priority wait no longer? Also not when nobody is left to wait for. */
  mayBegin(priority: number): boolean {
    if (this.#gone) this.#closeIfLate();
    const breaker = this.breakerOf(priority);
    return this.balancer.count === 0 || (breaker.hasRoomForConnection() && breaker.hasRoom(resource.requests));
  }

  /** A request of this priority, and the connection that carried it alone, are done. */
  left(priority: number): void {
    const breaker = this.breakerOf(priority);
    breaker.leave(resource.requests);
    breaker.leave(resource.connections);
    this.#queueOf(priority)?.advanceSoon();
  }

  /** A name whose addresses may still come is waited for. */
  #withoutEndpoint(user: ResponseHandler, balancing: BalancingPolicy, hash: number | null): Acquired {
    if (this.#name === null || this.#all.length > 0 || this.#unusable) return noEndpoint;
    const wait = new AddressWait(this, user, balancing, hash);
    this.#name.wait(wait);
    return wait;
  }

  /** A request uses it: names are kept fresh by whoever resolves them. */
  reportUse(): void {
    this.#name?.used();
  }

  stopWaiting(wait: AddressWait): void {
    this.#name?.stopWaiting(wait);
  }

  get connectTimeoutMs(): number {
    const written = this.upstream?.connectTimeoutMs ?? defaultConnectTimeoutMs;
    return written === defaultConnectTimeoutMs ? this.worker.limits.connectTimeoutMs : written;
  }

  /** How long an idle connection may wait and still be used, as far as the whole Upstream is concerned. */
  get reuseIdleMs(): number {
    const { upstreamIdleMs } = this.worker.limits;
    const limitMs = this.#idleTimeoutMs === null ? upstreamIdleMs : Math.min(this.#idleTimeoutMs, upstreamIdleMs);
    return this.#closes === null ? limitMs : Math.min(limitMs, this.#closes.shortestMs(this.worker.nowMs) / 2);
  }

  /** One of its connections was closed by an Endpoint after it had been idle for so long. */
  sawClose(idleMs: number, nowMs: number): void {
    this.#closes ??= new IdleCloses();
    this.#closes.saw(idleMs, nowMs);
  }

  /** Its connections are plain. */
  get plain(): boolean {
    return (this.upstream?.tls ?? null) === null;
  }

  /** Its connections may serve other Upstreams at the same address. */
  get shares(): boolean {
    return this.upstream === null || mayShare(this.upstream);
  }

  /** TLS context of its connections; null: plain. Throws on keys that OpenSSL does not read. */
  get secureContext(): SecureContext | null {
    const tls = this.upstream?.tls ?? null;
    if (tls === null) return null;
    this.#secureContext ??= secureContextOf(tls);
    return this.#secureContext;
  }
}

/** All of them before anybody is told: who chooses again is not told again. */
function retire(endpoints: readonly EndpointPool[]): void {
  for (const tell of endpoints.map((endpoint) => endpoint.retire())) tell();
}

function streamAt(endpoint: EndpointPool, user: ResponseHandler, priority: number): Acquired {
  try {
    return endpoint.acquireStream(user, priority);
  } catch (error) {
    return unreadableKeys(error);
  }
}

/** Keys or authorities that OpenSSL does not read. */
function unreadableKeys(error: unknown): Acquired {
  return {
    kind: "failed",
    failure: failures.connectRefused,
    detail: error instanceof Error ? error.message : String(error),
  };
}
