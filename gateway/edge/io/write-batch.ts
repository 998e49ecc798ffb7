// WriteBatch: everything that a worker's connections write in one turn of the event loop leaves in one write a connection. This is the one large
// saving of the engine: 10 to 13 µs of a call in a prototype.
import { OutBuffer } from "./out-buffer.ts";

/**
 * Bytes of one write, which the kernel takes as one packet: 45 segments of 1,448, what fits the 64 KiB of segmentation offload, and less than the
 * loopback's 65,483. A few bytes more go on their own, through all of TCP (measured: 0.65 of the time that writes of four whole frames take).
 */
const writeBytes = 65_160;

/** What asked to be called at the end of the turn. */
export interface TurnEnd {
  /** Called once for each time that it asked. */
  turnEnded(): void;
}

/** One a worker. */
export class WriteBatch {
  #waiting: TurnEnd[] = [];
  #next: TurnEnd[] = [];
  #scheduled = false;
  readonly #outs: OutBuffer[] = [];
  readonly #faulted: (error: unknown) => void;

  /** `faulted` is told of a bug that shows at the end of a turn; the others of that turn are called all the same. */
  constructor(faulted: (error: unknown) => void) {
    this.#faulted = faulted;
  }

  /** Calls `end` after this turn's callbacks. */
  ask(end: TurnEnd): void {
    this.#waiting.push(end);
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#run);
  }

  readonly #run = (): void => {
    this.#scheduled = false;
    const ended = this.#waiting;
    this.#waiting = this.#next;
    for (let i = 0; i < ended.length; i++) {
      try {
        ended[i]!.turnEnded();
      } catch (error) {
        this.#faulted(error);
      }
    }
    ended.length = 0;
    this.#next = ended;
  };

  /** A buffer for a connection that has something to write; given back when it is flushed, so that idle connections hold none. */
  takeOut(): OutBuffer {
    return this.#outs.pop() ?? new OutBuffer(writeBytes);
  }

  giveBack(out: OutBuffer): void {
    out.close();
    if (this.#outs.length < mostSpareOuts) this.#outs.push(out);
  }
}

const mostSpareOuts = 64;
