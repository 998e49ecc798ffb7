// MapView: one part of each value of a Map, read as a Map of its own, without a second Map.

export class MapView<R, V> implements ReadonlyMap<string, V> {
  readonly #records: ReadonlyMap<string, R>;
  readonly #part: (record: R) => V;

  constructor(records: ReadonlyMap<string, R>, part: (record: R) => V) {
    this.#records = records;
    this.#part = part;
  }

  get size(): number {
    return this.#records.size;
  }

  get(key: string): V | undefined {
    const record = this.#records.get(key);
    return record === undefined ? undefined : this.#part(record);
  }

  has(key: string): boolean {
    return this.#records.has(key);
  }

  keys(): MapIterator<string> {
    return this.#records.keys();
  }

  values(): MapIterator<V> {
    return this.#records.values().map((record) => this.#part(record));
  }

  entries(): MapIterator<[string, V]> {
    return this.#records.entries().map(([key, record]): [string, V] => [key, this.#part(record)]);
  }

  [Symbol.iterator](): MapIterator<[string, V]> {
    return this.entries();
  }

  forEach(visit: (value: V, key: string, map: ReadonlyMap<string, V>) => void): void {
    for (const [key, record] of this.#records) visit(this.#part(record), key, this);
  }
}
