// Circuit breakers: what all workers together have in use of an Upstream, against its limits. A breaker reads the cells of every
// worker and writes its own, without atomics, so workers that look at the same moment may together exceed a limit, by workers − 1 at most.
import type { Occupancy } from '../io/worker-context.ts';
import { breakerCell, breakerResources } from '../../counters.ts';
import { defaultBreaker } from '../../../routing/upstream.ts';
import type { Breaker as Limits } from '../../../routing/upstream.ts';

/** What is limited: index of its cell. */
export const resource = { connections: 0, pending: 1, requests: 2, retries: 3 } as const;

export type Resource = (typeof resource)[keyof typeof resource];

/** For copies to shadows, which have bounds of their own. */
export const unlimited: Omit<Limits, 'priority'> = Object.freeze({ maxConnections: Infinity, maxPendingRequests: Infinity, maxRequests: Infinity, maxRetries: Infinity });

/** In the order of `breakerResources`. */
const usual: readonly number[] = [defaultBreaker.maxConnections, defaultBreaker.maxPendingRequests, defaultBreaker.maxRequests, defaultBreaker.maxRetries];

/** The breaker of one Upstream and one priority, as one worker sees it. Whoever enters leaves exactly once, with the same object. */
export class Breaker {
  #own: Float64Array = new Float64Array(breakerResources.length);
  #others: readonly Float64Array[] = [];
  /** Index of the first cell. */
  #first = 0;
  #limits = usual;

  limit({ maxConnections, maxPendingRequests, maxRequests, maxRetries }: Omit<Limits, 'priority'>): void {
    const limits = [maxConnections, maxPendingRequests, maxRequests, maxRetries];
    // Most Upstreams have the same: one array for all of them.
    this.#limits = limits.every((limit, one) => limit === usual[one]) ? usual : limits;
  }

  /** Counts in the cells of this slot from now on, and takes along what is in use. −1: in this worker alone. */
  moveTo({ own, others }: Occupancy, slot: number, priority: number): void {
    const first = slot < 0 ? 0 : breakerCell(slot, priority);
    if (slot < 0 ? this.#own !== own : this.#own === own && this.#first === first) return;
    const to = slot < 0 ? new Float64Array(breakerResources.length) : own;
    for (let one = 0; one < breakerResources.length; one++) {
      to[first + one]! += this.#own[this.#first + one]!;
      this.#own[this.#first + one] = 0;
    }
    this.#own = to;
    this.#others = slot < 0 ? [] : others;
    this.#first = first;
  }

  /** What all workers have in use. */
  inUse(one: Resource): number {
    const cell = this.#first + one;
    const others = this.#others;
    let total = this.#own[cell]!;
    for (let i = 0; i < others.length; i++) total += others[i]![cell]!;
    return total;
  }

  /** What this worker has in use. */
  inUseHere(one: Resource): number {
    return this.#own[this.#first + one]!;
  }

  /** Is there room for one more? */
  hasRoom(one: Resource): boolean {
    return this.inUse(one) < this.#limits[one]!;
  }

  /** Counts one more in use, if there is room. */
  enter(one: Resource): boolean {
    if (!this.hasRoom(one)) return false;
    this.#own[this.#first + one]! += 1;
    return true;
  }

  leave(one: Resource): void {
    this.#own[this.#first + one]! -= 1;
  }

  /**
   * Room for one more connection. A worker that has none gets one whatever the others hold: requests that wait in it would have nothing to
   * wait for (Envoy does the same for a pool without a connection).
   */
  hasRoomForConnection(): boolean {
    return this.#own[this.#first + resource.connections] === 0 || this.hasRoom(resource.connections);
  }

  /** Counts one more connection in use, after `hasRoomForConnection`. */
  enterConnection(): void {
    this.#own[this.#first + resource.connections]! += 1;
  }
}
