// MapView: one part of each of some records, read as a Map of its own, without a second Map.

/** Records by key. */
interface Records<R> {
  readonly size: number;
  get(key: string): R | undefined;
  values(): Iterable<R>;
}

export class MapView<R extends { readonly key: string }, V> implements ReadonlyMap<string, V> {
  readonly #records: Records<R>;
  readonly #part: (record: R) => V;

  constructor(records: Records<R>, part: (record: R) => V) {
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
    return this.#records.get(key) !== undefined;
  }

  *keys(): MapIterator<string> {
    for (const { key } of this.#records.values()) yield key;
  }

  *values(): MapIterator<V> {
    for (const record of this.#records.values()) yield this.#part(record);
  }

  *entries(): MapIterator<[string, V]> {
    for (const record of this.#records.values()) yield [record.key, this.#part(record)];
  }

  [Symbol.iterator](): MapIterator<[string, V]> {
    return this.entries();
  }

  forEach(visit: (value: V, key: string, map: ReadonlyMap<string, V>) => void): void {
    for (const [key, value] of this.entries()) visit(value, key, this);
  }
}
