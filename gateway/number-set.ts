// NumberSet: which numbers from 0 up are in use, a byte each.

export class NumberSet {
  #inUse = new Uint8Array(1024);

  /** Takes `freed` out, then puts the numbers of `taken` in. */
  change(freed: readonly number[], taken: readonly (readonly [number, ...unknown[]])[]): void {
    for (const number of freed) if (number < this.#inUse.length) this.#inUse[number] = 0;
    for (const [number] of taken) {
      if (number >= this.#inUse.length) this.#grow(number);
      this.#inUse[number] = 1;
    }
  }

  /** In their order. */
  *values(): IterableIterator<number> {
    for (let number = 0; number < this.#inUse.length; number++) if (this.#inUse[number] === 1) yield number;
  }

  #grow(number: number): void {
    const grown = new Uint8Array(2 * (number + 1));
    grown.set(this.#inUse);
    this.#inUse = grown;
  }
}
