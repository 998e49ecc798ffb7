// Back-off: how long to wait before the API server is asked again (client-go's reflector: 0.8 s doubling to 30 s, jitter 1, anew after 2 min of quiet).

export interface BackoffTimes {
  readonly firstMs: number;
  readonly maxMs: number;
  /** Without a failure for so long it starts from the first again. */
  readonly healthyMs: number;
}

export const apiBackoff: BackoffTimes = { firstMs: 800, maxMs: 30_000, healthyMs: 120_000 };

export class Backoff {
  readonly #times: BackoffTimes;
  readonly #random: () => number;
  #nextMs: number;
  #calledAtMs = -Infinity;

  /** `random` gives numbers in [0, 1). */
  constructor(times: BackoffTimes, random: () => number) {
    this.#times = times;
    this.#random = random;
    this.#nextMs = times.firstMs;
  }

  /**
   * Time to wait after a failure at `nowMs` (any clock that never goes back), ms: from the step to twice the step, so that replicas spread.
   * A `Retry-After` takes the place of the step when the server sent one, but nobody is asked without pause.
   */
  waitMs(nowMs: number, retryAfterMs: number | null): number {
    const { firstMs, maxMs, healthyMs } = this.#times;
    if (nowMs - this.#calledAtMs > healthyMs + this.#nextMs) this.#nextMs = firstMs;
    this.#calledAtMs = nowMs;
    const stepMs = this.#nextMs;
    this.#nextMs = Math.min(stepMs * 2, maxMs);
    return Math.min(Math.max(retryAfterMs ?? stepMs, firstMs), maxMs) * (1 + this.#random());
  }
}
