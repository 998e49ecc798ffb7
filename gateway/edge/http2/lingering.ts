// Lingering streams: their answers have left, and the peer may take them and end its own messages before it is told that nobody wants the rest.

/** Those of one connection, by id, in the order in which they began to wait. */
export class LingeringStreams {
  /** Each id, and when it has waited long enough. */
  readonly #waiting: number[] = [];

  add(id: number, dueMs: number): void {
    this.#waiting.push(id, dueMs);
  }

  /** When the first has waited long enough, ms; Infinity: none waits. */
  get dueMs(): number {
    return this.#waiting[1] ?? Infinity;
  }

  /** Takes out the id of the first, if it is due by `nowMs`; 0: it is not, or there is none. */
  take(nowMs: number): number {
    if (this.dueMs > nowMs) return 0;
    const [id] = this.#waiting.splice(0, 2);
    return id ?? 0;
  }
}
