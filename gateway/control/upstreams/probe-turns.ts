// ProbeTurns: few probes at once, and of one room fewer: Endpoints of one namespace that hang until their timeout keep no other waiting.

/** Probes at once; over it they wait for their turn, and intervals grow longer than asked for. */
export const probesAtOnce = 256;
/** Of them those of one room. */
export const probesOfRoom = 16;

export class ProbeTurns {
  readonly #running = new Map<string, number>();
  /** By room, the one whose turn is next first. */
  readonly #waiting = new Map<string, (() => void)[]>();
  #all = 0;

  /** Resolves when the room may probe once more; `leave` ends it. */
  async enter(room: string): Promise<void> {
    if (this.#has(room)) return this.#begin(room);
    await new Promise<void>((resolve) => {
      const waiting = this.#waiting.get(room);
      if (waiting === undefined) this.#waiting.set(room, [resolve]);
      else waiting.push(resolve);
    });
  }

  leave(room: string): void {
    const left = this.#running.get(room)! - 1;
    if (left === 0) this.#running.delete(room);
    else this.#running.set(room, left);
    this.#all -= 1;
    for (const [next, waiting] of this.#waiting) {
      if (!this.#has(next)) continue;
      // Behind the others from now on.
      this.#waiting.delete(next);
      if (waiting.length > 1) this.#waiting.set(next, waiting);
      this.#begin(next);
      waiting.shift()!();
      return;
    }
  }

  #has(room: string): boolean {
    return this.#all < probesAtOnce && (this.#running.get(room) ?? 0) < probesOfRoom;
  }

  #begin(room: string): void {
    this.#running.set(room, (this.#running.get(room) ?? 0) + 1);
    this.#all += 1;
  }
}
