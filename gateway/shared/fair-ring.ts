// FairRing: the last things of all namespaces. A full one drops the oldest thing of the namespace that has most, so that a storm pushes out its own.

export class FairRing<T> {
  readonly #max: number;
  readonly #namespaceOf: (thing: T) => string;
  readonly #kept: T[] = [];
  readonly #counts = new Map<string, number>();
  #last = 0;

  /** `max`: things that are kept. */
  constructor(max: number, namespaceOf: (thing: T) => string) {
    this.#max = max;
    this.#namespaceOf = namespaceOf;
  }

  /** The oldest first. */
  get kept(): readonly T[] {
    return this.#kept;
  }

  /** `make` gets the number of the thing, which grows by one with each. */
  add(make: (number: number) => T): void {
    this.#last += 1;
    const thing = make(this.#last);
    this.#kept.push(thing);
    this.#count(thing, 1);
    if (this.#kept.length > this.#max) this.#dropOne();
  }

  /** Of several namespaces that have most, it takes the oldest thing. */
  #dropOne(): void {
    const most = this.#counts.values().reduce((largest, count) => Math.max(largest, count));
    const at = this.#kept.findIndex((thing) => this.#counts.get(this.#namespaceOf(thing)) === most);
    const [gone] = this.#kept.splice(at, 1);
    this.#count(gone!, -1);
  }

  #count(thing: T, difference: number): void {
    const namespace = this.#namespaceOf(thing);
    const count = (this.#counts.get(namespace) ?? 0) + difference;
    if (count === 0) this.#counts.delete(namespace);
    else this.#counts.set(namespace, count);
  }
}
