// All Upstreams of a worker, by key. Compiled Mappings hold their pool, so a request looks nothing up. A pool is made when the first request
// asks for it: of 10,000 deployments few are asked at once, and a pool is twenty times what is known of its Upstream.
import type { Endpoint, Upstream, UpstreamEndpoints } from '../../../routing/upstream.ts';
import type { UpstreamContext } from './upstream-context.ts';
import { AddressPools } from './address-pool.ts';
import { UpstreamPool } from './pool.ts';

const noAddresses: ReadonlySet<string> = new Set();

/** What is known of one Upstream. */
class Known {
  readonly key: string;
  /** null: named by a Mapping, not described yet. */
  upstream: Upstream | null = null;
  /** null: not told yet. */
  endpoints: UpstreamEndpoints | null = null;
  breakerSlot = -1;
  /** Addresses that fail their health check. */
  failing: ReadonlySet<string> = noAddresses;
  live: UpstreamPool | null = null;
  shadow: UpstreamPool | null = null;
  /** Endpoints that take requests, as they were counted last. */
  counted = 0;

  constructor(key: string) {
    this.key = key;
  }

  fail(addresses: ReadonlySet<string>): void {
    if (addresses === this.failing) return;
    this.failing = addresses;
    this.live?.setFailing(addresses);
  }

  /** Endpoints that take requests. */
  get servingCount(): number {
    return this.live === null ? servingOf(this.endpoints?.endpoints ?? []) : this.live.balancer.count;
  }
}

/** Ready ones, or all while none is ready (routing rule 7). */
function servingOf(endpoints: readonly Endpoint[]): number {
  let ready = 0;
  for (const { state } of endpoints) if (state === 'ready') ready += 1;
  return ready > 0 ? ready : endpoints.length;
}

export class UpstreamRegistry {
  readonly #context: UpstreamContext;
  // Copies for shadows never share a connection with what they are copies of.
  readonly #liveAddressPools = new AddressPools();
  readonly #shadowAddressPools = new AddressPools();
  readonly #known = new Map<string, Known>();
  /** Endpoints that take requests, of all Upstreams: kept, because a change of one Upstream must not look at 10,000 others. */
  #servingCount = 0;

  constructor(context: UpstreamContext) {
    this.#context = context;
  }

  /** The pool of a key. One that nobody has described yet has no Endpoints. */
  liveOf(key: string): UpstreamPool {
    const known = this.#knownOf(key);
    if (known.live === null) {
      const pool = new UpstreamPool(this.#context, key, this.#liveAddressPools, 'live');
      this.#fill(pool, known);
      if (known.breakerSlot >= 0) pool.countAt(known.breakerSlot);
      if (known.failing.size > 0) pool.setFailing(known.failing);
      known.live = pool;
      this.#count(known, known.servingCount);
    }
    return known.live;
  }

  /** The same for copies: another pool, with the same Endpoints. */
  shadowOf(key: string): UpstreamPool {
    const known = this.#knownOf(key);
    if (known.shadow === null) {
      const pool = new UpstreamPool(this.#context, key, this.#shadowAddressPools, 'shadow');
      this.#fill(pool, known);
      known.shadow = pool;
    }
    return known.shadow;
  }

  #knownOf(key: string): Known {
    let known = this.#known.get(key);
    if (known === undefined) this.#known.set(key, (known = new Known(key)));
    return known;
  }

  #fill(pool: UpstreamPool, { upstream, endpoints }: Known): void {
    if (upstream !== null) pool.describe(upstream);
    if (endpoints !== null) pool.setEndpoints(endpoints);
  }

  describe(upstreams: readonly Upstream[]): void {
    for (const upstream of upstreams) {
      const known = this.#knownOf(upstream.key);
      known.upstream = upstream;
      known.live?.describe(upstream);
      known.shadow?.describe(upstream);
    }
  }

  /** Where their breakers count. */
  count(slots: readonly (readonly [key: string, slot: number])[]): void {
    for (const [key, slot] of slots) {
      const known = this.#knownOf(key);
      known.breakerSlot = slot;
      known.live?.countAt(slot);
    }
  }

  /** Who fails its health check, of the Upstreams that are named. `whole`: of the others nobody does. */
  setFailing(changes: readonly (readonly [key: string, addresses: readonly string[]])[], whole: boolean): void {
    const named = new Map(changes.map(([key, addresses]) => [key, new Set(addresses)]));
    if (whole) for (const known of this.#known.values()) if (!named.has(known.key)) known.fail(noAddresses);
    // The word may come before the table that describes the Upstream.
    for (const [key, addresses] of named) this.#knownOf(key).fail(addresses);
  }

  /** Endpoints of Upstreams that nobody names are not kept. */
  setEndpoints(changes: readonly UpstreamEndpoints[]): void {
    for (const change of changes) {
      const known = this.#known.get(change.key);
      if (known === undefined) continue;
      known.endpoints = change;
      known.live?.setEndpoints(change);
      known.shadow?.setEndpoints(change);
      this.#count(known, known.servingCount);
    }
  }

  #count(known: Known, balancer: number): void {
    this.#servingCount += balancer - known.counted;
    known.counted = balancer;
  }

  remove(keys: Iterable<string>): void {
    for (const key of keys) {
      const known = this.#known.get(key);
      if (known === undefined) continue;
      known.live?.close();
      known.shadow?.close();
      this.#count(known, 0);
      this.#known.delete(key);
    }
  }

  keys(): readonly string[] {
    return [...this.#known.keys()];
  }

  /** Endpoints that take requests. */
  get servingCount(): number {
    return this.#servingCount;
  }

  close(): void {
    this.remove(this.keys());
  }
}
