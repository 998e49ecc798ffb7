// LoadBalancer: the Endpoints of an Upstream that serve, which of them are ejected or fail their health check, and the choice among the others.
// When more than half are out, all are used: then it is more likely that what they share fails than each of them (Envoy's panic threshold).
import { fixed } from "../../shared/metrics/fixed.ts";
import type { WorkerContext } from "../io/worker-context.ts";
import { leastRequest, roundRobin } from "../balancing/candidates.ts";
import type { BalancingPolicy } from "../balancing/balancing-policy.ts";
import type { EndpointPool } from "./endpoint-pool.ts";
import type { EndpointView } from "./endpoint-view.ts";
import { maglevOf, ringOf, type HashTable } from "../balancing/hash-tables.ts";

export class LoadBalancer {
  /** The one Endpoint, if there is one alone and it is well: nothing else needs to be looked at. */
  #sole: EndpointPool | null = null;
  readonly #worker: WorkerContext;
  #all: readonly EndpointPool[] = [];
  /** Those that get requests. */
  #candidates: readonly EndpointPool[] = [];
  #turn = 0;
  #ring: HashTable<EndpointPool> | null = null;
  #maglev: HashTable<EndpointPool> | null = null;
  #ejected = 0;
  /** When the first ejected Endpoint may be probed; Infinity: none is ejected. */
  #probeAtMs = Infinity;
  /** More than half are out: all are used. */
  inPanic = false;

  constructor(worker: WorkerContext) {
    this.#worker = worker;
  }

  get count(): number {
    return this.#all.length;
  }

  /** Those that are out, too. */
  get endpoints(): readonly EndpointPool[] {
    return this.#all;
  }

  set(endpoints: readonly EndpointPool[]): void {
    this.#all = endpoints;
    this.#ring = null;
    this.#maglev = null;
    this.recompute();
  }

  /** One of the Endpoints went out or came in. */
  recompute(): void {
    const all = this.#all;
    let ejected = 0;
    let out = 0;
    this.#probeAtMs = Infinity;
    for (const endpoint of all) {
      const { ejection, failing, retired } = endpoint;
      if (ejection.isOut && !retired) ejected += 1;
      endpoint.sayEjected(ejection.isOut && !retired);
      if (ejection.isOut || failing) out += 1;
      if (!failing) this.#probeAtMs = Math.min(this.#probeAtMs, ejection.probeAtMs);
    }
    this.inPanic = out * 2 > all.length;
    this.#candidates =
      out === 0 || this.inPanic ? all : all.filter(({ ejection, failing }) => !ejection.isOut && !failing);
    this.#sole = out === 0 && all.length === 1 ? all[0]! : null;
    this.#worker.counters.add(fixed.endpointsEjected, ejected - this.#ejected);
    this.#ejected = ejected;
  }

  /** May one more be ejected? At most half of them, so never the last one. */
  get mayEject(): boolean {
    return (this.#ejected + 1) * 2 <= this.#all.length;
  }

  /** The Endpoint for a request; `tried` are left out. `hash` is null where the policy has nothing to hash. null: none is left. */
  pick(balancing: BalancingPolicy, hash: number | null, tried: readonly EndpointView[]): EndpointPool | null {
    if (this.#sole !== null && tried.length === 0) return this.#sole;
    const { nowMs } = this.#worker;
    let endpoint = hash === null ? null : (this.#tableOf(balancing)?.pick(hash, tried, nowMs) ?? null);
    if (endpoint === null && nowMs >= this.#probeAtMs) endpoint = this.#due(tried);
    endpoint ??= this.#next(balancing, tried);
    // All others were tried: one that is out is better than none.
    if (endpoint === null && tried.length > 0) endpoint = leastRequest(this.#all, tried, this.#worker.draw);
    // The request is the probe of an Endpoint whose ejection is over.
    if (endpoint !== null && endpoint.ejection.probeAtMs <= nowMs) {
      endpoint.ejection.probe(nowMs);
      this.recompute();
    }
    return endpoint;
  }

  #next({ policy }: BalancingPolicy, tried: readonly EndpointView[]): EndpointPool | null {
    switch (policy) {
      case "round-robin":
        return roundRobin(this.#candidates, tried, this.#turn++);
      case "least-request":
      // Nothing to hash, or nobody in the table is left.
      case "ring_hash":
      case "maglev":
        return leastRequest(this.#candidates, tried, this.#worker.draw);
    }
  }

  /** An ejected Endpoint whose probe is due. */
  #due(tried: readonly EndpointView[]): EndpointPool | null {
    const { nowMs } = this.#worker;
    return (
      this.#all.find(
        (endpoint) => !endpoint.failing && endpoint.ejection.probeAtMs <= nowMs && !tried.includes(endpoint),
      ) ?? null
    );
  }

  #tableOf({ policy }: BalancingPolicy): HashTable<EndpointPool> | null {
    switch (policy) {
      case "ring_hash":
        return (this.#ring ??= ringOf(this.#all));
      case "maglev":
        return (this.#maglev ??= maglevOf(this.#all));
      case "least-request":
      case "round-robin":
        return null;
    }
  }
}
