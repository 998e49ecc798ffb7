// Circuit breakers: what all workers together have in use of an Upstream, against its limits. A breaker reads the cells of every
// worker and writes its own, without atomics, so workers that look at the same moment may together exceed a limit, by workers − 1 at most.
//
// The cells of each worker are a cache line, so nobody adds them up where it cannot matter: before a worker has more than half of an equal share of the usual limit
// in use, it counts itself in a cell that all read, until it has no more again. While nobody is counted there and this worker has less than its share, all
// of them together have less than the limit.
import { aloneOccupancy, type Occupancy } from "../io/occupancy.ts";
import { breakerCell, heavyUseOf } from "../../shared/memory/counters.ts";
import { breakerResources } from "../../shared/metrics/series.ts";
import { defaultBreaker, type Breaker as Limits } from "../../../routing/model/upstream.ts";

/** What is limited: index of its cell. */
export const resource = { connections: 0, pending: 1, requests: 2, retries: 3 } as const;

export type Resource = (typeof resource)[keyof typeof resource];

/** For copies to shadows, which have bounds of their own. */
export const unlimited: Omit<Limits, "priority"> = Object.freeze({
  maxConnections: Infinity,
  maxPendingRequests: Infinity,
  maxRequests: Infinity,
  maxRetries: Infinity,
});

/** In the order of `breakerResources`. */
const usual: readonly number[] = [
  defaultBreaker.maxConnections,
  defaultBreaker.maxPendingRequests,
  defaultBreaker.maxRequests,
  defaultBreaker.maxRetries,
];

/** Of this thread alone. */
const shown = new Int32Array(1);

/** The breaker of one Upstream and one priority, as one worker sees it. Whoever enters leaves exactly once, with the same object. */
export class Breaker {
  #occupancy = aloneOccupancy();
  /** Index of the first cell. */
  #first = 0;
  #limits = usual;

  limit({ maxConnections, maxPendingRequests, maxRequests, maxRetries }: Omit<Limits, "priority">): void {
    const limits = [maxConnections, maxPendingRequests, maxRequests, maxRetries];
    // Most Upstreams have the same: one array for all of them.
    this.#limits = limits.every((limit, one) => limit === usual[one]) ? usual : limits;
  }

  /** Counts in the cells of this slot from now on, and takes along what is in use. −1: in this worker alone. */
  moveTo(occupancy: Occupancy, slot: number, priority: number): void {
    const first = slot < 0 ? 0 : breakerCell(slot, priority);
    if (
      slot < 0 ? this.#occupancy.own !== occupancy.own : this.#occupancy.own === occupancy.own && this.#first === first
    )
      return;
    const inUse = breakerResources.map((_, one) => this.inUseHere(one as Resource));
    for (const [one, count] of inUse.entries()) for (let left = count; left > 0; left--) this.leave(one as Resource);
    this.#occupancy = slot < 0 ? aloneOccupancy() : occupancy;
    this.#first = first;
    for (const [one, count] of inUse.entries()) for (let left = count; left > 0; left--) this.#add(one as Resource);
  }

  /** It counts itself before it has so much. */
  #add(one: Resource): void {
    const { own, heavyAbove, heavyUse } = this.#occupancy;
    const cell = this.#first + one;
    const before = own[cell]!;
    if (before === heavyAbove) Atomics.add(heavyUse, heavyUseOf(this.#first), 1);
    own[cell] = before + 1;
  }

  /** What all workers have in use. */
  inUse(one: Resource): number {
    const cell = this.#first + one;
    const { own, others } = this.#occupancy;
    let total = own[cell]!;
    for (let i = 0; i < others.length; i++) total += others[i]![cell]!;
    return total;
  }

  /** What this worker has in use. */
  inUseHere(one: Resource): number {
    return this.#occupancy.own[this.#first + one]!;
  }

  /** Is there room for one more? */
  hasRoom(one: Resource): boolean {
    const limit = this.#limits[one]!;
    const { own, others, share, leastLimit, heavyUse } = this.#occupancy;
    if (own[this.#first + one]! < share && limit >= leastLimit && heavyUse[heavyUseOf(this.#first)] === 0) return true;
    // Processors keep back what they write: an atomic operation shows it to the others before theirs is read. Without it several entries of each were not seen.
    if (others.length > 0) Atomics.add(shown, 0, 0);
    return this.inUse(one) < limit;
  }

  /** Counts one more in use, if there is room. */
  enter(one: Resource): boolean {
    if (!this.hasRoom(one)) return false;
    this.#add(one);
    return true;
  }

  leave(one: Resource): void {
    const { own, heavyAbove, heavyUse } = this.#occupancy;
    const cell = this.#first + one;
    const after = own[cell]! - 1;
    own[cell] = after;
    if (after === heavyAbove) Atomics.sub(heavyUse, heavyUseOf(this.#first), 1);
  }

  /**
   * Room for one more connection. A worker that has none gets one whatever the others hold: requests that wait in it would have nothing to
   * wait for (Envoy does the same for a pool without a connection).
   */
  hasRoomForConnection(): boolean {
    return this.inUseHere(resource.connections) === 0 || this.hasRoom(resource.connections);
  }

  /** Counts one more connection in use, after `hasRoomForConnection`. */
  enterConnection(): void {
    this.#add(resource.connections);
  }
}
