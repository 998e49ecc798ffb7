// HalfClosed: a client of HTTP/1.1 that sends no more and awaits its answer, or what is left of it: is it gone, or does it read on?
import type { Deadline } from "../io/deadline.ts";
import type { Transport } from "../io/transport.ts";
import type { WorkerContext } from "../io/worker-context.ts";
import { continueLine } from "../http1/continue.ts";

/** Is a client that sends no more gone, or waiting for its answer? A 100 tells: whoever is gone answers it with a reset. Ms after its end. */
const probeAfterMs: readonly number[] = [10, 50, 250, 1000];

export class HalfClosed {
  readonly #worker: WorkerContext;
  readonly #transport: Transport;
  /** When it is looked at next. */
  readonly #deadline: Deadline;
  /** Since when a pause of its answer is not the client's doing: it ended, or took what it was sent. Ms of the edge's clock. */
  #heardMs: number;
  #probes = 0;

  constructor(worker: WorkerContext, transport: Transport, deadline: Deadline) {
    this.#worker = worker;
    this.#transport = transport;
    this.#deadline = deadline;
    this.#heardMs = worker.nowMs;
  }

  /** It took what it was sent. */
  heard(): void {
    this.#heardMs = this.#worker.nowMs;
  }

  /** Its answer begins. */
  answerBegins(): void {
    this.#worker.wheel.set(this.#deadline, this.#worker.nowMs + this.#worker.limits.halfClosedIdleMs);
  }

  /**
   * Within an answer, of which a byte last passed then, nothing can be asked: what is written tells, and where nothing is, after a time, the
   * client counts as gone: false.
   */
  isThere(lastByteMs: number): boolean {
    const { nowMs, limits, wheel } = this.#worker;
    // Whoever does not take what it was sent has a deadline for that.
    const dueMs = (this.#transport.congested ? nowMs : Math.max(this.#heardMs, lastByteMs)) + limits.halfClosedIdleMs;
    if (nowMs >= dueMs) return false;
    wheel.set(this.#deadline, dueMs);
    return true;
  }

  /** Before its answer: a client that only ended its side takes a 100 for what it is; one that is gone answers it with a reset. */
  probe(): void {
    const afterMs = probeAfterMs[this.#probes++];
    if (afterMs === undefined) return;
    this.#transport.give(continueLine);
    this.#worker.wheel.set(this.#deadline, this.#worker.nowMs + afterMs);
  }
}
