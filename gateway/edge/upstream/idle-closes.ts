// How soon an upstream closes idle connections, as far as it was seen: reuse stays well below it.

/** An observed idle close is forgotten after this long: a pod that restarts closes everything at once, whatever its idle limit. */
const memoryMs = 60_000;

export class IdleCloses {
  #shortestMs = Infinity;
  #seenMs = -Infinity;

  /** The upstream closed a connection that had been idle for `idleMs`. */
  saw(idleMs: number, nowMs: number): void {
    if (idleMs >= this.shortestMs(nowMs)) return;
    this.#shortestMs = idleMs;
    this.#seenMs = nowMs;
  }

  /** The shortest that is remembered; Infinity: none. */
  shortestMs(nowMs: number): number {
    if (this.#shortestMs !== Infinity && nowMs - this.#seenMs > memoryMs) this.#shortestMs = Infinity;
    return this.#shortestMs;
  }
}
