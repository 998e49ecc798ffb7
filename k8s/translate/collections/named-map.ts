// NamedMap: values by namespace and name. No text is kept for the two together: at 10,000 SDs there are 100,000 of them.

interface Names<V> {
  readonly namespace: string;
  readonly byName: Map<string, V>;
}

export class NamedMap<V> {
  readonly #namespaces = new Map<string, Names<V>>();

  get(namespace: string, name: string): V | undefined {
    return this.#namespaces.get(namespace)?.byName.get(name);
  }

  set(namespace: string, name: string, value: V): void {
    this.#at(namespace).byName.set(name, value);
  }

  /** The value, made when there is none. The namespace that `make` is given is one text for all of them. */
  at(namespace: string, name: string, make: (namespace: string, name: string) => V): V {
    const names = this.#at(namespace);
    let value = names.byName.get(name);
    if (value === undefined) names.byName.set(name, (value = make(names.namespace, name)));
    return value;
  }

  delete(namespace: string, name: string): boolean {
    const names = this.#namespaces.get(namespace);
    if (names === undefined || !names.byName.delete(name)) return false;
    if (names.byName.size === 0) this.#namespaces.delete(namespace);
    return true;
  }

  *values(): Iterable<V> {
    for (const { byName } of this.#namespaces.values()) yield* byName.values();
  }

  #at(namespace: string): Names<V> {
    let names = this.#namespaces.get(namespace);
    if (names === undefined) this.#namespaces.set(namespace, (names = { namespace, byName: new Map() }));
    return names;
  }
}
