// Access budget: lines about failures that are written in a second. Whoever resets calls as fast as the network takes them must not have a line
// for each: 7,000 lines a second made the heap of the thread that writes them 33 MiB larger and took a third of a core.
import { Deadline } from '../io/deadline.ts';
import type { DeadlineWheel, Timed } from '../io/deadline.ts';

const windowMs = 1000;

/** Of one worker. Lines are counted by flag, so that a flood of one failure does not hide another one. */
export class AccessBudget implements Timed {
  readonly #wheel: DeadlineWheel;
  readonly #most: number;
  readonly #leftOut: (flag: string, lines: number) => void;
  /** Lines of this window, those that are left out among them. */
  readonly #lines = new Map<string, number>();
  #endsAtMs = 0;
  readonly #deadline = new Deadline(this);

  /** `most` lines of one flag a second; 0: any number. `leftOut` is told at the end of a second how many more there were. */
  constructor(wheel: DeadlineWheel, most: number, leftOut: (flag: string, lines: number) => void) {
    this.#wheel = wheel;
    this.#most = most;
    this.#leftOut = leftOut;
  }

  /** Asked once for each line. False: it is left out. */
  admits(flag: string, nowMs: number): boolean {
    if (this.#most === 0) return true;
    this.expired(nowMs);
    const lines = (this.#lines.get(flag) ?? 0) + 1;
    this.#lines.set(flag, lines);
    if (lines <= this.#most) return true;
    this.#wheel.set(this.#deadline, this.#endsAtMs);
    return false;
  }

  expired(nowMs: number): void {
    if (nowMs < this.#endsAtMs) return;
    for (const [flag, lines] of this.#lines) if (lines > this.#most) this.#leftOut(flag, lines - this.#most);
    this.#lines.clear();
    this.#endsAtMs = nowMs + windowMs;
  }
}
