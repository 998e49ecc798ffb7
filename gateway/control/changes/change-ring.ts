// The last changes: a ring, and those who follow it. Of a full ring the namespace that has most loses its oldest one.
import { spaceOf, type Change } from "../../api/changes.ts";

export const maxChanges = 1000;

/** `number` grows by one with each change: for a reader that goes on where it stopped. */
export interface NumberedChange {
  readonly number: number;
  readonly change: Change;
}

export class ChangeRing {
  readonly #max: number;
  readonly #kept: NumberedChange[] = [];
  readonly #counts = new Map<string, number>();
  readonly #followers = new Set<(change: Change) => void>();
  #last = 0;

  constructor(max = maxChanges) {
    this.#max = max;
  }

  /** The oldest first. */
  get changes(): readonly NumberedChange[] {
    return this.#kept;
  }

  add(change: Change): void {
    this.#last += 1;
    this.#kept.push({ number: this.#last, change });
    this.#count(spaceOf(change), 1);
    if (this.#kept.length > this.#max) this.#dropOne();
    for (const follower of this.#followers) follower(change);
  }

  /** Gives each change from now on, until what it returns is called. */
  follow(follower: (change: Change) => void): () => void {
    this.#followers.add(follower);
    return () => void this.#followers.delete(follower);
  }

  #dropOne(): void {
    let [most, largest] = ["", 0];
    for (const [space, count] of this.#counts) if (count > largest) [most, largest] = [space, count];
    const [gone] = this.#kept.splice(
      this.#kept.findIndex(({ change }) => spaceOf(change) === most),
      1,
    );
    this.#count(spaceOf(gone!.change), -1);
  }

  #count(space: string, difference: number): void {
    const count = (this.#counts.get(space) ?? 0) + difference;
    if (count === 0) this.#counts.delete(space);
    else this.#counts.set(space, count);
  }
}
