// Removal hold: a list that has lost most objects is doubted. They stay until a second list, a while later, says the same.
import { performance } from "node:perf_hooks";
import type { Collection } from "./collection.ts";

/** Objects that a list did not hold and that are kept until a second list decides. */
export interface HeldRemoval {
  readonly missing: number;
  readonly of: number;
}

export class RemovalHold {
  readonly #holdMs: number;
  #held: HeldRemoval | null = null;
  #sinceMs = 0;

  /** `holdMs`: after this a second list is believed. */
  constructor(holdMs: number) {
    this.#holdMs = holdMs;
  }

  /** null: nothing is held. */
  get held(): HeldRemoval | null {
    return this.#held;
  }

  /** A list came without `missing` of the objects that are known. true: they stay. */
  keeps(objects: Collection, missing: number): boolean {
    const confirmed = this.#held !== null && performance.now() - this.#sinceMs >= this.#holdMs;
    if (confirmed || !objects.isDoubtful(missing)) {
      this.#held = null;
      return false;
    }
    if (this.#held === null) {
      this.#held = { missing, of: objects.size };
      this.#sinceMs = performance.now();
    }
    return true;
  }
}
