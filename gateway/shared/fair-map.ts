// FairMap: a bounded Map whose entries have owners, so that nobody's many entries cost another's few: where it is full, who has most gives.

export class FairMap<Key, Value> {
  readonly #most: number;
  /** Entries by owner, each owner's oldest first. */
  readonly #owners = new Map<string, Map<Key, Value>>();
  readonly #ownerOf = new Map<Key, string>();
  /** Owners by how many entries they have, so that the one with most is found at once. */
  readonly #bySize = new Map<number, Set<string>>();
  /** Entries of the owner that has most. */
  #largest = 0;

  /** `most`: entries, 1 or more. */
  constructor(most: number) {
    this.#most = most;
  }

  get size(): number {
    return this.#ownerOf.size;
  }

  get(key: Key): Value | undefined {
    const owner = this.#ownerOf.get(key);
    return owner === undefined ? undefined : this.#owners.get(owner)!.get(key);
  }

  delete(key: Key): void {
    const owner = this.#ownerOf.get(key);
    if (owner === undefined) return;
    this.#ownerOf.delete(key);
    const entries = this.#owners.get(owner)!;
    entries.delete(key);
    this.#resized(owner, entries.size + 1, entries.size);
    if (entries.size === 0) this.#owners.delete(owner);
  }

  /** False: it is full, and no owner has at least two entries more than this one. */
  hasRoomFor(owner: string): boolean {
    return this.#ownerOf.size < this.#most || (this.#owners.get(owner)?.size ?? 0) + 1 < this.#largest;
  }

  /**
   * The newest entry of its owner from now on. Returns the value that is lost for it, or null. Where there are `most`, the owner that has most, the new entry counted among its own, loses its oldest that does not `stay`;
   * where all of them stay, there is one more for a time.
   */
  set(key: Key, owner: string, value: Value, stays: (value: Value) => boolean = () => false): Value | null {
    this.delete(key);
    const lost = this.#ownerOf.size >= this.#most ? this.#makeRoom(owner, stays) : null;
    let entries = this.#owners.get(owner);
    if (entries === undefined) this.#owners.set(owner, (entries = new Map()));
    entries.set(key, value);
    this.#ownerOf.set(key, owner);
    this.#resized(owner, entries.size - 1, entries.size);
    return lost;
  }

  *entries(): IterableIterator<readonly [Key, Value]> {
    for (const entries of this.#owners.values()) yield* entries;
  }

  #makeRoom(owner: string, stays: (value: Value) => boolean): Value | null {
    const own = this.#owners.get(owner)?.size ?? 0;
    const [first] = this.#bySize.get(this.#largest)!;
    for (const [key, value] of this.#owners.get(own === this.#largest ? owner : first!)!) {
      if (stays(value)) continue;
      this.delete(key);
      return value;
    }
    return null;
  }

  #resized(owner: string, from: number, to: number): void {
    const left = this.#bySize.get(from);
    if (left !== undefined) {
      left.delete(owner);
      if (left.size === 0) this.#bySize.delete(from);
    }
    if (to > 0) {
      const joined = this.#bySize.get(to);
      if (joined === undefined) this.#bySize.set(to, new Set([owner]));
      else joined.add(owner);
    }
    // By one at a time: who had most has one less, unless another has as many.
    if (to > this.#largest) this.#largest = to;
    else if (from === this.#largest && !this.#bySize.has(from)) this.#largest = to;
  }
}
