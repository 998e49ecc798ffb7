// Back-off of one shadow that refuses or resets: a copy that is bound to fail costs a dial, which is more than the primary's whole request.

/** Lost connections and failed dials in a row that begin it. */
export const lossesToBackOff = 5;
/** The first time without copies; each trial that fails doubles it, up to the longest. */
export const firstBackOffMs = 100;
export const longestBackOffMs = 5000;

export class ShadowBackOff {
  #lossesInRow = 0;
  /** 0: it takes every copy. */
  #delayMs = 0;
  /** When the next trial may begin. */
  #trialAtMs = 0;
  #trying = false;

  /** May a copy begin? While it backs off one may after each delay: a trial. One that comes to no end is followed by another. */
  admits(nowMs: number): boolean {
    if (this.#delayMs === 0) return true;
    if (nowMs < this.#trialAtMs) return false;
    this.#trying = true;
    this.#trialAtMs = nowMs + this.#delayMs;
    return true;
  }

  /** It answered. */
  answered(): void {
    this.#lossesInRow = 0;
    this.#delayMs = 0;
    this.#trying = false;
  }

  /** A copy lost its connection or found none. True: the back-off begins. What began before it says no more than the loss that began it. */
  lost(nowMs: number): boolean {
    this.#lossesInRow += 1;
    if (this.#delayMs === 0 ? this.#lossesInRow < lossesToBackOff : !this.#trying) return false;
    const begins = this.#delayMs === 0;
    this.#delayMs = begins ? firstBackOffMs : Math.min(longestBackOffMs, this.#delayMs * 2);
    this.#trialAtMs = nowMs + this.#delayMs;
    this.#trying = false;
    return begins;
  }
}
