// MultiMap: several values a key, for the Translator's indexes.

const empty: ReadonlySet<never> = new Set();

export class MultiMap<V> {
  readonly #sets = new Map<string, Set<V>>();

  get(key: string): ReadonlySet<V> {
    return this.#sets.get(key) ?? empty;
  }

  add(key: string, value: V): void {
    const set = this.#sets.get(key);
    if (set === undefined) this.#sets.set(key, new Set([value]));
    else set.add(value);
  }

  delete(key: string, value: V): void {
    const set = this.#sets.get(key);
    if (set === undefined) return;
    set.delete(value);
    if (set.size === 0) this.#sets.delete(key);
  }
}
