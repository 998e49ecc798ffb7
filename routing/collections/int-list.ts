// IntList: a list of 32-bit numbers that is as long as it must be; what was not set is 0.
import { intCells } from "./int-cells.ts";

export class IntList {
  #values = new Int32Array(64);

  /** Places that may have been set lie below this. */
  get end(): number {
    return this.#values.length;
  }

  /** `place`: 0 or more. */
  at(place: number): number {
    return place < this.#values.length ? this.#values[place]! : 0;
  }

  set(place: number, value: number): void {
    if (place >= this.#values.length) {
      const values = intCells(Math.max(place + 1, this.#values.length * 2));
      values.set(this.#values);
      this.#values = values;
    }
    this.#values[place] = value;
  }
}
