// Numbers: small ones for records of one kind, given back when the record goes.

export class Numbers {
  readonly #free: number[] = [];
  #next = 0;

  take(): number {
    return this.#free.pop() ?? this.#next++;
  }

  give(number: number): void {
    this.#free.push(number);
  }

  /** These are in use, all others are free: of a writer that takes over. */
  occupy(used: ReadonlySet<number>): void {
    for (const number of used) this.#next = Math.max(this.#next, number + 1);
    for (let number = 0; number < this.#next; number++) if (!used.has(number)) this.#free.push(number);
  }
}
