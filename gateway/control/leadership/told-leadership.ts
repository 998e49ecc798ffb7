// What both elections share: who leads as far as is known, said once to the log and to listeners.
import type { ElectionOutside, Leadership } from "./leadership.ts";

export abstract class ToldLeadership implements Leadership {
  protected readonly outside: ElectionOutside;
  readonly #listeners: (() => void)[] = [];
  #told: string | null = null;
  #failing: string | null = null;

  constructor(outside: ElectionOutside) {
    this.outside = outside;
  }

  abstract isLeader(): boolean;
  abstract readonly leader: string | null;

  changed(listener: () => void): void {
    this.#listeners.push(listener);
  }

  /** To be called after each step. */
  protected tell(): void {
    const { leader } = this;
    if (leader === this.#told) return;
    this.#told = leader;
    this.outside.log.write("leader", { leader, self: this.isLeader() });
    for (const listener of this.#listeners) listener();
  }

  /** null: the last try worked. The same sentence is logged once. */
  protected failed(sentence: string | null): void {
    if (sentence !== null && sentence !== this.#failing) this.outside.log.write("leader-unknown", { reason: sentence });
    this.#failing = sentence;
  }
}
