// Buckets: a persistent hash table. A table at 10,000 deployments holds tens of thousands of values, and a change must not copy them:
// it copies one list of pages, the touched page and the touched bucket (about a microsecond), and every older table stays as it was.

/** Values in buckets by a 32-bit hash. Buckets hold one or two values. */
export interface Buckets<V> {
  readonly count: number;
  /** Buckets − 1; their number is a power of two, at least `pageSize`. */
  readonly mask: number;
  readonly pages: readonly (readonly (readonly V[])[])[];
}

const pageBits = 6;
const pageSize = 1 << pageBits;
const empty: readonly never[] = Object.freeze([]);
const emptyPage: readonly (readonly never[])[] = Object.freeze(Array.from({ length: pageSize }, () => empty));

export const noBuckets: Buckets<never> = Object.freeze({ count: 0, mask: pageSize - 1, pages: Object.freeze([emptyPage]) });

/** The values that may have this hash: the caller checks which. */
export function bucketOf<V>(buckets: Buckets<V>, hash: number): readonly V[] {
  const at = (hash ^ (hash >>> 15)) & buckets.mask;
  return buckets.pages[at >>> pageBits]![at & (pageSize - 1)]!;
}

/** All values, in no useful order. */
export function* valuesOf<V>(buckets: Buckets<V>): Generator<V> {
  for (const page of buckets.pages) for (const bucket of page) yield* bucket;
}

/** A change in progress. `done` gives the next Buckets; the ones it began with never change. */
export class BucketsEdit<V> {
  #count: number;
  #mask: number;
  #pages: (readonly (readonly V[])[])[];
  /** Pages copied by this edit. */
  readonly #own = new Set<readonly (readonly V[])[]>();
  readonly #from: Buckets<V>;
  #changed = false;
  readonly #hashOf: (value: V) => number;
  readonly #compare: (a: V, b: V) => number;

  /** `compare` orders the values of one bucket; equal values (0) replace each other. */
  constructor(from: Buckets<V>, hashOf: (value: V) => number, compare: (a: V, b: V) => number) {
    this.#from = from;
    this.#count = from.count;
    this.#mask = from.mask;
    this.#pages = from.pages as (readonly (readonly V[])[])[];
    this.#hashOf = hashOf;
    this.#compare = compare;
  }

  bucketOf(hash: number): readonly V[] {
    const at = (hash ^ (hash >>> 15)) & this.#mask;
    return this.#pages[at >>> pageBits]![at & (pageSize - 1)]!;
  }

  /** Adds a value, or replaces the one that compares equal. */
  set(value: V): void {
    const hash = this.#hashOf(value);
    const bucket = this.bucketOf(hash);
    let at = 0;
    let order = -1;
    for (; at < bucket.length; at++) {
      order = this.#compare(value, bucket[at]!);
      if (order <= 0) break;
    }
    const replaces = at < bucket.length && order === 0;
    this.#put(hash, Object.freeze([...bucket.slice(0, at), value, ...bucket.slice(replaces ? at + 1 : at)]));
    if (replaces) return;
    this.#count++;
    if (this.#count > 2 * (this.#mask + 1)) this.#grow();
  }

  /** Removes the value that compares equal, if it is there. */
  remove(value: V): void {
    const hash = this.#hashOf(value);
    const bucket = this.bucketOf(hash);
    const kept = bucket.filter((other) => this.#compare(value, other) !== 0);
    if (kept.length === bucket.length) return;
    this.#put(hash, kept.length === 0 ? empty : Object.freeze(kept));
    this.#count--;
  }

  done(): Buckets<V> {
    if (!this.#changed) return this.#from;
    return Object.freeze({ count: this.#count, mask: this.#mask, pages: this.#pages });
  }

  #put(hash: number, bucket: readonly V[]): void {
    const at = (hash ^ (hash >>> 15)) & this.#mask;
    if (!this.#changed) {
      this.#pages = this.#pages.slice();
      this.#changed = true;
    }
    let page = this.#pages[at >>> pageBits]!;
    if (!this.#own.has(page)) {
      page = page.slice();
      this.#own.add(page);
      this.#pages[at >>> pageBits] = page;
    }
    (page as (readonly V[])[])[at & (pageSize - 1)] = bucket;
  }

  /** Four times as many buckets: rare, and the only step whose cost grows with the number of values. */
  #grow(): void {
    const values = this.#pages.flat(2);
    const lists: V[][] = Array.from({ length: (this.#mask + 1) * 4 }, () => []);
    this.#mask = lists.length - 1;
    // Values of one new bucket come from one old bucket, so they stay in order.
    for (const value of values) {
      const hash = this.#hashOf(value);
      lists[(hash ^ (hash >>> 15)) & this.#mask]!.push(value);
    }
    this.#pages = [];
    this.#own.clear();
    for (let first = 0; first < lists.length; first += pageSize) {
      const page = lists.slice(first, first + pageSize).map((list) => (list.length === 0 ? empty : Object.freeze(list)));
      this.#own.add(page);
      this.#pages.push(page);
    }
  }
}
