// All Upstreams of a worker, by key. Mappings hold their pool, so a request looks nothing up.
import type { Upstream, UpstreamEndpoints } from '../../../routing/upstream.ts';
import type { Edge } from '../edge.ts';
import { IdleShelves } from './idle-shelf.ts';
import { UpstreamPool } from './pool.ts';

export class UpstreamRegistry {
  readonly #edge: Edge;
  readonly #traffic: 'live' | 'shadow';
  readonly #shelves = new IdleShelves();
  readonly #pools = new Map<string, UpstreamPool>();

  constructor(edge: Edge, traffic: 'live' | 'shadow') {
    this.#edge = edge;
    this.#traffic = traffic;
  }

  /** The pool of a key. One that nobody has described yet has no Endpoints. */
  poolOf(key: string): UpstreamPool {
    let pool = this.#pools.get(key);
    if (pool === undefined) this.#pools.set(key, (pool = new UpstreamPool(this.#edge, key, this.#shelves, this.#traffic)));
    return pool;
  }

  describe(upstreams: readonly Upstream[]): void {
    for (const upstream of upstreams) this.poolOf(upstream.key).describe(upstream);
  }

  /** Where their breakers count. */
  count(slots: readonly (readonly [key: string, slot: number])[]): void {
    for (const [key, slot] of slots) this.poolOf(key).countAt(slot);
  }

  /** Who fails its health check, of the Upstreams that are named. `whole`: of the others nobody does. */
  setFailing(changes: readonly (readonly [key: string, addresses: readonly string[]])[], whole: boolean): void {
    const named = new Map(changes.map(([key, addresses]) => [key, new Set(addresses)]));
    if (whole) for (const [key, pool] of this.#pools) if (!named.has(key)) pool.setFailing(new Set());
    // The word may come before the table that describes the Upstream.
    for (const [key, addresses] of named) this.poolOf(key).setFailing(addresses);
  }

  setEndpoints(changes: readonly UpstreamEndpoints[]): void {
    for (const change of changes) this.#pools.get(change.key)?.setEndpoints(change);
  }

  /** For shadows: keeps the pools that shadows name, with the addresses that `pools` has, and no others. */
  mirror(pools: UpstreamRegistry, upstreams: readonly Upstream[], changes: readonly UpstreamEndpoints[]): void {
    for (const pool of this.#pools.values()) {
      const described = pools.poolOf(pool.key).upstream;
      if (pool.upstream !== null || described === null) continue;
      // A shadow is new: its Upstream may have been known for long.
      pool.describe(described);
      pool.setEndpoints({ key: pool.key, ready: true, endpoints: pools.poolOf(pool.key).addresses });
    }
    for (const upstream of upstreams) this.#pools.get(upstream.key)?.describe(upstream);
    this.setEndpoints(changes);
  }

  remove(keys: Iterable<string>): void {
    for (const key of keys) {
      this.#pools.get(key)?.close();
      this.#pools.delete(key);
    }
  }

  keys(): readonly string[] {
    return [...this.#pools.keys()];
  }

  /** Endpoints that take requests. */
  get servingCount(): number {
    let count = 0;
    for (const pool of this.#pools.values()) count += pool.serving.count;
    return count;
  }

  close(): void {
    this.remove(this.keys());
  }
}
