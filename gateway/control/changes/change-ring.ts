// The last changes, and those who follow them.
import { spaceOf, type Change } from "../../api/changes.ts";
import { FairRing } from "../../shared/fair-ring.ts";

export const maxChanges = 1000;

/** `number` grows by one with each change: for a reader that goes on where it stopped. */
export interface NumberedChange {
  readonly number: number;
  readonly change: Change;
}

export class ChangeRing {
  readonly #ring: FairRing<NumberedChange>;
  readonly #followers = new Set<(change: Change) => void>();

  constructor(max = maxChanges) {
    this.#ring = new FairRing(max, ({ change }) => spaceOf(change));
  }

  /** The oldest first. */
  get changes(): readonly NumberedChange[] {
    return this.#ring.kept;
  }

  add(change: Change): void {
    this.#ring.add((number) => ({ number, change }));
    for (const follower of this.#followers) follower(change);
  }

  /** Gives each change from now on, until what it returns is called. */
  follow(follower: (change: Change) => void): () => void {
    this.#followers.add(follower);
    return () => void this.#followers.delete(follower);
  }
}
