// Write stall: does a peer still take what waits for it? Measured by progress: a slow peer that takes some all the time is served to the end.

/** What waits for a peer. Either number falls as the peer takes bytes. */
export interface WriteQueue {
  /** Bytes that it has not taken; those of one write may count until it has taken them all. */
  readonly queued: number;
  /** Of the write under way, bytes that it has not taken. */
  readonly unsent: number;
}

/** Looks in the time of one limit: a peer that has stopped is noticed by so much of it late, never early. */
const looksPerLimit = 8;

/** Of one peer. Times are ms of the edge's clock. */
export class WriteStall {
  readonly #limitMs: number;
  /** When it was last seen to take something, or something began to wait; Infinity: nothing waits. */
  #movedMs = Infinity;
  #lookedMs = Infinity;
  #queued = 0;
  #unsent = 0;

  constructor(limitMs: number) {
    this.#limitMs = limitMs;
  }

  /** Something waits from now on, if it does not already. */
  begin(nowMs: number, queue: WriteQueue): void {
    if (this.#movedMs !== Infinity) return;
    this.#movedMs = nowMs;
    this.#see(nowMs, queue);
  }

  /** Nothing waits any longer. */
  end(): void {
    this.#movedMs = Infinity;
    this.#lookedMs = Infinity;
  }

  /** When to look next; Infinity: nothing waits. */
  get nextMs(): number {
    return Math.min(this.#movedMs + this.#limitMs, this.#lookedMs + this.#limitMs / looksPerLimit);
  }

  look(nowMs: number, queue: WriteQueue): void {
    if (this.#movedMs === Infinity) return;
    if (queue.queued < this.#queued || queue.unsent < this.#unsent) this.#movedMs = nowMs;
    this.#see(nowMs, queue);
  }

  /** Nothing was taken for the whole limit. */
  isOver(nowMs: number): boolean {
    return nowMs >= this.#movedMs + this.#limitMs;
  }

  #see(nowMs: number, { queued, unsent }: WriteQueue): void {
    this.#lookedMs = nowMs;
    this.#queued = queued;
    this.#unsent = unsent;
  }
}
