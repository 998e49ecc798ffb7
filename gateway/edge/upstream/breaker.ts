// Circuit breakers: what all workers together have in use of an Upstream, against its limits. A breaker reads the cells of every
// worker and writes its own, without atomics, so workers that look at the same moment may together exceed a limit, by workers − 1 at most.
//
// The cells of each worker are a cache line, so nobody adds them up where it cannot matter: before a worker has more than an equal share of the usual limit
// in use, it counts itself in a cell that all read, until it has no more again. While nobody is counted there and this worker has less than its share, all
// of them together have less than the limit.
import type { Occupancy } from '../io/worker-context.ts';
import { breakerCell, breakerResources, equalShare, heavyUseCell } from '../../counters.ts';
import { defaultBreaker } from '../../../routing/upstream.ts';
import type { Breaker as Limits } from '../../../routing/upstream.ts';

/** What is limited: index of its cell. */
export const resource = { connections: 0, pending: 1, requests: 2, retries: 3 } as const;

export type Resource = (typeof resource)[keyof typeof resource];

/** For copies to shadows, which have bounds of their own. */
export const unlimited: Omit<Limits, 'priority'> = Object.freeze({ maxConnections: Infinity, maxPendingRequests: Infinity, maxRequests: Infinity, maxRetries: Infinity });

/** In the order of `breakerResources`. */
const usual: readonly number[] = [defaultBreaker.maxConnections, defaultBreaker.maxPendingRequests, defaultBreaker.maxRequests, defaultBreaker.maxRetries];

// Of a worker that counts alone.
const nobody = new Int32Array(1);
const never = 0x3fff_ffff;

/** The breaker of one Upstream and one priority, as one worker sees it. Whoever enters leaves exactly once, with the same object. */
export class Breaker {
  #own: Float64Array = new Float64Array(breakerResources.length);
  #others: readonly Float64Array[] = [];
  /** Index of the first cell. */
  #first = 0;
  #limits = usual;
  #heavyUse: Int32Array = nobody;
  #heavyCell = 0;
  /** With more than this in use of one thing it counts itself. */
  #heavyAbove = never;
  /** Below this, and while nobody is counted, it need not know the others. 0: it must. */
  #share = 0;
  /** What all workers may have in use together while nobody is counted. */
  #allShares = 0;

  limit({ maxConnections, maxPendingRequests, maxRequests, maxRetries }: Omit<Limits, 'priority'>): void {
    const limits = [maxConnections, maxPendingRequests, maxRequests, maxRetries];
    // Most Upstreams have the same: one array for all of them.
    this.#limits = limits.every((limit, one) => limit === usual[one]) ? usual : limits;
  }

  /** Counts in the cells of this slot from now on, and takes along what is in use. −1: in this worker alone. */
  moveTo({ own, others, heavyUse }: Occupancy, slot: number, priority: number): void {
    const first = slot < 0 ? 0 : breakerCell(slot, priority);
    if (slot < 0 ? this.#own !== own : this.#own === own && this.#first === first) return;
    const inUse = breakerResources.map((_, one) => this.inUseHere(one as Resource));
    for (const [one, count] of inUse.entries()) for (let left = count; left > 0; left--) this.leave(one as Resource);
    const isAlone = slot < 0 || others.length === 0;
    this.#own = slot < 0 ? new Float64Array(breakerResources.length) : own;
    this.#others = slot < 0 ? [] : others;
    this.#first = first;
    this.#heavyUse = isAlone ? nobody : heavyUse;
    this.#heavyCell = isAlone ? 0 : heavyUseCell(slot, priority);
    const workers = others.length + 1;
    this.#share = isAlone ? 0 : equalShare(workers);
    this.#heavyAbove = isAlone ? never : this.#share;
    this.#allShares = this.#share * workers;
    for (const [one, count] of inUse.entries()) for (let left = count; left > 0; left--) this.#add(one as Resource);
  }

  /** It counts itself before it has so much. */
  #add(one: Resource): void {
    const cell = this.#first + one;
    const before = this.#own[cell]!;
    if (before === this.#heavyAbove) Atomics.add(this.#heavyUse, this.#heavyCell, 1);
    this.#own[cell] = before + 1;
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
    const limit = this.#limits[one]!;
    if (this.#own[this.#first + one]! < this.#share && limit >= this.#allShares && this.#heavyUse[this.#heavyCell] === 0) return true;
    return this.inUse(one) < limit;
  }

  /** Counts one more in use, if there is room. */
  enter(one: Resource): boolean {
    if (!this.hasRoom(one)) return false;
    this.#add(one);
    return true;
  }

  leave(one: Resource): void {
    const cell = this.#first + one;
    const after = this.#own[cell]! - 1;
    this.#own[cell] = after;
    if (after === this.#heavyAbove) Atomics.sub(this.#heavyUse, this.#heavyCell, 1);
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
    this.#add(resource.connections);
  }
}
