// Back-off of one address that fails its copies: a copy that is bound to fail costs a dial, which is more than the primary's whole request, or a
// place among those under way until its time is over.

/** Bad ends in a row that begin it. */
export const badEndsToBackOff = 5;
/** The first time without copies; each trial that fails doubles it, up to the longest. */
export const firstBackOffMs = 100;
export const longestBackOffMs = 5000;

/**
 * How a copy ended. `failed`: no connection, a lost one, or no answer in time. `cut`: it was answered, at a length that ends its connection;
 * its delay stays the first one, because such a shadow works.
 */
export type CopyEnd = "answered" | "failed" | "cut";

export class ShadowBackOff {
  #badEndsInRow = 0;
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

  /** A copy has ended. True: the back-off begins. What began before it says no more than the end that began it. */
  ended(how: CopyEnd, nowMs: number): boolean {
    if (how === "answered") {
      this.#badEndsInRow = 0;
      this.#delayMs = 0;
      this.#trying = false;
      return false;
    }
    this.#badEndsInRow += 1;
    if (this.#delayMs === 0 ? this.#badEndsInRow < badEndsToBackOff : !this.#trying) return false;
    const begins = this.#delayMs === 0;
    this.#delayMs = begins || how === "cut" ? firstBackOffMs : Math.min(longestBackOffMs, this.#delayMs * 2);
    this.#trialAtMs = nowMs + this.#delayMs;
    this.#trying = false;
    return begins;
  }
}
