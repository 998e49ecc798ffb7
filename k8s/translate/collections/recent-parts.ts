// Recent parts: equal parts of objects, one frozen object for all that were seen lately. Forgetting one costs memory, never meaning.

/** Parts of one kind that are known at most; then all are forgotten. */
const maxKnown = 512;
/** Longer texts are not kept for it. */
const longestText = 2048;

export class RecentParts<V extends object> {
  readonly #known = new Map<string, V>();

  /** The part that is known by that text, which says all of it; else this one. */
  of(text: string, value: V): V {
    if (text.length > longestText) return Object.freeze(value);
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    if (this.#known.size >= maxKnown) this.#known.clear();
    this.#known.set(text, Object.freeze(value));
    return value;
  }
}
