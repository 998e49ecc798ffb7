// Spares: large objects of short use that are kept to be used again, as many as a bound says.
import type { TurnEnd, WriteBatch } from "./write-batch.ts";

/** What can be used again. */
export interface Reusable {
  /** Its use is over: nothing of it stays. `kept`: it waits for the next use; otherwise there is none. */
  forget(kept: boolean): void;
}

export class Spares<One extends Reusable> implements TurnEnd {
  readonly #batch: Pick<WriteBatch, "ask">;
  readonly #most: number;
  readonly #spare: One[] = [];
  readonly #over: One[] = [];

  /** Keeps `most` at once. */
  constructor(batch: Pick<WriteBatch, "ask">, most: number) {
    this.#batch = batch;
    this.#most = most;
  }

  /** One that was given back in an earlier turn; undefined: there is none. */
  take(): One | undefined {
    return this.#spare.pop();
  }

  /** Its use is over. It is used again in a later turn only: whoever runs now may still hold it. */
  giveBack(one: One): void {
    if (this.#over.push(one) === 1) this.#batch.ask(this);
  }

  turnEnded(): void {
    const over = this.#over;
    let told = 0;
    try {
      while (told < over.length) {
        const one = over[told++]!;
        const kept = this.#spare.length < this.#most;
        one.forget(kept);
        if (kept) this.#spare.push(one);
      }
    } finally {
      if (told === over.length) {
        over.length = 0;
      } else {
        // One that fails to forget is lost alone.
        over.splice(0, told);
        this.#batch.ask(this);
      }
    }
  }
}
