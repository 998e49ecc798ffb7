// Access budget: lines about failures that are written in a second. Whoever resets calls as fast as the network takes them must not have a line
// for each: 7,000 lines a second made the heap of the thread that writes them 33 MiB larger and took a third of a core.
import { Deadline, type DeadlineWheel, type Timed } from "../io/deadline.ts";

const windowMs = 1000;
/** This part of the lines of one failure each namespace has, whatever others take. */
const namespacePart = 1 / 16;

/** Of one failure, in this window. */
interface Lines {
  /** Those that are left out among them. */
  asked: number;
  written: number;
  /** Written, by namespace. */
  readonly own: Map<string, number>;
}

/** Of one worker. Lines are counted by flag, so that a flood of one failure does not hide another one, and that of one namespace not all of another's. */
export class AccessBudget implements Timed {
  readonly #wheel: DeadlineWheel;
  readonly #most: number;
  readonly #leftOut: (flag: string, lines: number) => void;
  readonly #ofNamespace: number;
  readonly #lines = new Map<string, Lines>();
  #endsAtMs = 0;
  readonly #deadline = new Deadline(this);

  /**
   * `most` lines of one flag a second in the order in which they come. Beyond them each namespace that has not had its part gets some, up to twice `most` in all. 0: any number. `leftOut` gets the number of further lines at the end of each second.
   */
  constructor(wheel: DeadlineWheel, most: number, leftOut: (flag: string, lines: number) => void) {
    this.#wheel = wheel;
    this.#most = most;
    this.#ofNamespace = Math.ceil(most * namespacePart);
    this.#leftOut = leftOut;
  }

  /** Asked once for each line. `namespace`: whose request it is; "": nobody's. False: it is left out. */
  admits(flag: string, namespace: string, nowMs: number): boolean {
    if (this.#most === 0) return true;
    this.expired(nowMs);
    let lines = this.#lines.get(flag);
    if (lines === undefined) this.#lines.set(flag, (lines = { asked: 0, written: 0, own: new Map() }));
    lines.asked += 1;
    const own = lines.own.get(namespace) ?? 0;
    if (lines.written < this.#most || (own < this.#ofNamespace && lines.written < 2 * this.#most)) {
      lines.written += 1;
      lines.own.set(namespace, own + 1);
      return true;
    }
    this.#wheel.set(this.#deadline, this.#endsAtMs);
    return false;
  }

  expired(nowMs: number): void {
    if (nowMs < this.#endsAtMs) return;
    for (const [flag, { asked, written }] of this.#lines) if (asked > written) this.#leftOut(flag, asked - written);
    this.#lines.clear();
    this.#endsAtMs = nowMs + windowMs;
  }
}
